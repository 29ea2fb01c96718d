//! Constant load while the configuration is read again, or the server's certificate is exchanged, many times.

use crate::steady::{Counted, Pace, Steady};
use crate::{Bench, folder, mix};
use netweave_benches::connection::{Connection, Target};
use netweave_benches::metrics::{grows, sum};
use netweave_benches::pki::Authority;
use netweave_benches::report::{Report, median, tenth};
use netweave_benches::server::{self, Conf, Server};
use netweave_benches::stock::Stock;
use netweave_benches::{Result, due, handshakes};
use rustix::process::Signal;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const RESOURCES: usize = 1000;
/// Requests over connections that stay, and over new ones, per second.
const KEPT: Pace = Pace { rate: 1000, connections: 16, fresh: false, seed: 1 };
const FRESH: Pace = Pace { rate: 50, connections: 16, fresh: true, seed: 2 };
/// How often it is done, and how long from one to the next.
const TIMES: u32 = 20;
const EACH: Duration = Duration::from_millis(500);
const WARM_UP: Duration = Duration::from_secs(2);
/// How long one of them may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is done under load.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Reload,
    Rotation,
}

impl Deed {
    fn name(self) -> &'static str {
        match self {
            Self::Reload => "reload",
            Self::Rotation => "rotation",
        }
    }

    /// The metric that counts it when it is done.
    fn done(self) -> &'static str {
        match self {
            Self::Reload => "netweave_config_reloads_total{result=\"ok\"}",
            Self::Rotation => "netweave_tls_reloads_total{result=\"ok\"}",
        }
    }
}

/// A gateway that is changed.
struct Scene {
    gateway: Server,
    ops: Target,
    conf: Conf,
    home: PathBuf,
    authority: Authority,
}

/// Runs the bench of that deed.
pub(crate) async fn run(bench: &Bench, deed: Deed) -> Result<()> {
    let mut report = Report::new(
        deed.name(),
        &[
            "scene",
            "requests",
            "failed",
            "p50_ms",
            "p99_ms",
            "max_ms",
            "handshakes/s",
            "handshakes_failed",
            "handshake_p99_ms",
        ],
    );
    report.note(format!(
        "{} requests per second in an open loop over {} connections that stay, and {} with a new connection and a full handshake each; latency from when a request was due. \
         with: {TIMES} times, one each {EACH:?}, {}; without: as long before that.",
        KEPT.rate,
        KEPT.connections,
        FRESH.rate,
        match deed {
            Deed::Reload => "the configuration gets another limit and is read again (SIGHUP)",
            Deed::Rotation => "the server gets another certificate and key (SIGHUP), and a new connection is shown it",
        }
    ));
    let mut scene = Scene::set(bench, deed).await?;
    let (kept, fresh) = scene.load()?;
    sleep(WARM_UP).await;
    kept.take()?;
    fresh.take()?;
    let begun = Instant::now();
    sleep(EACH * TIMES).await;
    let without = (kept.take()?, fresh.take()?);
    row(&mut report, "without", &without, begun.elapsed())?;
    let begun = Instant::now();
    let mut took = Vec::new();
    for number in 1..=TIMES {
        took.push(scene.once(deed, number).await?.as_secs_f64() * 1e3);
        due::wait(begun + EACH * number).await;
    }
    let length = begun.elapsed();
    let with = (kept.stop().await?, fresh.stop().await?);
    row(&mut report, "with", &with, length)?;
    scene.gateway.process.alive()?;
    let failed = without.0.failed + without.1.failed + with.0.failed + with.1.failed;
    report.finish(
        &bench.out,
        &format!(
            "times={TIMES} failed={failed} p99_ms={} p99_ms_without={} handshakes_per_s={} took_ms={}",
            tenth(with.0.millis(0.99)),
            tenth(without.0.millis(0.99)),
            per_second(&with.1, length),
            tenth(median(took))
        ),
    )?;
    let faults = [&without.0, &without.1, &with.0, &with.1].map(|counted| counted.faults.join("; "));
    if failed == 0 { Ok(()) } else { Err(format!("{failed} requests failed: {}", faults.join("; ")).into()) }
}

impl Scene {
    async fn set(bench: &Bench, deed: Deed) -> Result<Self> {
        let home = folder(bench, deed.name())?;
        let authority = Authority::set_up(&home)?;
        let stock = Stock::new("pool", RESOURCES);
        stock.write(&home)?;
        let conf = server::conf(std::slice::from_ref(&stock.name))?;
        let mut gateway = server::start(&bench.netweave, &home, authority.client()?, &conf)?;
        gateway.answers(&stock.first(), |_| true).await?;
        let ops = Target { address: conf.ops, tls: None };
        Ok(Self { gateway, ops, conf, home, authority })
    }

    fn load(&self) -> Result<(Steady, Steady)> {
        let request = |dice: &mut _| mix::read_request(&Stock::new("pool", RESOURCES), dice);
        let api = &self.gateway.api;
        // The last one is shown while it runs.
        let fresh = Steady::start(api, FRESH, request)?;
        Ok((Steady::start(api, KEPT, request)?, fresh))
    }

    /// Does it once; returns how long it took until it was in force.
    async fn once(&mut self, deed: Deed, number: u32) -> Result<Duration> {
        let (before, start) = (sum(&self.ops, deed.done()).await?, Instant::now());
        let certificate = match deed {
            Deed::Reload => {
                if let Some(rate) = self.conf.document.pointer_mut("/limits/perIdentity/rate") {
                    *rate = json!(900_000 + number);
                }
                let new = self.home.join("netweave.yaml.new");
                std::fs::write(&new, self.conf.document.to_string())?;
                std::fs::rename(new, self.home.join("netweave.yaml"))?;
                None
            }
            Deed::Rotation => Some(self.authority.write_server(&self.home)?),
        };
        self.gateway.process.signal(Signal::HUP)?;
        grows(&self.ops, deed.done(), before, PATIENCE).await?;
        let took = start.elapsed();
        if let Some(certificate) = certificate {
            let connection = Connection::open(&handshakes::with_sessions(&self.gateway.api, false)).await?;
            if connection.server() != Some(&certificate) {
                return Err("a new connection is not shown the new certificate".into());
            }
        }
        Ok(took)
    }
}

fn row(report: &mut Report, name: &str, (kept, fresh): &(Counted, Counted), length: Duration) -> Result<()> {
    report.latency(&kept.latency)?;
    report.row(vec![
        json!(name),
        json!(kept.latency.len() + kept.failed),
        json!(kept.failed),
        json!(tenth(kept.millis(0.5))),
        json!(tenth(kept.millis(0.99))),
        json!(tenth(kept.millis(1.0))),
        json!(per_second(fresh, length)),
        json!(fresh.failed),
        json!(tenth(fresh.millis(0.99))),
    ])
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn per_second(counted: &Counted, length: Duration) -> f64 {
    tenth(counted.latency.len() as f64 / length.as_secs_f64())
}
