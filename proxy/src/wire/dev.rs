//! What `serve --dev` sets up beside the gateway: certificates, the sample inventory that changes, and a webhook inbox.

use crate::cli::gen_certs::dev_ca;
use crate::cli::serve::DevOptions;
use crate::conf::profile::{CA, CLIENT_CERTIFICATE, CLIENT_KEY, SAMPLE};
use crate::listen::Addresses;
use crate::services::Service;
use crate::webhook::inbox::{self, Inbox, Options};
use async_trait::async_trait;
use netweave_adapters::sample;
use netweave_model::port::Clock;
use netweave_model::{Error, Result, Timestamp};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tracing::{info, warn};

/// Where the built-in inbox listens.
const INBOX: &str = "127.0.0.1:9000";
/// Time between two changes of the sample inventory.
const CHANGE_EVERY: Duration = Duration::from_secs(20);

/// Makes what is missing in the folder: certificates and, if it is served, the sample inventory.
///
/// # Errors
/// `Invalid`: the folder cannot be written.
pub(super) fn prepare(dev: &DevOptions, now: Timestamp) -> Result<()> {
    dev_ca(&dev.dir, now)?;
    let sample = dev.dir.join(SAMPLE);
    if dev.sample && !sample.exists() {
        write_whole(&sample, sample::text())?;
    }
    info!(dir = %dev.dir.display(), "the development set-up is ready");
    Ok(())
}

/// Makes the background services of a development gateway.
pub(super) fn services(dev: &DevOptions, clock: &Arc<dyn Clock>) -> Vec<Arc<dyn Service>> {
    let inbox = Inbox::new(Options::default(), Arc::clone(clock));
    let mut services: Vec<Arc<dyn Service>> = vec![Arc::new(DevInbox { inbox })];
    if dev.sample {
        services.push(Arc::new(Stir { path: dev.dir.join(SAMPLE), step: AtomicU64::new(0) }));
    }
    services
}

/// Prints what can be done now, ready to paste.
pub(super) fn greet(dev: &DevOptions, addresses: &Addresses) {
    let Some(api) = addresses.api.first() else { return };
    let file = |name: &str| dev.dir.join(name).display().to_string();
    let curl = format!(
        "curl -s --cacert {} --cert {} --key {}",
        file(CA),
        file(CLIENT_CERTIFICATE),
        file(CLIENT_KEY)
    );
    let base = format!("https://{api}/o2ims-infrastructureInventory");
    let program = std::env::current_exe().unwrap_or_else(|_| "netweave".into());
    let mut text = String::new();
    let lines = [
        format!(
            "netweave {} - DEVELOPMENT: loopback only, certificates in {}",
            env!("CARGO_PKG_VERSION"),
            dev.dir.display()
        ),
        format!("  API      {base}/v2/"),
        format!("  Ops      http://{}/metrics  /readyz?verbose", addresses.ops),
        format!("  Inbox    http://{INBOX}/"),
        String::new(),
        "Try:".to_owned(),
        format!("  {curl} {base}/v2/resourcePools"),
        format!("  {curl} '{base}/v2/resourceTypes?filter=(eq,resourceClass,COMPUTE)'"),
        format!(
            "  {curl} -H 'Content-Type: application/json' -d '{{\"callback\":\"http://{INBOX}/smo\"}}' {base}/v2/subscriptions"
        ),
        format!("  curl -s http://{INBOX}/"),
        format!("  {} subs watch --dev --url https://{api}", program.display()),
        format!("  curl -s http://{}/readyz?verbose", addresses.ops),
        String::new(),
        format!("Ctrl-C ends it and keeps everything; remove {} to start afresh.", dev.dir.display()),
    ];
    for line in lines {
        if writeln!(text, "{line}").is_err() {
            return;
        }
    }
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        warn!(%error, "the greeting could not be printed");
    }
}

/// The built-in consumer of notifications.
struct DevInbox {
    inbox: Arc<Inbox>,
}

#[async_trait]
impl Service for DevInbox {
    fn name(&self) -> &'static str {
        "inbox"
    }

    /// Serves until dropped.
    async fn activate(&self) -> Result<bool> {
        let listener = TcpListener::bind(INBOX)
            .await
            .map_err(|error| Error::invalid("inbox", "the inbox's port is taken").with_source(error))?;
        inbox::serve(listener, Arc::clone(&self.inbox)).await;
        Ok(true)
    }

    async fn wait(&self) {
        tokio::time::sleep(CHANGE_EVERY).await;
    }
}

/// Changes the sample inventory now and then, so that there is something to be notified of.
struct Stir {
    path: PathBuf,
    step: AtomicU64,
}

#[async_trait]
impl Service for Stir {
    fn name(&self) -> &'static str {
        "stir"
    }

    async fn activate(&self) -> Result<bool> {
        let step = self.step.fetch_add(1, Ordering::Relaxed);
        if step > 0 {
            let text = tokio::fs::read_to_string(&self.path)
                .await
                .map_err(|error| Error::invalid("sample", "the sample cannot be read").with_source(error))?;
            write_whole(&self.path, &sample::step(&text, step))?;
        }
        Ok(false)
    }

    async fn wait(&self) {
        tokio::time::sleep(CHANGE_EVERY).await;
    }
}

/// Writes a file so that readers see the old or the new content, never half of it.
fn write_whole(path: &Path, text: &str) -> Result<()> {
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, text)
        .and_then(|()| std::fs::rename(&fresh, path))
        .map_err(|error| Error::invalid("dir", "the sample inventory cannot be written").with_source(error))
}
