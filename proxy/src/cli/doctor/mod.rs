//! `netweave doctor`: the checks of a morning in one command.
//!
//! What a gateway says of itself is asked on its operations listener, and the servers and files that a configuration names
//! are looked at from here. Nothing is changed.

mod before;
mod files;
mod measured;
mod redis;
mod running;

pub(super) use files::free;

use super::exposition::Samples;
use super::gateways::{self, Told};
use super::redis::Looked;
use super::source::Asked;
use super::verdict::{self, Check, State};
use super::{Exit, Failure, Output, Process};
use crate::conf::tree::{Conf, Environment};
use netweave_model::Timestamp;
use serde::Serialize;
use url::Url;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    asked: Asked,
    #[command(flatten)]
    about: About,
}

/// What is looked at.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct About {
    /// The operations listener of a gateway; may be repeated. Without one, that of the configuration
    #[arg(long, value_name = "URL")]
    pub(super) ops: Vec<Url>,
    /// Judges what can be judged before the first start: configuration, files, and servers that must be reached
    #[arg(long)]
    pub(super) pre: bool,
    /// Replicas that must follow the Redis primary of the state; 2, in `dev` 0
    #[arg(long, value_name = "N")]
    pub(super) replicas: Option<usize>,
}

/// What was found out.
pub(super) struct Seen {
    /// What the gateways told.
    told: Vec<Told>,
    /// What all of them measure.
    samples: Option<Samples>,
    /// What the servers of state and cache said; nothing without a configuration.
    servers: Looked,
}

/// The whole verdict, as JSON.
#[derive(Serialize)]
pub(super) struct Verdict {
    /// The worst state of all checks that could be made.
    pub(super) state: State,
    /// The checks, in a fixed order.
    pub(super) checks: Vec<Check>,
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let verdict = examine(&args.asked, &args.about, process).await?;
    match args.asked.output {
        Output::Json => process.out.json(&verdict)?,
        Output::Text => verdict::show(&verdict.checks, &mut process.out)?,
    }
    Ok(verdict.state.exit())
}

/// Makes all checks.
///
/// # Errors
/// The configuration file cannot be read.
pub(super) async fn examine(asked: &Asked, about: &About, process: &Process) -> Result<Verdict, Failure> {
    let now = process.now();
    // Whoever names listeners and no file asks from elsewhere: the defaults of this place would mean nothing.
    let from_elsewhere = asked.file().is_none() && !about.ops.is_empty();
    let (mut checks, conf) = if from_elsewhere {
        (vec![Check::not_judged("configuration", "give it with -c FILE")], None)
    } else {
        files::configuration(asked, process)?
    };
    if let Some(conf) = &conf {
        checks.extend(files::of(conf, about.pre, now));
    }
    if about.pre {
        if let Some(conf) = &conf {
            checks.extend(before::all(conf, process).await);
        }
    } else {
        checks.extend(all(conf.as_ref(), about, now).await);
    }
    let state = verdict::worst(&checks);
    Ok(Verdict { state, checks })
}

/// Asks gateways and servers, and judges what they say.
async fn all(conf: Option<&Conf>, about: &About, now: Timestamp) -> Vec<Check> {
    let urls = gateways::addresses(&about.ops, conf);
    let (told, servers) = tokio::join!(gateways::ask_all(&urls), Looked::at(conf));
    let samples = gateways::samples(&told);
    let seen = Seen { told, samples, servers };
    let mut checks = vec![running::gateways(&seen), running::readiness(&seen)];
    checks.extend(redis::all(&seen, conf, replicas(about, conf), now));
    checks.push(running::sources(&seen));
    checks.push(measured::subscriptions(&seen, conf));
    checks.push(measured::requests(&seen));
    checks.push(measured::reload(&seen));
    checks.push(measured::audit(&seen));
    checks.push(measured::clients(&seen, now));
    checks
}

/// Returns how many replicas must follow the primary.
fn replicas(about: &About, conf: Option<&Conf>) -> usize {
    let usual = match conf.map(|conf| conf.environment) {
        Some(Environment::Staging | Environment::Prod) => 2,
        Some(Environment::Dev) | None => 0,
    };
    about.replicas.unwrap_or(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_asks_for_no_replicas() {
        let mut conf = Conf::default();
        assert_eq!(replicas(&About::default(), Some(&conf)), 0);
        conf.environment = Environment::Prod;
        assert_eq!(replicas(&About::default(), Some(&conf)), 2);
        let about = About { replicas: Some(1), ..About::default() };
        assert_eq!(replicas(&about, Some(&conf)), 1);
    }
}
