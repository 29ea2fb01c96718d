//! New connections: a full or resumed mTLS 1.3 handshake and one small cached GET, beside nginx, `HAProxy` and bare hyper.

use crate::peers::{Peer, Peers, turned};
use crate::{Bench, folder};
use netweave_benches::Result;
use netweave_benches::drive::Run;
use netweave_benches::handshakes::{self, Clients};
use netweave_benches::report::{Report, median, tenth};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Rounds of each combination; the medians are published.
const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_secs(1);
const LENGTH: Duration = Duration::from_secs(3);
/// Clients with a certificate each: sixteen times as many as the gateway remembers.
const OTHERS: usize = 16_384;

/// Runs the bench.
pub(crate) async fn run(bench: &Bench) -> Result<()> {
    let mut report = Report::new(
        "mtls-handshake",
        &["handshake", "server", "round", "per_s", "p50_us", "p99_us", "cpu_us"],
    );
    let peers = Peers::start(bench, &folder(bench, "handshake")?, &[("2k", 2 << 10, 1)]).await?;
    report.note(format!(
        "16 clients, each opens a connection, sends one GET of 2 KB and closes, {LENGTH:?} per round, {ROUNDS} alternating rounds. \
         Every handshake is checked to be full, or resumed. full: with one certificate of a client, whose chain the gateway remembers for a minute; \
         others: full, each with another one of {OTHERS} certificates, of which the gateway remembers one of sixteen. CPU is the server's own for connection and request."
    ));
    peers.notes(&mut report);
    let others = Arc::new(Clients::new(&peers.authority, OTHERS)?);
    let connect = async |kind: &str, peer: &Peer, length: Duration| match kind {
        "others" => handshakes::closed_of(&peer.server.api, &others, peer.path(0), length).await,
        kind => handshakes::closed(&peer.server.api, peer.path(0), length, kind == "resumed").await,
    };
    let mut summary = Vec::new();
    for label in ["full", "others", "resumed"] {
        let mut cpus = vec![Vec::new(); peers.all().len()];
        for peer in peers.all() {
            connect(label, peer, WARM_UP).await?;
        }
        report.warmed_up();
        for round in 1..=ROUNDS {
            for (peer, cpus) in turned(peers.all().iter().zip(&mut cpus), round) {
                let before = peer.server.process.cpu()?;
                let run = connect(label, peer, LENGTH).await?;
                let cpu = run.each(peer.server.process.cpu()?.saturating_sub(before));
                report.row(row(label, peer.name, round, &run, cpu))?;
                cpus.push(cpu);
            }
        }
        let figures = peers.all().iter().zip(cpus);
        summary.extend(figures.map(|(peer, cpus)| format!("{}_{label}={}", peer.key, tenth(median(cpus)))));
    }
    report.finish(&bench.out, &summary.join(" "))
}

fn row(label: &str, name: &str, round: usize, run: &Run, cpu: f64) -> Vec<serde_json::Value> {
    vec![
        json!(label),
        json!(name),
        json!(round),
        json!(run.rate().round()),
        json!(run.micros(0.5).round()),
        json!(run.micros(0.99).round()),
        json!(tenth(cpu)),
    ]
}
