//! `netweave backend`: the infrastructures behind a gateway, as the gateway sees them and as this machine reaches them.

use super::client::{Client, Connection};
use super::source::Asked;
use super::{Exit, Failure, Output, Process};
use crate::conf::tree::Conf;
use clap::Subcommand;
use futures::future::join_all;
use netweave_adapters::BackendConf;
use netweave_adapters::layers::Observer;
use netweave_model::{ErrorKind, Id, SourceName};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a backend has to answer.
const ANSWER: Duration = Duration::from_secs(15);

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the backends of a running gateway: age, failure, number of objects
    List,
    /// Asks the backends of a configuration from here whether they answer; exits 1 if one does not
    Check {
        /// Their names; without any, all
        names: Vec<String>,
    },
    /// Has a running gateway read a backend anew, as a whole
    Refresh {
        /// Its name
        name: String,
    },
}

/// What one backend said.
#[derive(Serialize)]
pub(super) struct Checked {
    /// The configured name.
    pub(super) name: SourceName,
    kind: &'static str,
    ok: bool,
    millis: u64,
    /// What it said, if it does not answer as it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<String>,
}

/// Nobody counts the calls of a command.
struct Uncounted;

impl Observer for Uncounted {
    fn operation(&self, _: &SourceName, _: &'static str, _: Result<(), ErrorKind>, _: Duration) {}
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let output = args.asked.output;
    match &args.command {
        Command::List => list(&args.connection.client()?, output, process).await,
        Command::Check { names } => {
            let conf = args.asked.conf(process)?;
            let checked = check_all(chosen(&conf.backends, names)?, &conf, process).await;
            show(&checked, output, process)
        }
        Command::Refresh { name } => {
            let path = ["netweave", "v1", "sources", name, "refresh"];
            args.connection.client()?.call(Method::POST, &path, None).await?;
            match output {
                Output::Text => process.out.line(&format!("{name} is read anew"))?,
                Output::Json => process.out.json(&json!({ "refreshed": name }))?,
            }
            Ok(Exit::Done)
        }
    }
}

async fn list(client: &Client, output: Output, process: &mut Process) -> Result<Exit, Failure> {
    let answer = client.get(&["netweave", "v1", "sources"]).await?;
    if output == Output::Json {
        process.out.json(&answer.body)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = answer.body.as_array().into_iter().flatten().map(row).collect();
    process.out.table(&["NAME", "KIND", "STATE", "AGE", "OBJECTS"], &rows)?;
    Ok(Exit::Done)
}

fn row(source: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let age = source["ageSeconds"].as_u64();
    let state = match (source.pointer("/failure/kind").and_then(Value::as_str), source["live"].as_bool(), age)
    {
        (Some(kind), ..) => format!("fails: {kind}"),
        (None, _, None) => "not read yet".to_owned(),
        (None, Some(true), _) => "live".to_owned(),
        (None, ..) => "read".to_owned(),
    };
    let age = age.map_or_else(String::new, |age| format!("{age} s"));
    let objects: u64 =
        source["objects"].as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum();
    vec![text(&source["name"]), text(&source["backend"]), state, age, objects.to_string()]
}

/// Finds the backends that are named, or all.
fn chosen<'a>(all: &'a [BackendConf], names: &[String]) -> Result<Vec<&'a BackendConf>, Failure> {
    if names.is_empty() {
        return Ok(all.iter().collect());
    }
    let find = |name: &String| {
        let found = all.iter().find(|backend| backend.name().as_str() == name);
        found.ok_or_else(|| Failure::new(Exit::Usage, format!("the configuration has no backend `{name}`")))
    };
    names.iter().map(find).collect()
}

/// Asks some backends of a configuration from here whether they answer, all at once.
pub(super) async fn check_all(backends: Vec<&BackendConf>, conf: &Conf, process: &Process) -> Vec<Checked> {
    let id = Id::from(conf.o_cloud.id.as_str());
    join_all(backends.into_iter().map(|backend| check(backend, &id, process))).await
}

/// Asks a backend, with the layers that the gateway has around it.
async fn check(backend: &BackendConf, o_cloud: &Id, process: &Process) -> Checked {
    let began = Instant::now();
    let probe = async {
        let built = backend.build(o_cloud, Arc::new(Uncounted), Arc::clone(&process.clock)).await?;
        built.probe().await
    };
    let failure = match tokio::time::timeout(ANSWER, probe).await {
        Ok(Ok(())) => None,
        // Whoever may read the configuration may read what its backends say.
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("no answer within {} s", ANSWER.as_secs())),
    };
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Checked { name: backend.name(), kind: backend.kind(), ok: failure.is_none(), millis, failure }
}

fn show(checked: &[Checked], output: Output, process: &mut Process) -> Result<Exit, Failure> {
    match output {
        Output::Json => process.out.json(&checked)?,
        Output::Text => {
            let row = |one: &Checked| {
                let said = one.failure.clone().unwrap_or_else(|| format!("answers in {} ms", one.millis));
                vec![one.name.to_string(), one.kind.to_owned(), said]
            };
            process.out.table(&["NAME", "KIND", "ANSWER"], &checked.iter().map(row).collect::<Vec<_>>())?;
        }
    }
    Ok(if checked.iter().all(|one| one.ok) { Exit::Done } else { Exit::Failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_one_line() {
        let source = json!({
            "name": "lab", "backend": "file", "live": true, "seenAt": "2026-01-01T00:00:00Z", "ageSeconds": 3,
            "failure": null, "objects": { "resources": 4, "resourcePools": 2 },
        });
        assert_eq!(row(&source), ["lab", "file", "live", "3 s", "6"]);
        let failing = json!({
            "name": "cloud", "backend": "aws", "live": false, "ageSeconds": null,
            "failure": { "at": "2026-01-01T00:00:00Z", "kind": "forbidden" }, "objects": {},
        });
        assert_eq!(row(&failing), ["cloud", "aws", "fails: forbidden", "", "0"]);
    }
}
