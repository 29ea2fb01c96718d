//! What the gateway costs when nobody asks: `serve --dev` with its sample inventory, which changes now and then.

use crate::{Bench, folder};
use netweave_benches::Result;
use netweave_benches::report::Report;
use netweave_benches::server;
use serde_json::json;
use std::time::Duration;

/// Until what begins at the start is done, and the threads that read the inventory are gone.
const SETTLE: Duration = Duration::from_secs(12);
const LENGTH: Duration = Duration::from_secs(30);

/// Runs the bench.
pub(crate) async fn run(bench: &Bench) -> Result<()> {
    let mut report = Report::new("idle", &["ready_ms", "resident_kib", "cpu_percent"]);
    report.note(format!("serve --dev in an empty folder, {LENGTH:?} from {SETTLE:?} after it was ready."));
    let home = folder(bench, "idle")?;
    let (mut gateway, ops) = server::sample(&bench.netweave, &home)?;
    let (_, ready) = gateway.answers_at(&ops, "/readyz", |_| true).await?;
    tokio::time::sleep(SETTLE).await;
    let before = gateway.process.cpu()?;
    tokio::time::sleep(LENGTH).await;
    let cpu = gateway.process.cpu()?.saturating_sub(before);
    let percent = cpu.as_secs_f64() / LENGTH.as_secs_f64() * 100.0;
    let resident = gateway.process.resident()? >> 10;
    report.row(vec![json!(ready.as_millis()), json!(resident), json!(format!("{percent:.2}"))])?;
    let mib = resident / 1024;
    report.finish(
        &bench.out,
        &format!("ready_ms={} resident_mib={mib} cpu_percent={percent:.2}", ready.as_millis()),
    )
}
