//! `netweave lab status`, and what `up` prints.

use super::process::Life;
use super::redis;
use super::state::{Kind, Lab, Part};
use crate::cli::exposition::{Sample, Samples};
use crate::cli::plain::{self, Plain};
use crate::cli::{Exit, Failure, Output, Process, block_on};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;
use url::Url;

/// Time for one question.
const PATIENCE: Duration = Duration::from_secs(3);

/// How a part fares.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    name: &'a str,
    kind: Kind,
    pid: i32,
    /// Where it listens; empty if it does not.
    url: String,
    /// A gateway's operations listener; empty for others.
    ops: String,
    state: Life,
    ok: bool,
    detail: String,
}

/// How the lab fares.
#[derive(Debug, Serialize)]
struct Status<'a> {
    ok: bool,
    dir: &'a Path,
    parts: Vec<Shown<'a>>,
    faults: Vec<&'a String>,
}

/// One check of a gateway's readiness.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Check {
    /// What it is.
    pub(super) name: String,
    /// Whether answers are worse than usual because of it.
    #[serde(default)]
    pub(super) degraded: bool,
    /// More about it.
    #[serde(default)]
    pub(super) detail: String,
}

#[derive(Deserialize)]
struct Readiness {
    checks: Vec<Check>,
}

pub(super) fn run(dir: &Path, output: Output, process: &mut Process) -> Result<Exit, Failure> {
    let lab = Lab::load(dir)?;
    let parts: Vec<Shown<'_>> = lab.parts.iter().map(|part| shown(&lab, part)).collect();
    let status = Status {
        ok: parts.iter().all(|part| part.ok),
        dir: &lab.dir,
        parts,
        faults: lab.faults.keys().collect(),
    };
    match output {
        Output::Json => process.out.json(&status)?,
        Output::Text => {
            let row = |part: &Shown<'_>| {
                let state = if part.ok { "ok" } else { "NOT OK" };
                [part.name, &part.pid.to_string(), &part.url, state, &part.detail].map(str::to_owned).to_vec()
            };
            let rows: Vec<Vec<String>> = status.parts.iter().map(row).collect();
            process.out.table(&["PART", "PID", "ADDRESS", "STATE", "DETAIL"], &rows)?;
            for fault in &status.faults {
                process
                    .out
                    .line(&format!("fault: {fault}; `netweave lab fault {fault} --undo` clears it"))?;
            }
        }
    }
    Ok(if status.ok { Exit::Done } else { Exit::Failed })
}

fn shown<'a>(lab: &Lab, part: &'a Part) -> Shown<'a> {
    let state = part.process.life();
    let (ok, detail) = match state {
        Life::Running => fares(lab, part),
        Life::Paused => (false, "paused".to_owned()),
        Life::Ended => (false, "ended".to_owned()),
    };
    let ops = if part.kind == Kind::Gateway { address("http", part.ops) } else { String::new() };
    Shown { name: &part.name, kind: part.kind, pid: part.process.pid, url: url(part), ops, state, ok, detail }
}

/// Asks a part that runs how it fares.
fn fares(lab: &Lab, part: &Part) -> (bool, String) {
    match part.kind {
        Kind::Redis => match redis::ask(part.port, &["ROLE"]) {
            Ok(role) => {
                let role = role.first().map_or("", String::as_str);
                let named = redis::primary(lab).is_some_and(|primary| primary.name == part.name);
                // A former primary that is back takes itself for one until the Sentinels look.
                ((role == "master") == named, role.to_owned())
            }
            Err(error) => (false, error.to_string()),
        },
        Kind::Sentinel => {
            let named = redis::ask(part.port, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", redis::SERVICE]);
            let number = named.ok().and_then(|answer| answer.get(1)?.parse::<u16>().ok());
            let primary = lab.all(Kind::Redis).find(|server| Some(server.port) == number);
            primary
                .map_or((false, "names no primary".to_owned()), |one| (true, format!("names {}", one.name)))
        }
        Kind::Gateway => match gateway(part) {
            Ok(checks) => {
                let bad: Vec<String> = checks
                    .iter()
                    .filter(|check| check.degraded)
                    .map(|check| format!("{}: {}", check.name, check.detail))
                    .collect();
                if bad.is_empty() { (true, "ready".to_owned()) } else { (false, bad.join("; ")) }
            }
            Err(failure) => (false, failure.message),
        },
        Kind::Prometheus => (answers(part.port, "-/ready"), "scrapes the gateways".to_owned()),
        // Not `/`, which answers with all that came: fifty megabytes after some faults.
        Kind::Smo => (answers(part.port, "verification"), "receives notifications".to_owned()),
        Kind::Collector => (answers(part.port, ""), "receives the audit log".to_owned()),
        Kind::Source => (true, "changes the inventory".to_owned()),
        Kind::Client => (true, "reads and subscribes".to_owned()),
        Kind::Helper => (true, "makes a fault".to_owned()),
    }
}

/// Asks a gateway for its readiness.
pub(super) fn gateway(part: &Part) -> Result<Vec<Check>, Failure> {
    let Plain { status, text } = get(part.ops, "readyz?verbose")?;
    if status != 200 {
        return Err(Failure::new(Exit::Failed, format!("readyz answers {status}")));
    }
    let read: Result<Readiness, _> = serde_json::from_str(&text);
    Ok(read.map_err(|error| Failure::new(Exit::Failed, format!("readyz: {error}")))?.checks)
}

/// Asks a gateway how many resources it knows; infinitely many if it does not say.
pub(super) fn resources(part: &Part) -> f64 {
    let of_resources = |sample: &Sample| sample.label("resource_type") == "resources";
    let told = get(part.ops, "metrics").map(|answer| Samples::parse(&answer.text));
    let told = told.ok().and_then(|samples| samples.one("o2ims_adapter_resources_total", of_resources));
    told.unwrap_or(f64::INFINITY)
}

/// Says whether there is an answer below 400.
pub(super) fn answers(port: u16, path: &str) -> bool {
    get(port, path).is_ok_and(|answer| answer.status < 400)
}

fn get(port: u16, path: &str) -> Result<Plain, Failure> {
    let base = format!("http://127.0.0.1:{port}/");
    let base = Url::parse(&base).map_err(|error| Failure::new(Exit::Failed, format!("{base}: {error}")))?;
    block_on(plain::get(&base, path, PATIENCE))?
}

fn address(scheme: &str, port: u16) -> String {
    format!("{scheme}://127.0.0.1:{port}")
}

fn url(part: &Part) -> String {
    match part.kind {
        Kind::Gateway => address("https", part.port),
        Kind::Redis | Kind::Sentinel => format!("127.0.0.1:{}", part.port),
        Kind::Source | Kind::Client | Kind::Helper => String::new(),
        Kind::Smo | Kind::Collector | Kind::Prometheus => address("http", part.port),
    }
}

/// Says where everything is, and what can be pasted.
pub(super) fn greeting(lab: &Lab, program: &str) -> String {
    let dir = lab.dir.display();
    let urls = |kind: Kind| lab.all(kind).map(url).collect::<Vec<_>>().join("  ");
    let ops: Vec<String> = lab.all(Kind::Gateway).map(|part| address("http", part.ops)).collect();
    let api = lab.all(Kind::Gateway).next().map(url).unwrap_or_default();
    let flags = ops.iter().map(|url| format!("--ops {url}")).collect::<Vec<_>>().join(" ");
    let prometheus = urls(Kind::Prometheus);
    let prometheus =
        if prometheus.is_empty() { "none: there is no `prometheus` in the PATH" } else { &prometheus };
    let lines = [
        format!("{} parts run in {dir}", lab.parts.len()),
        format!("  API         {}", urls(Kind::Gateway)),
        format!("  Ops         {}", ops.join("  ")),
        format!("  Redis       {}", urls(Kind::Redis)),
        format!("  Sentinels   {}", urls(Kind::Sentinel)),
        format!("  Webhooks    {}", urls(Kind::Smo)),
        format!("  Prometheus  {prometheus}"),
        "\nTry:".to_owned(),
        format!(
            "  curl -s --cacert {dir}/ca.crt --cert {dir}/smo.crt --key {dir}/smo.key {api}/o2ims-infrastructureInventory/v2/resourcePools"
        ),
        format!("  curl -s {}/readyz?verbose", ops.first().map_or("", String::as_str)),
        format!("  {program} lab status --dir {dir}"),
        format!("  {program} lab fault redis-primary --dir {dir}"),
        format!("  {program} runbook NetweaveRedisPrimaryDown --diagnose {flags}"),
        format!("  {program} lab down --dir {dir}"),
    ];
    lines.join("\n") + "\n"
}
