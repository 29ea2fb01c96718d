//! A cached GET through the whole chain, beside nginx serving the same bytes under the same duties.

use crate::{Bench, folder};
use netweave_benches::Result;
use netweave_benches::connection::{Connection, Target, fetch, get};
use netweave_benches::drive::{self, CONNECTIONS, Run};
use netweave_benches::pki;
use netweave_benches::process::own_cpu;
use netweave_benches::report::{Report, median, say, tenth};
use netweave_benches::server::{self, Server};
use netweave_benches::stock::Stock;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// Rounds of each combination; the medians are published.
const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_secs(1);
const LENGTH: Duration = Duration::from_secs(4);

/// A body that is measured.
struct Body {
    label: &'static str,
    size: usize,
    /// Requests per second of the open loop: far from saturation on two cores that client and server share.
    rate: u32,
    path: String,
}

/// One measured combination of server and body.
struct Case<'a> {
    name: &'static str,
    server: &'a Server,
    path: &'a str,
    cpu_us: Vec<f64>,
}

/// Runs the bench.
pub(crate) async fn run(bench: &Bench, nginx: &Path) -> Result<()> {
    let home = folder(bench, "netweave")?;
    let tls = pki::set_up(&home)?;
    let mut bodies = [
        Body { label: "2k", size: 2 << 10, rate: 8000, path: String::new() },
        Body { label: "50k", size: 50 << 10, rate: 4000, path: String::new() },
    ];
    let stocks = [Stock::new("small", 1), Stock::new("large", 40)];
    for stock in &stocks {
        stock.write(&home)?;
    }
    let names: Vec<String> = stocks.iter().map(|stock| stock.name.clone()).collect();
    let mut gateway = server::netweave(&bench.netweave, &home, tls, &names)?;
    let www = folder(bench, "nginx/www")?;
    for (body, mut stock) in bodies.iter_mut().zip(stocks) {
        body.path = stock.list();
        let bytes = calibrate(&mut gateway, &mut stock, &home, body.size).await?;
        std::fs::write(www.join(body.label), bytes)?;
    }
    let home = folder(bench, "nginx")?;
    let tls = pki::set_up(&home)?;
    let mut peer = server::nginx(nginx, &home, tls)?;
    for body in &bodies {
        peer.answers(&format!("/{}", body.label), |bytes| !bytes.is_empty()).await?;
    }
    say(&format!("nginx runs with:\n{}", server::nginx_conf(&home, peer.api.address)))?;
    for body in &bodies {
        let mut connection = Connection::open(&gateway.api).await?;
        // The other file's change may have left nothing in the cache.
        connection.send(&get(&body.path)).await?;
        let answer = connection.send(&get(&body.path)).await?;
        if !connection.from_cache(answer) {
            return Err(format!("{} does not come from the cache", body.path).into());
        }
    }
    measure(bench, &gateway, &peer, &bodies).await
}

/// Pads the servers of a file until their list has the size, then returns the list's bytes.
async fn calibrate(gateway: &mut Server, stock: &mut Stock, home: &Path, size: usize) -> Result<Vec<u8>> {
    let path = stock.list();
    let (bytes, _) = gateway.answers(&path, |bytes| bytes.len() > 2).await?;
    // `"padding":"",` and its comma come once per server.
    let frame = r#","padding":"""#.len();
    stock.padding = size.saturating_sub(bytes.len() + stock.servers * frame) / stock.servers;
    stock.write(home)?;
    let near = move |bytes: &[u8]| bytes.len().abs_diff(size) < size / 20;
    Ok(gateway.answers(&path, near).await?.0)
}

async fn measure(bench: &Bench, gateway: &Server, peer: &Server, bodies: &[Body]) -> Result<()> {
    let mut report = Report::new(
        "cache-hit",
        &["loop", "server", "body", "round", "req/s", "p50_us", "p99_us", "cpu_us", "client_cpu_us"],
    );
    report.note(format!(
        "{CONNECTIONS} keep-alive connections, mTLS 1.3, HTTP/1.1, {LENGTH:?} per round, {ROUNDS} alternating rounds. Client and \
         server share the machine's cores, so rates are those of both together; CPU is the server's own, user and kernel."
    ));
    let mut summary = Vec::new();
    for body in bodies {
        let file = format!("/{}", body.label);
        let mut cases = [
            Case { name: "netweave", server: gateway, path: &body.path, cpu_us: Vec::new() },
            Case { name: "nginx", server: peer, path: &file, cpu_us: Vec::new() },
        ];
        for case in &cases {
            let (_, bytes) = fetch(&case.server.api, case.path).await?;
            report.note(format!("{} sends {} bytes as the body {}.", case.name, bytes.len(), body.label));
            drive::closed(&case.server.api, case.path, WARM_UP).await?;
        }
        for round in 1..=ROUNDS {
            for case in &mut cases {
                let cpu = one_round(&mut report, case, body, round, None).await?;
                case.cpu_us.push(cpu);
            }
        }
        for case in &mut cases {
            one_round(&mut report, case, body, 1, Some(body.rate)).await?;
        }
        let [ours, theirs] = cases.map(|case| tenth(median(case.cpu_us)));
        summary.push(format!("cpu_us_{0}={ours} nginx_{0}={theirs}", body.label));
    }
    report.finish(&bench.out, &summary.join(" "))
}

/// One run; adds its row and returns the server's CPU time per request in microseconds.
async fn one_round(
    report: &mut Report,
    case: &Case<'_>,
    body: &Body,
    round: usize,
    rate: Option<u32>,
) -> Result<f64> {
    let (before, own) = (case.server.process.cpu()?, own_cpu()?);
    let run = load(&case.server.api, case.path, rate).await?;
    let each = |spent: Duration| spent.as_secs_f64() * 1e6 * run.took.as_secs_f64().recip() / run.rate();
    let cpu = each(case.server.process.cpu()?.saturating_sub(before));
    report.row(vec![
        json!(if rate.is_some() { "open" } else { "closed" }),
        json!(case.name),
        json!(body.label),
        json!(round),
        json!(run.rate().round()),
        json!(run.micros(0.5).round()),
        json!(run.micros(0.99).round()),
        json!(tenth(cpu)),
        json!(tenth(each(own_cpu()?.saturating_sub(own)))),
    ])?;
    Ok(cpu)
}

async fn load(target: &Target, path: &str, rate: Option<u32>) -> Result<Run> {
    match rate {
        Some(rate) => drive::open(target, path, LENGTH, rate).await,
        None => drive::closed(target, path, LENGTH).await,
    }
}
