//! `netweave lab fault`: breaks a part on purpose, and mends it again.

mod breaker;
mod files;
mod make;
mod servers;

use super::state::{Lab, hold};
use crate::cli::{Exit, Failure, Output, Process};
use breaker::Breaker;
use clap::ValueEnum;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The fault; without one, all are listed
    #[arg(value_enum)]
    name: Option<Fault>,
    /// How long to wait before
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = time)]
    after: Duration,
    /// Removes the fault
    #[arg(long)]
    undo: bool,
}

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Fault {
    /// Kills the Redis primary
    RedisPrimary,
    /// Kills a Redis replica
    RedisReplica,
    /// Stops a Redis replica where it is
    RedisReplicaHangs,
    /// Kills all Redis servers
    RedisAll,
    /// Leaves the Redis servers no memory for writes
    RedisFull,
    /// Leaves the Redis servers a tenth of their memory
    RedisFillsUp,
    /// Has the Redis servers drop keys when they are full
    RedisEvicts,
    /// Deletes subscriptions from Redis by hand
    RedisLosesKeys,
    /// Takes the right to run scripts from the gateways' user
    RedisRights,
    /// Takes the right to the keys of shared limits from the gateways' user
    RedisLimitKeys,
    /// Takes the right to read the change log from the gateways' user, and adds 1 500 servers to the inventory
    RedisLogRights,
    /// Holds back each write to Redis for up to 800 ms
    RedisSlow,
    /// Holds back each write to Redis for up to 1.6 s
    RedisVerySlow,
    /// Kills a Sentinel
    Sentinel,
    /// Kills a gateway
    Gateway,
    /// Kills two gateways
    Gateways,
    /// Kills a gateway and starts it again, three times
    GatewayRestarts,
    /// Starts a gateway anew that cannot reach the Sentinels
    GatewayWithoutRedis,
    /// Starts a gateway anew that cannot fetch the keys of a token issuer
    GatewayWithoutTokenKeys,
    /// Makes the configuration of a gateway one that cannot be read
    Configuration,
    /// Makes the inventory one that cannot be read
    SourceBroken,
    /// As source-broken, and starts the gateways and Redis anew, without data
    SourceNeverRead,
    /// Makes the inventory larger than the gateways have memory for
    InventoryGrows,
    /// The consumer answers notifications with 500
    SmoFails,
    /// The consumer answers notifications with 400, which gives each up at once
    SmoRejects,
    /// The consumer takes 2 s for each answer
    SmoSlow,
    /// The consumer takes notifications and never answers
    SmoHangs,
    /// As smo-fails, and dates what waits first back by two hours
    SmoFailsForHours,
    /// Starts the gateways anew with a token endpoint for callbacks that nobody serves
    CallbackTokens,
    /// Makes the certificate for callbacks one that cannot be read
    CallbackFiles,
    /// Replaces the key of the subscriptions' secrets, and starts the gateways anew
    SecretKeyLost,
    /// Issues a server certificate that ends in five days
    CertificateEnds,
    /// Issues a server certificate that ends in ten days
    CertificateEndsSoon,
    /// Makes the server certificate one that cannot be read
    CertificateBroken,
    /// Issues a revocation list that should have been replaced an hour ago
    CrlStale,
    /// Issues a revocation list that is to be replaced within three hours
    CrlEnds,
    /// Takes the folders of the audit logs away
    AuditFolders,
    /// Kills the collector of the audit log
    AuditCollector,
    /// Asks for more than the gateways may take
    Overload,
    /// Opens more connections than one address may have
    Connections,
    /// Asks for something else each time
    CacheMisses,
}

impl Fault {
    fn value(self) -> Option<clap::builder::PossibleValue> {
        self.to_possible_value()
    }

    fn name(self) -> String {
        self.value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn about(self) -> String {
        self.value().and_then(|value| value.get_help().map(ToString::to_string)).unwrap_or_default()
    }
}

fn time(text: &str) -> Result<Duration, String> {
    text.parse::<crate::conf::unit::Span>().map(|span| span.0)
}

pub(super) fn run(args: &Args, dir: &Path, output: Output, process: &mut Process) -> Result<(), Failure> {
    let Some(fault) = args.name else { return list(output, process) };
    // Others may work on the lab meanwhile.
    std::thread::sleep(args.after);
    let held = hold(dir)?;
    let mut lab = Lab::load(dir)?;
    let name = fault.name();
    if args.undo {
        undo(&mut lab, &name)?;
    } else {
        if lab.faults.contains_key(&name) {
            let message = format!("{name} is injected already; --undo removes it");
            return Err(Failure::new(Exit::Conflict, message));
        }
        let mut breaker = Breaker::new(&mut lab, process.now());
        let made = make::make(fault, &mut breaker);
        let undo = breaker.done();
        // What was done before a step failed is undone too.
        lab.faults.insert(name.clone(), undo);
        lab.save()?;
        made?;
    }
    drop(held);
    let done = if args.undo { "removed" } else { "injected" };
    match output {
        Output::Json => process.out.json(&json!({ "fault": name, "done": done })),
        Output::Text => process.out.line(&format!("{name}: {done}")),
    }
}

/// Takes the steps back, the last one first; what is left is remembered if one fails.
fn undo(lab: &mut Lab, name: &str) -> Result<(), Failure> {
    let Some(mut steps) = lab.faults.remove(name) else {
        return Err(Failure::new(Exit::Conflict, format!("{name} is not injected")));
    };
    let mut outcome = Ok(());
    while let Some(step) = steps.pop() {
        outcome = step.take(lab);
        if outcome.is_err() {
            steps.push(step);
            lab.faults.insert(name.to_owned(), steps);
            break;
        }
    }
    lab.save()?;
    outcome
}

fn list(output: Output, process: &mut Process) -> Result<(), Failure> {
    let all = Fault::value_variants().iter();
    match output {
        Output::Json => {
            let all: Vec<_> = all.map(|one| json!({ "fault": one.name(), "does": one.about() })).collect();
            process.out.json(&all)
        }
        Output::Text => {
            let rows: Vec<Vec<String>> = all.map(|one| vec![one.name(), one.about()]).collect();
            process.out.table(&["FAULT", "DOES"], &rows)
        }
    }
}
