//! How commands reach the running gateway: through its control socket.

use super::source::Asked;
use super::{Exit, Failure, Process};
use crate::control::client::Client;
use http::StatusCode;
use netweave_model::{Error, ErrorKind};
use serde_json::Value;
use std::path::PathBuf;

/// Where the control socket is, and how the result is printed.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The gateway's control socket, instead of `ops.control` of the configuration
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    #[command(flatten)]
    pub(super) asked: Asked,
}

impl Place {
    /// Connects with the gateway.
    pub(super) async fn connect(&self, process: &Process) -> Result<Client, Failure> {
        let configured = || {
            let missing = "there is no control socket: set `ops.control`, or give --socket";
            self.asked.conf(process)?.ops.control.ok_or_else(|| Failure::new(Exit::Usage, missing))
        };
        let path = self.socket.clone().map_or_else(configured, Ok)?;
        Client::connect(&path).await.map_err(|error| failure(&error))
    }
}

/// Says why the gateway was not reached.
pub(super) fn failure(error: &Error) -> Failure {
    let exit = if error.kind() == ErrorKind::Forbidden { Exit::Unauthorised } else { Exit::Unreachable };
    Failure::new(exit, error.public())
}

/// Says what the gateway answered, if it is not what was asked for.
pub(super) fn refusal(status: StatusCode, body: &Value) -> Failure {
    let exit = if status.is_client_error() { Exit::Usage } else { Exit::Failed };
    let reasons = body["invalidParams"].as_array().into_iter().flatten();
    let reasons: Vec<String> = reasons
        .filter_map(|one| Some(format!("{}: {}", one["name"].as_str()?, one["reason"].as_str()?)))
        .collect();
    let detail = body["detail"].as_str().unwrap_or("no reason was given");
    let reasons = if reasons.is_empty() { detail.to_owned() } else { reasons.join("; ") };
    Failure::new(exit, format!("the gateway answered {}: {reasons}", status.as_u16()))
}
