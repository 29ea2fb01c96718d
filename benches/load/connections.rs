//! Ten thousand idle mTLS connections: what each keeps resident, and what is given back when they are closed.

use crate::peers::{Peer, Peers};
use crate::{Bench, folder};
use netweave_benches::Result;
use netweave_benches::connection::{Connection, get};
use netweave_benches::report::{Report, tenth};
use serde_json::json;
use std::time::Duration;

const CONNECTIONS: usize = 10_000;
/// Connections that are opened at once.
const AT_ONCE: usize = 64;
/// Until memory is looked at.
const SETTLE: Duration = Duration::from_secs(5);
/// How long a server has to give memory back.
const GIVE_BACK: Duration = Duration::from_secs(30);

/// Runs the bench.
pub(crate) async fn run(bench: &Bench) -> Result<()> {
    let mut report = Report::new(
        "connections",
        &["server", "before_kib", "open_kib", "closed_kib", "each_kib", "kept_percent"],
    );
    let peers = Peers::start(bench, &folder(bench, "connections")?, &[("2k", 2 << 10, 1)]).await?;
    report.note(format!(
        "{CONNECTIONS} connections over mTLS 1.3, one GET of 2 KB on each, then silence: resident memory of the server's processes before, \
         {SETTLE:?} after the last answer, and {GIVE_BACK:?} after all were closed. kept: of what they had taken."
    ));
    peers.notes(&mut report);
    let mut summary = Vec::new();
    for peer in peers.all() {
        let [before, open, closed] = one(peer).await?;
        let (each, kept) = figures([before, open, closed]);
        report.row(vec![
            json!(peer.name),
            json!(before >> 10),
            json!(open >> 10),
            json!(closed >> 10),
            json!(tenth(each)),
            json!(kept.round()),
        ])?;
        summary.push(format!("{0}_each_kib={1} {0}_kept_percent={2}", peer.name, tenth(each), kept.round()));
    }
    report.finish(&bench.out, &summary.join(" "))
}

/// Returns resident bytes before, with all connections open, and after they were closed.
async fn one(peer: &Peer) -> Result<[u64; 3]> {
    let before = peer.server.process.resident()?;
    let request = get(peer.path(0));
    let mut connections = Vec::new();
    while connections.len() < CONNECTIONS {
        let batch: Vec<_> = (0..AT_ONCE.min(CONNECTIONS - connections.len()))
            .map(|_| tokio::spawn(asked_once(peer.server.api.clone(), request.clone())))
            .collect();
        for task in batch {
            connections.push(task.await??);
        }
    }
    tokio::time::sleep(SETTLE).await;
    let open = peer.server.process.resident()?;
    drop(connections);
    tokio::time::sleep(GIVE_BACK).await;
    Ok([before, open, peer.server.process.resident()?])
}

async fn asked_once(target: netweave_benches::connection::Target, request: Vec<u8>) -> Result<Connection> {
    let mut connection = Connection::open(&target).await?;
    let answer = connection.send(&request).await?;
    if answer.status != 200 || answer.last {
        return Err(format!("status {}, last: {}", answer.status, answer.last).into());
    }
    connection.shrink();
    Ok(connection)
}

/// Returns KiB of each connection, and the percentage of all that was not given back.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn figures([before, open, closed]: [u64; 3]) -> (f64, f64) {
    let taken = open.saturating_sub(before) as f64;
    (taken / 1024.0 / CONNECTIONS as f64, closed.saturating_sub(before) as f64 / taken.max(1.0) * 100.0)
}
