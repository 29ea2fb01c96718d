//! `netweave healthcheck`: for probes in images that have no shell.

use super::client::{self, Answer};
use super::{Exit, Failure, Process};
use std::time::Duration;
use url::Url;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Asks whether it is ready, not only whether it lives
    #[arg(long)]
    ready: bool,
    /// The operations listener
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: Url,
    /// Seconds to wait for the answer
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

/// Ends with 0 or 1 only, as probes want.
pub(super) async fn run(args: &Args, process: &mut Process) -> Result<(), Failure> {
    let failed = |failure: Failure| Failure::new(Exit::Failed, failure.message);
    let client = client::Client::plain(&args.url, Duration::from_secs(args.timeout)).map_err(failed)?;
    let path = if args.ready { "readyz" } else { "livez" };
    let Answer { status, .. } = client.get(&[path]).await.map_err(failed)?;
    if status == 200 {
        return process.out.line("ok");
    }
    Err(Failure::new(Exit::Failed, format!("/{path} answers {status}")))
}
