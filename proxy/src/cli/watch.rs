//! `netweave subs watch`: a subscription whose callback is this command.

use super::client::Client;
use super::receive::{self, Form};
use super::subs::{self, Wish};
use super::{Exit, Failure, Output, Process, out};
use crate::webhook::inbox::{Inbox, Options};
use crate::webhook::signature::Secret;
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// What is watched, and for how long.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    /// What the subscription is for.
    pub(super) wish: &'a Wish,
    /// The address to listen on.
    pub(super) listen: IpAddr,
    /// After how many notifications to end; else it goes on until it is interrupted.
    pub(super) count: Option<u64>,
    /// The form of the result.
    pub(super) output: Output,
}

/// Watches until interrupted, or until the count is reached; the subscription is deleted in both cases.
pub(super) async fn run(client: &Client, plan: &Plan<'_>, process: &mut Process) -> Result<(), Failure> {
    let listener = TcpListener::bind((plan.listen, 0)).await;
    let listener = listener.map_err(|error| Failure::new(Exit::Failed, format!("cannot listen: {error}")))?;
    let address = listener.local_addr().map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    let inbox = Inbox::new(Options::default(), Arc::clone(&process.clock));
    let server = crate::webhook::inbox::serve(listener, Arc::clone(&inbox));
    let watching = async {
        let body = plan.wish.body(&format!("http://{address}/"));
        let created = subs::create(client, &body).await?;
        let text = |member: &str| created.get(member).and_then(Value::as_str);
        let id = text("subscriptionId").unwrap_or_default().to_owned();
        let form = Form {
            output: plan.output,
            secret: text("secret").and_then(|secret| Secret::parse(secret).ok()),
        };
        out::complain(&format!("watching as subscription {id}; Ctrl-C ends"));
        let printed = receive::print(&inbox, &form, plan.count, process).await;
        subs::delete(client, &id).await.and(printed)
    };
    tokio::select! {
        outcome = watching => outcome,
        () = server => Err(Failure::new(Exit::Failed, "the inbox has ended")),
    }
}
