//! `netweave slo`: how well one process does what it is for.

use super::client::Client;
use super::out::tame;
use super::{Exit, Failure, Output, Process};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// Time for the answer.
const TIME: Duration = Duration::from_secs(10);

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The operations listener
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: Url,
    /// The form of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// What is read of an objective.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Objective {
    name: String,
    unit: String,
    target: f64,
    at_least: bool,
    window_seconds: u64,
    covered_seconds: u64,
    events: u64,
    measured: Option<f64>,
    met: Option<bool>,
    budget_left: Option<f64>,
}

/// Prints the objectives; exits 1 if one is missed.
pub(super) async fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let mut answer = Client::plain(&args.url, TIME)?.get(&["status"]).await?;
    let value = answer.body.get_mut("objectives").map(Value::take).unwrap_or_default();
    let objectives: Vec<Objective> = serde_json::from_value(value.clone()).map_err(|error| {
        Failure::new(Exit::Failed, format!("the gateway's status cannot be understood: {error}"))
    })?;
    match args.output {
        Output::Json => process.out.json(&value)?,
        Output::Text => {
            let headings = ["OBJECTIVE", "TARGET", "MEASURED", "MET", "BUDGET LEFT", "OVER", "EVENTS"];
            process.out.table(&headings, &objectives.iter().map(row).collect::<Vec<_>>())?;
        }
    }
    let missed = objectives.iter().any(|one| one.met == Some(false));
    Ok(if missed { Exit::Failed } else { Exit::Done })
}

fn row(one: &Objective) -> Vec<String> {
    let percent = |value: f64| format!("{:.2} %", value * 100.0);
    let value = |value: f64| match one.unit.as_str() {
        "seconds" => format!("{:.1} ms", value * 1000.0),
        _ => percent(value),
    };
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    vec![
        tame(&one.name),
        format!("{} {}", if one.at_least { ">=" } else { "<" }, value(one.target)),
        or_none(one.measured.map(value)),
        or_none(one.met.map(|met| if met { "yes" } else { "no" }.to_owned())),
        or_none(one.budget_left.map(percent)),
        format!("{} of {} s", one.covered_seconds, one.window_seconds),
        one.events.to_string(),
    ]
}
