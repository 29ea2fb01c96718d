//! `netweave webhook`: tools for those who receive notifications.

use super::receive::{self, Form};
use super::{Exit, Failure, Output, Process, out};
use crate::webhook::inbox::{Answer, Inbox, Options, serve};
use crate::webhook::signature::Secret;
use clap::Subcommand;
use http::StatusCode;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Receives notifications, verifies their signature and prints them; answers as told
    Listen(Listen),
}

#[derive(Debug, clap::Args)]
struct Listen {
    /// The address to listen on
    #[arg(long = "listen", value_name = "IP", default_value = "127.0.0.1")]
    address: IpAddr,
    /// The port; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 9000)]
    port: u16,
    /// The signing secret, `whsec_...`; two while it is being replaced; better in the variable `WEBHOOK_SECRET`, with a space between
    #[arg(long, value_name = "SECRET")]
    secret: Vec<String>,
    /// The status of each answer
    #[arg(long, value_name = "STATUS", default_value = "204", value_parser = status)]
    answer: StatusCode,
    /// How long each answer is held back
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = delay)]
    delay: Duration,
    /// The pause that each answer asks for, in seconds
    #[arg(long, value_name = "N")]
    retry_after: Option<u32>,
    /// Ends after so many notifications
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// The form of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

fn status(text: &str) -> Result<StatusCode, String> {
    let status = text.parse::<StatusCode>().map_err(|error| error.to_string())?;
    if status.is_informational() { Err("must be from 200 to 599".to_owned()) } else { Ok(status) }
}

fn delay(text: &str) -> Result<Duration, String> {
    text.parse::<crate::conf::unit::Span>().map(|span| span.0)
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<(), Failure> {
    let Command::Listen(args) = &args.command;
    let variable = process.environment.get("WEBHOOK_SECRET").filter(|text| !text.is_empty());
    let given = args.secret.iter().map(String::as_str);
    let variable =
        variable.filter(|_| args.secret.is_empty()).into_iter().flat_map(|text| text.split_whitespace());
    let secrets: netweave_model::Result<_> = given.chain(variable).map(Secret::parse).collect();
    let secrets =
        secrets.map_err(|error| Failure::new(Exit::Usage, format!("--secret: {}", error.public())))?;
    let answer = Answer { status: args.answer, delay: args.delay, retry_after: args.retry_after };
    let inbox =
        Inbox::new(Options { secrets, answer: Box::new(move |_| answer) }, Arc::clone(&process.clock));
    let failed = |error: std::io::Error| Failure::new(Exit::Failed, format!("cannot listen: {error}"));
    let listener = TcpListener::bind(SocketAddr::new(args.address, args.port)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    out::complain(&format!("listening on http://{address}/; Ctrl-C ends"));
    let form = Form { output: args.output, secret: None };
    tokio::select! {
        outcome = receive::print(&inbox, &form, args.count, process) => outcome,
        () = serve(listener, Arc::clone(&inbox)) => Err(Failure::new(Exit::Failed, "the inbox has ended")),
    }
}
