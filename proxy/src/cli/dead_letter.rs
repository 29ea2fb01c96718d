//! `netweave dead-letter`: notifications that were given up.

use super::client::{Client, Connection};
use super::{Exit, Failure, Output, Process, subs};
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Map, Value};

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
            let from = from.map(|from| ("from".to_owned(), Value::from(from)));
            let since = since.as_deref().map(|since| ("since".to_owned(), Value::from(since)));
            let body = from.into_iter().chain(since).collect::<Map<_, _>>().into();
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
            Ok(answer) => letters.extend(of(id, &answer.body)),
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

/// Returns the letters among a subscription's deliveries, each with the subscription's id.
fn of(id: &str, deliveries: &Value) -> Vec<Value> {
    let letters = deliveries.get("deadLetters").and_then(Value::as_array);
    let named = |letter: &Map<String, Value>| {
        let mut letter = letter.clone();
        letter.insert("subscriptionId".to_owned(), id.into());
        letter.into()
    };
    letters.into_iter().flatten().filter_map(Value::as_object).map(named).collect()
}
