//! `netweave dead-letter`: notifications that were given up.

use super::client::{Client, Connection};
use super::{Exit, Failure, Output, Process, subs};
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
    /// The form of the result
    #[arg(short, long, value_enum, default_value_t, global = true)]
    output: Output,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the dead letters of one subscription, or of all of yours
    List {
        /// The subscription's id
        id: Option<String>,
    },
    /// Queues them again, under the notification ids that they had
    Replay {
        /// The subscription's id
        id: String,
        /// The first sequence number to replay
        #[arg(long, value_name = "SEQUENCE", conflicts_with = "since")]
        from: Option<u64>,
        /// Replays changes since this time too, as far as they are kept; RFC 3339
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
    },
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<(), Failure> {
    let client = args.connection.client()?;
    match &args.command {
        Command::List { id } => {
            let ids = match id {
                Some(id) => vec![id.clone()],
                None => ids(&client).await?,
            };
            list(&client, &ids, args.output, process).await
        }
        Command::Replay { id, from, since } => {
            let mut body = json!({});
            if let Some(from) = from {
                body["from"] = (*from).into();
            }
            if let Some(since) = since {
                body["since"] = since.as_str().into();
            }
            let [first, second, third, fourth] = subs::own(id);
            let path = [first, second, third, fourth, "replay"];
            let answer = client.call(Method::POST, &path, Some(&body)).await?;
            match args.output {
                Output::Text => process.out.members(&answer.body),
                Output::Json => process.out.json(&answer.body),
            }
        }
    }
}

async fn ids(client: &Client) -> Result<Vec<String>, Failure> {
    let all = client.list(&client.subscriptions()).await?;
    let id =
        |subscription: &Value| subscription.get("subscriptionId").and_then(Value::as_str).map(str::to_owned);
    Ok(all.iter().filter_map(id).collect())
}

async fn list(client: &Client, ids: &[String], output: Output, process: &mut Process) -> Result<(), Failure> {
    let mut letters = Vec::new();
    for id in ids {
        let [first, second, third, fourth] = subs::own(id);
        match client.get(&[first, second, third, fourth, "deliveries"]).await {
            Ok(mut answer) => letters.extend(of(id, answer.body["deadLetters"].take())),
            Err(failure) if failure.exit == Exit::Failed && ids.len() > 1 => {}
            Err(failure) => return Err(failure),
        }
    }
    if output == Output::Json {
        return process.out.json(&letters);
    }
    let members = ["subscriptionId", "sequence", "reason", "at", "notificationId"];
    let cell = |letter: &Value, member: &str| match letter.get(member) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    let row = |letter: &Value| members.iter().map(|member| cell(letter, member)).collect();
    let rows: Vec<Vec<String>> = letters.iter().map(row).collect();
    process.out.table(&["SUBSCRIPTION", "SEQUENCE", "REASON", "SINCE", "NOTIFICATION"], &rows)
}

/// Adds the subscription's id to each of its letters.
fn of(id: &str, letters: Value) -> Vec<Value> {
    let Value::Array(mut letters) = letters else { return Vec::new() };
    for letter in letters.iter_mut().filter_map(Value::as_object_mut) {
        letter.insert("subscriptionId".to_owned(), id.into());
    }
    letters
}
