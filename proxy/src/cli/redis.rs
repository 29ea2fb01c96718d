//! `netweave redis`: asks the servers that the configuration names, without becoming one of the processes that share them.

use super::source::Asked;
use super::{Exit, Failure, Output, Process, store_failed};
use crate::conf::tree::Conf;
use clap::Subcommand;
use netweave_model::port::{Finding, ServerHealth, Severity, StoreHealth, StoreLoad, StoreReport};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the Sentinels have to answer; the server is not waited for so long.
const SENTINELS: Duration = Duration::from_secs(3);
/// Pause between two looks whether they did.
const LOOK: Duration = Duration::from_millis(50);

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Asks whether each server answers, as the configured user
    Ping,
    /// Prints role, replicas, memory, persistence, Sentinels, and what is stored
    Status,
    /// Lists what is not as it should be, and what to change; exits 8 for warnings, 1 if a server cannot be used
    Check,
    /// Has the region of the configuration send the notifications, when the one that did so is gone
    Promote,
}

/// The servers that the configuration names.
struct Servers {
    state: Option<Arc<dyn StoreHealth>>,
    cache: Option<Arc<dyn ServerHealth>>,
}

/// What a server said, and how long that took.
struct Said {
    report: StoreReport,
    took: Duration,
}

/// What is printed of a server: the lines for people, and the JSON.
struct Printed {
    lines: Map<String, Value>,
    json: Map<String, Value>,
}

/// What the servers of a configuration said, or why they did not; `None` for what there is not.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// The one of the state.
    pub(super) state: Option<Result<StoreReport, String>>,
    /// The one of the shared response cache.
    pub(super) cache: Option<Result<StoreReport, String>>,
    /// What is stored on the one of the state.
    pub(super) load: Option<StoreLoad>,
}

impl Looked {
    /// Asks both at once, and their Sentinels; nothing without a configuration.
    pub(super) async fn at(conf: Option<&Conf>) -> Self {
        let Some(conf) = conf else { return Self::default() };
        let servers = match Servers::of(conf) {
            Ok(servers) => servers,
            Err(failure) => return Self { state: Some(Err(failure.message)), ..Self::default() },
        };
        let (state, cache) =
            tokio::join!(async { Some(ask(&**servers.state.as_ref()?, "state", true).await) }, async {
                Some(ask(&**servers.cache.as_ref()?, "cache.redis", true).await)
            });
        let load = match &state {
            Some(Ok(_)) => servers.load().await.ok().flatten(),
            Some(Err(_)) | None => None,
        };
        let report = |said: Result<Said, Failure>| match said {
            Ok(said) => Ok(said.report),
            Err(failure) => Err(failure.message),
        };
        Self { state: state.map(report), cache: cache.map(report), load }
    }
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let servers = reach(args, process)?;
    let output = args.asked.output;
    match args.command {
        Command::Promote => promote(output, &servers, process).await,
        Command::Ping => {
            let [state, cache] = servers.ask(false).await?;
            print(output, state.as_ref().map(ping), cache.as_ref().map(ping), process)
        }
        Command::Status => {
            let [state, cache] = servers.ask(true).await?;
            let load = servers.load().await?;
            let state = state.map(|said| status(&said.report, load.as_ref()));
            print(output, state, cache.map(|said| status(&said.report, None)), process)
        }
        Command::Check => {
            let said = servers.ask(true).await?.map(|said| said.map(|said| said.report.findings));
            check(output, said, process)
        }
    }
}

/// Connects to the servers of the sections `state` and `cache.redis`, at least one.
fn reach(args: &Args, process: &Process) -> Result<Servers, Failure> {
    let servers = Servers::of(&args.asked.conf(process)?)?;
    if servers.state.is_none() && servers.cache.is_none() {
        return Err(Failure::new(
            Exit::Usage,
            "the configuration keeps neither state nor answers in a Redis",
        ));
    }
    Ok(servers)
}

impl Servers {
    /// Connects to those of the sections `state` and `cache.redis` that there are; they need not answer yet.
    fn of(conf: &Conf) -> Result<Self, Failure> {
        let ids = Arc::new(crate::clock::SystemIds);
        let state = conf.state.health(ids).map_err(|error| store_failed("state", &error))?;
        let cache = conf.cache.redis.as_ref().map(netweave_adapters::look_at_cache).transpose();
        let cache = cache.map_err(|error| store_failed("cache.redis", &error))?;
        Ok(Self { state, cache })
    }

    /// Asks each server, the one of the state first; if `thorough`, the Sentinels have time to answer as well.
    async fn ask(&self, thorough: bool) -> Result<[Option<Said>; 2], Failure> {
        let state = match &self.state {
            Some(health) => Some(ask(&**health, "state", thorough).await?),
            None => None,
        };
        let cache = match &self.cache {
            Some(health) => Some(ask(&**health, "cache.redis", thorough).await?),
            None => None,
        };
        Ok([state, cache])
    }

    /// Counts what is stored, if there is state.
    async fn load(&self) -> Result<Option<StoreLoad>, Failure> {
        let Some(state) = &self.state else { return Ok(None) };
        state.load().await.map(Some).map_err(|error| store_failed("state", &error))
    }
}

/// Asks a server; if `thorough`, its Sentinels have time to answer as well.
async fn ask(health: &dyn ServerHealth, section: &str, thorough: bool) -> Result<Said, Failure> {
    let failed = |error| store_failed(section, &error);
    let began = Instant::now();
    let mut report = health.report().await.map_err(failed)?;
    let took = began.elapsed();
    while thorough && report.watchers.iter().any(|one| one.primary.is_none()) && began.elapsed() < SENTINELS {
        tokio::time::sleep(LOOK).await;
        report = health.report().await.map_err(failed)?;
    }
    Ok(Said { report, took })
}

async fn promote(output: Output, servers: &Servers, process: &mut Process) -> Result<Exit, Failure> {
    let state = servers.state.as_ref();
    let state =
        state.ok_or_else(|| Failure::new(Exit::Usage, "the configuration keeps no state in a Redis"))?;
    let region = state.take_over().await.map_err(|error| store_failed("state", &error))?;
    match output {
        Output::Text => process.out.line(&format!("the region `{region}` sends the notifications"))?,
        Output::Json => process.out.json(&json!({ "region": region }))?,
    }
    Ok(Exit::Done)
}

/// Prints what there is of the state, then of the cache: its lines begin with `cache`, its JSON is a member of that name.
fn print(
    output: Output,
    state: Option<Printed>,
    cache: Option<Printed>,
    process: &mut Process,
) -> Result<Exit, Failure> {
    let (mut lines, mut json) = state.map_or_else(Default::default, |of| (of.lines, of.json));
    if let Some(of) = cache {
        lines.extend(of.lines.into_iter().map(|(name, value)| (format!("cache {name}"), value)));
        json.insert("cache".to_owned(), of.json.into());
    }
    match output {
        Output::Text => process.out.members(&lines.into())?,
        Output::Json => process.out.json(&json)?,
    }
    Ok(Exit::Done)
}

fn ping(said: &Said) -> Printed {
    let Said { report: StoreReport { version, .. }, took } = said;
    let millis = took.as_secs_f64() * 1000.0;
    let line = ("server".to_owned(), format!("{version} answers in {millis:.1} ms").into());
    let json = [("version", json!(version)), ("millis", json!(millis))];
    Printed {
        lines: Map::from_iter([line]),
        json: json.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(),
    }
}

/// Lays out how a server fares, and what is stored there if it is the one of the state.
fn status(report: &StoreReport, load: Option<&StoreLoad>) -> Printed {
    let mut json = Map::from_iter([("server".to_owned(), json!(report))]);
    json.extend(load.map(|load| ("stored".to_owned(), json!(load))));
    Printed { lines: for_people(report, load), json }
}

fn for_people(report: &StoreReport, load: Option<&StoreLoad>) -> Map<String, Value> {
    let online = report.replicas.iter().filter(|replica| replica.online);
    let lag = online.clone().map(|replica| replica.lag_seconds).max().unwrap_or_default();
    let behind = online.clone().map(|replica| replica.behind_bytes).max().unwrap_or_default();
    let limit = if report.max_bytes == 0 { "no limit".to_owned() } else { report.max_bytes.to_string() };
    let of_server = [
        ("version", report.version.clone()),
        ("role", if report.primary { "primary" } else { "replica" }.to_owned()),
        ("replicas", format!("{} online, lag {lag} s, {behind} bytes behind", online.count())),
        ("memory", format!("{} bytes of {limit}", report.used_bytes)),
        ("when full", format!("{}, {} keys dropped so far", report.eviction, report.evicted)),
        ("append-only file", if report.append_only { "on" } else { "off" }.to_owned()),
        ("findings", format!("{}; see `netweave redis check`", report.findings.len())),
    ];
    let sentinels = report.watchers.iter().map(|one| {
        let says = one.primary.as_deref().map_or("does not answer".to_owned(), |at| format!("names {at}"));
        (format!("sentinel {}", one.address), says)
    });
    let lines = of_server.into_iter().chain(load.into_iter().flat_map(stored_for_people));
    let lines = lines.map(|(name, value)| (name.to_owned(), value)).chain(sentinels);
    lines.map(|(name, value)| (name, Value::from(value))).collect()
}

fn stored_for_people(load: &StoreLoad) -> [(&'static str, String); 4] {
    let longest = load.longest.as_ref();
    let longest =
        longest.map_or_else(|| "none".to_owned(), |(id, length)| format!("{length} of subscription {id}"));
    [
        ("subscriptions", load.subscriptions.to_string()),
        ("waiting notifications", load.queued.to_string()),
        ("longest queue", longest),
        ("dead letters", load.dead.to_string()),
    ]
}

/// Prints what was found at the state's server, then at the cache's, and judges both.
fn check(
    output: Output,
    [state, cache]: [Option<Vec<Finding>>; 2],
    process: &mut Process,
) -> Result<Exit, Failure> {
    let found = |of: &Option<Vec<Finding>>| of.iter().flatten().cloned().collect::<Vec<_>>();
    let of_state = found(&state);
    let of_cache = found(&cache);
    let all = || of_state.iter().map(|one| ("", one)).chain(of_cache.iter().map(|one| ("cache: ", one)));
    match output {
        Output::Json => {
            let mut json = Map::from_iter([("findings".to_owned(), json!(of_state))]);
            json.extend(cache.is_some().then(|| ("cache".to_owned(), json!(of_cache))));
            process.out.json(&json)?;
        }
        Output::Text if all().next().is_none() => process.out.line("ok")?,
        Output::Text => {
            for (role, finding) in all() {
                let word = match finding.severity {
                    Severity::Warning => "warning",
                    Severity::Unusable => "unusable",
                    Severity::Forbidden => "forbidden",
                };
                process.out.line(&format!("{role}{word}: {}: {}", finding.what, finding.change))?;
            }
        }
    }
    Ok(match all().map(|(_, finding)| finding.severity).max() {
        None => Exit::Done,
        Some(Severity::Warning) => Exit::Warnings,
        Some(Severity::Unusable | Severity::Forbidden) => Exit::Failed,
    })
}
