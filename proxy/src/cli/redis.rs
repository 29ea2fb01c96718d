//! `netweave redis`: asks the server that the configuration names, without becoming one of the processes that share it.

use super::{Exit, Failure, Output, Process, source};
use clap::Subcommand;
use netweave_model::port::{Severity, StoreHealth, StoreLoad, StoreReport};
use netweave_model::{Error, ErrorKind};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
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
    /// The configuration file
    #[arg(short, long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The form of the result
    #[arg(short, long, value_enum, default_value_t, global = true)]
    output: Output,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Asks whether it answers, as the configured user
    Ping,
    /// Prints role, replicas, memory, persistence, Sentinels, and what is stored
    Status,
    /// Lists what is not as it should be, and what to change; exits 8 for warnings, 1 if it cannot be used
    Check,
    /// Has the region of the configuration send the notifications, when the one that did so is gone
    Promote,
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let health = reach(args, process)?;
    let began = Instant::now();
    let mut report = health.report().await.map_err(|error| unreachable(&error))?;
    let took = began.elapsed();
    match args.command {
        Command::Ping => ping(args.output, &report, took, process),
        Command::Status => {
            report = watched(&*health, report).await?;
            let load = health.load().await.map_err(|error| unreachable(&error))?;
            status(args.output, &report, &load, process)
        }
        Command::Check => {
            report = watched(&*health, report).await?;
            check(args.output, &report, process)
        }
        Command::Promote => promote(args.output, &*health, process).await,
    }
}

/// Connects to the server of the section `state`.
fn reach(args: &Args, process: &Process) -> Result<Arc<dyn StoreHealth>, Failure> {
    let conf = source::checked(process, args.config.as_deref())?;
    let ids = Arc::new(crate::clock::SystemIds);
    let health = conf.state.health(ids).map_err(|error| {
        let message = error.params().iter().map(|one| format!("state.{}: {}", one.name, one.reason));
        Failure::new(Exit::Configuration, message.collect::<Vec<_>>().join("\n"))
    })?;
    health.ok_or_else(|| Failure::new(Exit::Usage, "the configuration keeps its state without a Redis"))
}

fn unreachable(error: &Error) -> Failure {
    let exit = if error.kind() == ErrorKind::Unavailable { Exit::Unreachable } else { Exit::Failed };
    Failure::new(exit, format!("the server cannot be reached: {error}"))
}

/// Waits until every Sentinel has answered, or has had its time.
async fn watched(health: &dyn StoreHealth, mut report: StoreReport) -> Result<StoreReport, Failure> {
    let began = Instant::now();
    while report.watchers.iter().any(|one| one.primary.is_none()) && began.elapsed() < SENTINELS {
        tokio::time::sleep(LOOK).await;
        report = health.report().await.map_err(|error| unreachable(&error))?;
    }
    Ok(report)
}

async fn promote(output: Output, health: &dyn StoreHealth, process: &mut Process) -> Result<Exit, Failure> {
    let region = health.take_over().await.map_err(|error| {
        if error.kind() == ErrorKind::Invalid {
            Failure::new(Exit::Configuration, "state.region: is missing")
        } else if error.kind() == ErrorKind::Unavailable {
            unreachable(&error)
        } else {
            Failure::new(Exit::Failed, error.to_string())
        }
    })?;
    match output {
        Output::Text => process.out.line(&format!("the region `{region}` sends the notifications"))?,
        Output::Json => process.out.json(&json!({ "region": region }))?,
    }
    Ok(Exit::Done)
}

fn ping(
    output: Output,
    report: &StoreReport,
    took: Duration,
    process: &mut Process,
) -> Result<Exit, Failure> {
    let millis = took.as_secs_f64() * 1000.0;
    match output {
        Output::Text => process.out.line(&format!("{} answers in {millis:.1} ms", report.version))?,
        Output::Json => process.out.json(&json!({ "version": report.version, "millis": millis }))?,
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    server: &'a StoreReport,
    stored: &'a StoreLoad,
}

fn status(
    output: Output,
    report: &StoreReport,
    load: &StoreLoad,
    process: &mut Process,
) -> Result<Exit, Failure> {
    match output {
        Output::Text => process.out.members(&Value::Object(for_people(report, load)))?,
        Output::Json => process.out.json(&Status { server: report, stored: load })?,
    }
    Ok(Exit::Done)
}

fn for_people(report: &StoreReport, load: &StoreLoad) -> Map<String, Value> {
    let online = report.replicas.iter().filter(|replica| replica.online);
    let lag = online.clone().map(|replica| replica.lag_seconds).max().unwrap_or_default();
    let behind = online.clone().map(|replica| replica.behind_bytes).max().unwrap_or_default();
    let limit = if report.max_bytes == 0 { "no limit".to_owned() } else { report.max_bytes.to_string() };
    let longest = load
        .longest
        .as_ref()
        .map_or_else(|| "none".to_owned(), |(id, length)| format!("{length} of subscription {id}"));
    let lines = [
        ("version", report.version.clone()),
        ("role", if report.primary { "primary" } else { "replica" }.to_owned()),
        ("replicas", format!("{} online, lag {lag} s, {behind} bytes behind", online.count())),
        ("memory", format!("{} bytes of {limit}", report.used_bytes)),
        ("when full", format!("{}, {} keys dropped so far", report.eviction, report.evicted)),
        ("append-only file", if report.append_only { "on" } else { "off" }.to_owned()),
        ("subscriptions", load.subscriptions.to_string()),
        ("waiting notifications", load.queued.to_string()),
        ("longest queue", longest),
        ("dead letters", load.dead.to_string()),
        ("findings", format!("{}; see `netweave redis check`", report.findings.len())),
    ];
    let sentinels = report.watchers.iter().map(|one| {
        let says = one.primary.as_deref().map_or("does not answer".to_owned(), |at| format!("names {at}"));
        (format!("sentinel {}", one.address), says.into())
    });
    let lines = lines.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value)));
    lines.chain(sentinels).collect()
}

fn check(output: Output, report: &StoreReport, process: &mut Process) -> Result<Exit, Failure> {
    let findings = &report.findings;
    match output {
        Output::Json => process.out.json(&json!({ "findings": findings }))?,
        Output::Text if findings.is_empty() => process.out.line("ok")?,
        Output::Text => {
            for finding in findings {
                let word = match finding.severity {
                    Severity::Warning => "warning",
                    Severity::Unusable => "unusable",
                    Severity::Forbidden => "forbidden",
                };
                process.out.line(&format!("{word}: {}: {}", finding.what, finding.change))?;
            }
        }
    }
    Ok(match findings.iter().map(|finding| finding.severity).max() {
        None => Exit::Done,
        Some(Severity::Warning) => Exit::Warnings,
        Some(Severity::Unusable | Severity::Forbidden) => Exit::Failed,
    })
}
