//! `netweave log-level`: has the running gateway log by another level for a while.

use super::control::{Place, failure, refusal};
use super::{Failure, Output, Process};
use crate::conf::unit::Span;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,netweave=debug`
    level: String,
    /// How long, up to a day; then the level is that of the configuration again
    #[arg(long = "for", value_name = "TIME", default_value = "10m", value_parser = span)]
    lasts: Span,
    #[command(flatten)]
    place: Place,
}

fn span(text: &str) -> Result<Span, String> {
    let wrong = |error: serde_json::Error| error.to_string();
    serde_json::from_value(text.into()).map_err(wrong)
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<(), Failure> {
    let mut client = args.place.connect(process).await?;
    let asked = json!({ "level": args.level, "forSeconds": args.lasts.0.as_secs() });
    let call = client.call(Method::PUT, "/log-level", Some(&asked)).await;
    let (status, body) = call.map_err(|error| failure(&error))?;
    if status != StatusCode::OK {
        return Err(refusal(status, &body));
    }
    if args.place.asked.output == Output::Json {
        return process.out.json(&body);
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    process.out.line(&format!(
        "{} for {} s; it was {}",
        text("level"),
        args.lasts.0.as_secs(),
        text("before")
    ))
}
