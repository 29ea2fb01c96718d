//! A cached GET through the whole chain, beside nginx and `HAProxy` with the same bytes and duties, and a bare hyper server.

use crate::peers::{Peer, Peers, turned};
use crate::{Bench, folder};
use netweave_benches::Result;
use netweave_benches::drive::{self, CONNECTIONS, Run};
use netweave_benches::h2;
use netweave_benches::process::own_cpu;
use netweave_benches::report::{Report, median, tenth};
use serde_json::json;
use std::time::Duration;

/// Rounds of each combination; the medians are published.
const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_secs(1);
const LENGTH: Duration = Duration::from_secs(4);
/// Bodies: label, size in bytes, servers in the list.
const BODIES: [(&str, usize, usize); 2] = [("2k", 2 << 10, 1), ("50k", 50 << 10, 40)];

/// How requests are sent.
#[derive(Clone, Copy)]
enum Loop {
    /// As soon as the former answer is complete.
    Closed,
    /// The same over HTTP/2.
    ClosedH2,
    /// So many a second: far from saturation on two cores that client and server share.
    Open(u32),
    /// The same over HTTP/2.
    OpenH2(u32),
}

/// What is sent to whom.
#[derive(Clone, Copy)]
struct Case<'a> {
    peer: &'a Peer,
    body: usize,
    round: usize,
    by: Loop,
}

/// Runs the bench.
pub(crate) async fn run(bench: &Bench) -> Result<()> {
    let mut report = Report::new(
        "cache-hit",
        &["loop", "server", "body", "round", "req/s", "p50_us", "p99_us", "cpu_us", "client_cpu_us"],
    );
    let peers = Peers::start(bench, &folder(bench, "cache-hit")?, &BODIES).await?;
    report.note(format!(
        "{CONNECTIONS} keep-alive connections (HTTP/2: 4 with 4 streams each), mTLS 1.3, {LENGTH:?} per round, {ROUNDS} alternating \
         rounds. Client and server share the machine's cores, so rates are those of both together; CPU is the server's own, user \
         and kernel."
    ));
    peers.notes(&mut report);
    let mut summary = Vec::new();
    for (body, (label, ..)) in BODIES.iter().enumerate() {
        for (by, suffix) in [(Loop::Closed, ""), (Loop::ClosedH2, "h2_")] {
            let cpus = rounds(&mut report, &peers, body, by).await?;
            let figures = peers.all().iter().zip(cpus);
            summary.extend(figures.map(|(peer, cpu)| format!("{suffix}{}_{label}={cpu}", peer.key)));
        }
        let rate = if body == 0 { 8000 } else { 4000 };
        for by in [Loop::Open(rate), Loop::OpenH2(rate)] {
            for peer in peers.all() {
                one_round(&mut report, Case { peer, body, round: 1, by }).await?;
            }
        }
    }
    report.finish(&bench.out, &summary.join(" "))
}

/// Measures every server in turn; returns the median of each one's CPU time per request.
async fn rounds(report: &mut Report, peers: &Peers, body: usize, by: Loop) -> Result<Vec<f64>> {
    let mut cpus = vec![Vec::new(); peers.all().len()];
    for peer in peers.all() {
        load(Case { peer, body, round: 0, by }, WARM_UP).await?;
    }
    report.warmed_up();
    for round in 1..=ROUNDS {
        for (peer, cpus) in turned(peers.all().iter().zip(&mut cpus), round) {
            cpus.push(one_round(report, Case { peer, body, round, by }).await?);
        }
    }
    Ok(cpus.into_iter().map(|cpus| tenth(median(cpus))).collect())
}

/// One run; adds its row and returns the server's CPU time per request in microseconds.
async fn one_round(report: &mut Report, case: Case<'_>) -> Result<f64> {
    let process = &case.peer.server.process;
    let (before, own) = (process.cpu()?, own_cpu()?);
    let run = load(case, LENGTH).await?;
    let cpu = run.each(process.cpu()?.saturating_sub(before));
    report.row(vec![
        json!(match case.by {
            Loop::Closed => "closed",
            Loop::ClosedH2 => "closed h2",
            Loop::Open(_) => "open",
            Loop::OpenH2(_) => "open h2",
        }),
        json!(case.peer.name),
        json!(BODIES.get(case.body).map(|(label, ..)| label)),
        json!(case.round),
        json!(run.rate().round()),
        json!(run.micros(0.5).round()),
        json!(run.micros(0.99).round()),
        json!(tenth(cpu)),
        json!(tenth(run.each(own_cpu()?.saturating_sub(own)))),
    ])?;
    Ok(cpu)
}

async fn load(case: Case<'_>, length: Duration) -> Result<Run> {
    let (target, path) = (&case.peer.server.api, case.peer.path(case.body));
    match case.by {
        Loop::Closed => drive::closed(target, path, length).await,
        Loop::ClosedH2 => h2::closed(target, path, length).await,
        Loop::Open(rate) => drive::open(target, path, length, rate).await,
        Loop::OpenH2(rate) => h2::open(target, path, length, rate).await,
    }
}
