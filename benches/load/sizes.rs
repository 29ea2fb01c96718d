//! The gateway in the three sizes of the chart, each held by control groups: whether it lives in them and keeps its objectives.

use crate::delivery::stage::{Plan, Stage, Store};
use crate::loaded::{self, Load, millis};
use crate::{Bench, folder};
use netweave_benches::cgroup::{Ceiling, Size};
use netweave_benches::consumers::Manner;
use netweave_benches::drive::{Run, open};
use netweave_benches::report::{Report, say, tenth};
use netweave_benches::server::{self, Server};
use netweave_benches::stock::Stock;
use netweave_benches::{Result, pki};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

const DEV: Size = Size { millicores: 100, mib: 128 };
/// Share of a core that the sample may take while nobody asks, in percent.
const IDLE: f64 = 10.0;
/// Requests per second of the light load.
const LIGHT: u32 = 5;
/// Until what the reading took is given back with its threads, whose CPU time would be missing at the end, and the certificates of the
/// sample are made.
const SETTLE: Duration = Duration::from_secs(12);

/// A size with its load, on Redis.
struct Profile {
    name: &'static str,
    size: Size,
    resources: usize,
    subscriptions: u32,
    /// Changes per second, each told to every subscription.
    changes: u32,
    /// Requests per second, a fifth of them pages of the large pool.
    requests: u32,
}

const PROFILES: [Profile; 2] = [
    Profile {
        name: "staging",
        size: Size { millicores: 500, mib: 512 },
        resources: 1_000,
        subscriptions: 100,
        changes: 1,
        requests: 200,
    },
    Profile {
        name: "prod",
        size: Size { millicores: 1000, mib: 1024 },
        resources: 10_000,
        subscriptions: 1_000,
        changes: 1,
        requests: 500,
    },
];

/// What was measured in one size.
#[derive(Default)]
struct Figures {
    /// Share of a core, in percent.
    cpu: f64,
    throttled: u64,
    /// Resident memory of the process at its most, and all of its group, in MiB.
    resident: u64,
    peak: u64,
    p95_ms: f64,
    p99_ms: f64,
    /// Notifications, 99th percentile.
    told_ms: Option<f64>,
    notifications: u64,
}

/// Runs the bench.
pub(crate) async fn run(bench: &Bench, redis: &Path) -> Result<()> {
    let full = std::env::var_os("NETWEAVE_FULL").is_some();
    let length = Duration::from_secs(if full { 120 } else { 12 });
    let columns = &[
        "size",
        "scene",
        "cpu_percent",
        "throttled_periods",
        "resident_mib",
        "group_peak_mib",
        "ceiling_mib",
        "p95_ms",
        "p99_ms",
        "told_p99_ms",
        "notifications",
    ];
    let mut report = Report::new("sizes", columns);
    let build = if bench.netweave.to_string_lossy().contains("/debug/") { "development" } else { "release" };
    let holder = Ceiling::of(DEV, "look")?.holder();
    report.note(format!(
        "A {build} build, each scene {length:?}, held by {holder} (memory, and a share of a core in periods of 100 ms). dev is \
         `serve --dev` with its sample; staging and prod run on Redis, which is not in the group, with subscriptions at one SMO over TLS. \
         group_peak has the pages of files as well, which the kernel takes back when memory is short."
    ));
    let (mut summary, mut faults) = (Vec::new(), Vec::new());
    for (scene, figures) in dev(bench, length).await? {
        faults.extend(row(&mut report, &mut summary, ("dev", scene, DEV), &figures)?);
    }
    for profile in &PROFILES {
        let figures = loaded(bench, redis, profile, length).await?;
        faults.extend(row(&mut report, &mut summary, (profile.name, "loaded", profile.size), &figures)?);
    }
    report.finish(&bench.out, &summary.join(" "))?;
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ").into()) }
}

/// Shows the figures; returns what does not hold, a ceiling or an objective.
fn row(
    report: &mut Report,
    summary: &mut Vec<String>,
    (name, scene, size): (&str, &str, Size),
    figures: &Figures,
) -> Result<Option<String>> {
    let Figures { cpu, throttled, resident, peak, p95_ms, p99_ms, told_ms, notifications } = *figures;
    report.row(vec![
        json!(name),
        json!(scene),
        json!(tenth(cpu)),
        json!(throttled),
        json!(resident),
        json!(peak),
        json!(size.mib),
        json!(tenth(p95_ms)),
        json!(tenth(p99_ms)),
        told_ms.map_or(json!("-"), |told| json!(tenth(told))),
        json!(notifications),
    ])?;
    let held = slo_held(figures);
    let key = format!("{name}_{scene}");
    let line = format!(
        "{key}_peak_mib={resident} {key}_cpu_percent={} {key}_p99_ms={} {key}_slo_held={}",
        tenth(cpu),
        tenth(p99_ms),
        u8::from(held)
    );
    say(&format!("figure: {line}"))?;
    summary.push(line);
    if !held {
        return Ok(Some(format!("{key}: the objectives do not hold")));
    }
    if resident > size.mib || scene == "idle" && cpu > IDLE {
        return Ok(Some(format!("{key}: {resident} MiB and {cpu:.1} % of a core are too much")));
    }
    Ok(None)
}

fn slo_held(figures: &Figures) -> bool {
    loaded::held(figures.p95_ms, figures.p99_ms, figures.told_ms)
}

/// The sample: while nobody asks, and under a light load.
async fn dev(bench: &Bench, length: Duration) -> Result<[(&'static str, Figures); 2]> {
    let home = folder(bench, "sizes-dev")?;
    let ceiling = Ceiling::of(DEV, "dev")?;
    let (mut gateway, ops) = server::sample_in(Some(&ceiling), &bench.netweave, &home)?;
    gateway.answers_at(&ops, "/readyz", |_| true).await?;
    tokio::time::sleep(SETTLE).await;
    let idle = during(&gateway, &ceiling, async {
        tokio::time::sleep(length).await;
        Ok(None)
    })
    .await?;
    gateway.api.tls = Some(pki::of_dev(&home.join(".netweave/dev"))?);
    let path = "/o2ims-infrastructureInventory/v2/resourcePools";
    let light =
        during(&gateway, &ceiling, async { open(&gateway.api, path, length, LIGHT).await.map(Some) }).await?;
    alive(&mut gateway, &ceiling)?;
    Ok([("idle", idle), ("light", light)])
}

/// Requests, changes and notifications at once.
async fn loaded(bench: &Bench, redis: &Path, profile: &Profile, length: Duration) -> Result<Figures> {
    let ceiling = Ceiling::of(profile.size, profile.name)?;
    let name = format!("sizes-{}", profile.name);
    let plan = Plan::new(name, (Store::Redis, redis), &[Manner::Living], profile.subscriptions);
    let large = vec![Stock::new("large", profile.resources)];
    let mut stage = Stage::of(bench, Plan { large, ceiling: Some(&ceiling), ..plan }).await?;
    tokio::time::sleep(SETTLE).await;
    let before = (stage.gateway.process.cpu()?, ceiling.throttled()?, Instant::now());
    let load = Load { reads: profile.requests, changes: profile.changes, length };
    let seen = load.on(&mut stage).await?;
    let mut figures = figures(&stage.gateway, &ceiling, before)?;
    (figures.p95_ms, figures.p99_ms) = (seen.p95_ms, seen.p99_ms);
    (figures.told_ms, figures.notifications) = (Some(seen.told_ms), seen.notifications);
    alive(&mut stage.gateway, &ceiling)?;
    Ok(figures)
}

/// Measures what the gateway takes while something goes on.
async fn during(
    gateway: &Server,
    ceiling: &Ceiling,
    scene: impl Future<Output = Result<Option<Run>>>,
) -> Result<Figures> {
    let before = (gateway.process.cpu()?, ceiling.throttled()?, Instant::now());
    let run = scene.await?;
    let mut figures = figures(gateway, ceiling, before)?;
    if let Some(run) = run {
        figures.p95_ms = millis(&run.latency, 0.95, 1_000_000);
        figures.p99_ms = millis(&run.latency, 0.99, 1_000_000);
    }
    Ok(figures)
}

fn figures(
    gateway: &Server,
    ceiling: &Ceiling,
    (cpu, throttled, start): (Duration, u64, Instant),
) -> Result<Figures> {
    let spent = gateway.process.cpu()?.saturating_sub(cpu);
    Ok(Figures {
        cpu: spent.as_secs_f64() / start.elapsed().as_secs_f64() * 100.0,
        throttled: ceiling.throttled()?.saturating_sub(throttled),
        resident: gateway.process.peak()? >> 20,
        peak: ceiling.peak()? >> 20,
        ..Figures::default()
    })
}

fn alive(gateway: &mut Server, ceiling: &Ceiling) -> Result<()> {
    gateway.process.alive()?;
    match ceiling.kills()? {
        0 => Ok(()),
        kills => Err(format!("the kernel killed {kills} processes for their memory").into()),
    }
}
