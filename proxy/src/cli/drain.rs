//! `netweave drain`: has the running gateway finish what runs, and waits until it has ended.

use super::control::{Place, failure, refusal};
use super::{Exit, Failure, Output, Process};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Beyond delay and grace, how long a process may take to end.
const MARGIN: Duration = Duration::from_secs(15);

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// Does not wait until the process has ended
    #[arg(long)]
    no_wait: bool,
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<(), Failure> {
    let mut client = args.place.connect(process).await?;
    let begun = Instant::now();
    let (status, body) = client.call(Method::POST, "/drain", None).await.map_err(|error| failure(&error))?;
    if status != StatusCode::ACCEPTED {
        return Err(refusal(status, &body));
    }
    let pid = body.get("pid").and_then(Value::as_u64).unwrap_or_default();
    let seconds = |name: &str| body.get(name).and_then(Value::as_f64).unwrap_or_default();
    let most = Duration::from_secs_f64(seconds("delaySeconds") + seconds("graceSeconds")) + MARGIN;
    if !args.no_wait && tokio::time::timeout(most, client.ended()).await.is_err() {
        let message = format!("process {pid} still runs after {} s", most.as_secs());
        return Err(Failure::new(Exit::Failed, message));
    }
    let took = begun.elapsed().as_secs_f64();
    if args.place.asked.output == Output::Json {
        let took = (!args.no_wait).then_some(took);
        return process.out.json(&json!({ "pid": pid, "ended": !args.no_wait, "seconds": took }));
    }
    let ended = format!("process {pid} has ended after {took:.1} s");
    process.out.line(&if args.no_wait { format!("process {pid} drains") } else { ended })
}
