//! `netweave subs`: the subscriptions of the identity that asks.

use super::client::{Answer, Client, Connection};
use super::{Exit, Failure, Output, Process, watch};
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Map, Value, json};

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
    /// Lists subscriptions
    List,
    /// Shows one with its state, lease and backlog
    Get {
        /// Its id
        id: String,
    },
    /// Makes one, and prints it with its signing secret, which is told only now
    Create {
        /// Where notifications are posted
        #[arg(long, value_name = "URL")]
        callback: String,
        #[command(flatten)]
        wish: Wish,
    },
    /// Deletes subscriptions
    Delete {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Replaces the signing secret; prints the subscription with the new one, which is told only now
    RotateSecret {
        /// Its id
        id: String,
        /// How long the old one signs beside it; the gateway's `subscriptions.secretOverlap` if left out
        #[arg(long, value_name = "TIME")]
        overlap: Option<String>,
    },
    /// Sends a marked test notification
    Test {
        /// Its id
        id: String,
    },
    /// Makes a subscription to this command, prints each notification, and deletes it at the end
    Watch {
        #[command(flatten)]
        wish: Wish,
        /// Address that the gateway can reach this command under; a free port of it is taken
        #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
        listen: std::net::IpAddr,
        /// Ends after so many notifications
        #[arg(long, value_name = "N")]
        count: Option<u64>,
    },
}

/// What a new subscription is for.
#[derive(Debug, clap::Args)]
pub(super) struct Wish {
    /// What is not to be sent, in the filter language of the interface
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// The consumer's own name for it
    #[arg(long, value_name = "ID")]
    consumer_id: Option<String>,
}

impl Wish {
    /// Returns the body of the request.
    pub(super) fn body(&self, callback: &str) -> Value {
        let mut body = Map::from_iter([("callback".to_owned(), callback.into())]);
        let wishes = [("filter", &self.filter), ("consumerSubscriptionId", &self.consumer_id)];
        for (member, value) in wishes {
            if let Some(value) = value {
                body.insert(member.to_owned(), value.as_str().into());
            }
        }
        body.into()
    }
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<(), Failure> {
    let client = args.connection.client()?;
    match &args.command {
        Command::List => list(&client, args.output, process).await,
        Command::Get { id } => {
            let answer = client.get(&own(id)).await?;
            show(&answer.body, args.output, process)
        }
        Command::Create { callback, wish } => {
            let created = create(&client, &wish.body(callback)).await?;
            show(&created, args.output, process)
        }
        Command::Delete { ids } => {
            for id in ids {
                delete(&client, id).await?;
                show(&json!({ "deleted": id }), args.output, process)?;
            }
            Ok(())
        }
        Command::Test { id } => {
            let [first, second, third, fourth] = own(id);
            let answer = client.call(Method::POST, &[first, second, third, fourth, "test"], None).await?;
            show(&answer.body, args.output, process)
        }
        Command::RotateSecret { id, overlap } => {
            let [first, second, third, fourth] = own(id);
            let body = overlap.as_ref().map_or_else(|| json!({}), |overlap| json!({ "overlap": overlap }));
            let path = [first, second, third, fourth, "rotate-secret"];
            let answer = client.call(Method::POST, &path, Some(&body)).await?;
            show(&with_secret(answer)?, args.output, process)
        }
        Command::Watch { wish, listen, count } => {
            let plan = watch::Plan { wish, listen: *listen, count: *count, output: args.output };
            watch::run(&client, &plan, process).await
        }
    }
}

/// Returns the path of what O2-IMS does not define about a subscription.
pub(super) fn own(id: &str) -> [&str; 4] {
    ["netweave", "v1", "subscriptions", id]
}

async fn list(client: &Client, output: Output, process: &mut Process) -> Result<(), Failure> {
    let all = client.list(&client.subscriptions()).await?;
    if output == Output::Json {
        return process.out.json(&all);
    }
    let cell = |subscription: &Value, member: &str| {
        subscription.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let members = ["subscriptionId", "callback", "consumerSubscriptionId", "filter"];
    let rows: Vec<Vec<String>> =
        all.iter().map(|one| members.iter().map(|member| cell(one, member)).collect()).collect();
    process.out.table(&["ID", "CALLBACK", "CONSUMER ID", "FILTER"], &rows)
}

/// Makes a subscription; the answer carries its secret as `secret`.
pub(super) async fn create(client: &Client, body: &Value) -> Result<Value, Failure> {
    with_secret(client.call(Method::POST, &client.subscriptions(), Some(body)).await?)
}

/// Puts the secret of an answer beside its members, as `secret`.
fn with_secret(answer: Answer) -> Result<Value, Failure> {
    let mut created = answer.body;
    match (created.as_object_mut(), answer.secret) {
        (Some(members), Some(secret)) => {
            members.insert("secret".to_owned(), secret.expose().into());
        }
        (Some(_), None) => {}
        (None, _) => return Err(Failure::new(Exit::Failed, "the gateway's answer is no subscription")),
    }
    Ok(created)
}

/// Deletes a subscription.
pub(super) async fn delete(client: &Client, id: &str) -> Result<(), Failure> {
    let [name, major, collection] = client.subscriptions();
    client.call(Method::DELETE, &[name, major, collection, id], None).await.map(|_| ())
}

fn show(value: &Value, output: Output, process: &mut Process) -> Result<(), Failure> {
    match output {
        Output::Text => process.out.members(value),
        Output::Json => process.out.json(value),
    }
}
