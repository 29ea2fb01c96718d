//! `netweave reload`: has the running gateway read its configuration and certificates again.

use super::control::{Place, failure, refusal};
use super::{Exit, Failure, Output, Process};
use http::{Method, StatusCode};
use serde_json::Value;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let mut client = args.place.connect(process).await?;
    let (status, body) = client.call(Method::POST, "/reload", None).await.map_err(|error| failure(&error))?;
    let exit = match status {
        StatusCode::OK => Exit::Done,
        StatusCode::UNPROCESSABLE_ENTITY => Exit::Configuration,
        _ => return Err(refusal(status, &body)),
    };
    if args.place.asked.output == Output::Json {
        process.out.json(&body)?;
        return Ok(exit);
    }
    for line in lines(&body) {
        process.out.line(&line)?;
    }
    Ok(exit)
}

fn lines(body: &Value) -> Vec<String> {
    let list = |name: &str| -> Vec<&str> {
        body[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let each = |word: &str, name: &str| {
        list(name).into_iter().map(|one| format!("{word}: {one}")).collect::<Vec<_>>()
    };
    if body["faults"].is_array() {
        let mut lines = each("fault", "faults");
        lines.push("the configuration was not taken over; the one before stays in force".to_owned());
        return lines;
    }
    let mut lines = [each("live", "live"), each("restart", "restart"), each("warning", "warnings")].concat();
    lines.push(format!(
        "{} keys were taken over, {} need a restart",
        list("live").len(),
        list("restart").len()
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_key_and_every_fault_has_a_line() {
        let body = json!({ "live": ["cache.ttl.resources"], "restart": ["api.listen"], "warnings": [] });
        let told = lines(&body);
        assert_eq!(
            told,
            ["live: cache.ttl.resources", "restart: api.listen", "1 keys were taken over, 1 need a restart"]
        );
        let told = lines(&json!({ "faults": ["1:2: limits: is wrong"] }));
        assert_eq!(told[0], "fault: 1:2: limits: is wrong");
    }
}
