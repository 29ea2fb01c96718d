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
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
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

/// Binds the inbox; a port that is taken leaves the gateway without one.
pub(super) fn inbox(clock: &Arc<dyn Clock>) -> Option<DevInbox> {
    let bound =
        TcpListener::bind(INBOX).and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    match bound {
        Ok(listener) => Some(DevInbox { listener, inbox: Inbox::new(Options::default(), Arc::clone(clock)) }),
        Err(error) => {
            warn!(%error, address = INBOX, "there is no webhook inbox, its port is taken");
            None
        }
    }
}

/// Makes the background services of a development gateway.
pub(super) fn services(dev: &DevOptions, inbox: Option<DevInbox>) -> Vec<Arc<dyn Service>> {
    let mut services: Vec<Arc<dyn Service>> = Vec::new();
    if let Some(inbox) = inbox {
        services.push(Arc::new(inbox));
    }
    if dev.sample {
        services.push(Arc::new(Stir { path: dev.dir.join(SAMPLE), step: AtomicU64::new(0) }));
    }
    services
}

/// Prints what can be done now, ready to paste.
pub(super) fn greet(dev: &DevOptions, addresses: &Addresses, inbox: bool) {
    let Some(api) = addresses.api.first() else { return };
    let dir = std::path::absolute(&dev.dir).unwrap_or_else(|_| dev.dir.clone());
    let file = |name: &str| dir.join(name).display().to_string();
    let curl = format!(
        "curl -s --cacert {} --cert {} --key {}",
        file(CA),
        file(CLIENT_CERTIFICATE),
        file(CLIENT_KEY)
    );
    let base = format!("https://{api}/o2ims-infrastructureInventory");
    let program = std::env::current_exe().unwrap_or_else(|_| "netweave".into());
    let version = env!("CARGO_PKG_VERSION");
    let mut lines = vec![
        format!("netweave {version} - DEVELOPMENT: loopback only, certificates in {}", dev.dir.display()),
        format!("  API      {base}/v2/"),
        format!("  Ops      http://{ops}/metrics  http://{ops}/readyz?verbose", ops = addresses.ops),
        format!("  Browser  http://{}/api/", addresses.ops),
    ];
    let mut tries = vec![
        format!("  {curl} {base}/v2/resourcePools"),
        format!("  {curl} '{base}/v2/resourceTypes?filter=(eq,resourceClass,COMPUTE)'"),
        format!("  {} subs watch --dev --dir {} --url https://{api}", program.display(), dir.display()),
        format!("  curl -s http://{}/readyz?verbose", addresses.ops),
    ];
    if inbox {
        lines.push(format!("  Inbox    http://{INBOX}/"));
        let body = format!("{{\"callback\":\"http://{INBOX}/smo\"}}");
        tries.push(format!(
            "  {curl} -H 'Content-Type: application/json' -d '{body}' {base}/v2/subscriptions"
        ));
        tries.push(format!("  curl -s http://{INBOX}/"));
    }
    lines.push("\nTry:".to_owned());
    lines.append(&mut tries);
    lines.push(format!(
        "\nCtrl-C ends it and keeps everything; remove {} to start afresh.\n",
        dev.dir.display()
    ));
    let text = lines.join("\n");
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        warn!(%error, "the greeting could not be printed");
    }
}

/// The built-in consumer of notifications.
pub(super) struct DevInbox {
    listener: TcpListener,
    inbox: Arc<Inbox>,
}

#[async_trait]
impl Service for DevInbox {
    fn name(&self) -> &'static str {
        "inbox"
    }

    /// Serves until dropped.
    async fn activate(&self) -> Result<bool> {
        let listener = self.listener.try_clone().and_then(tokio::net::TcpListener::from_std);
        let listener =
            listener.map_err(|error| Error::internal("the inbox cannot listen").with_source(error))?;
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
