//! `netweave dr-drill`: a backup is restored into a scratch store, and both are measured against what an environment is
//! promised.

use super::backup::{self, Manner, Mode, Verified};
use super::source::{self, Asked};
use super::{Exit, Failure, Output, Process};
use crate::conf::tree::{Conf, Environment};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration whose `state` is the scratch store, which must be empty; what is restored stays there
    #[arg(long, value_name = "FILE")]
    into: PathBuf,
    /// Restores this backup, whose age is then the RPO, instead of making one
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
    #[command(flatten)]
    asked: Asked,
}

/// What an environment is promised after the loss of its store.
struct Targets {
    /// How long it may take until all subscriptions are back.
    rto: Duration,
    /// How old what comes back may be.
    rpo: Duration,
}

/// What was measured; times in milliseconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    environment: Environment,
    subscriptions: u64,
    /// To write the backup; none if one was given.
    backup_ms: Option<u64>,
    verify_ms: u64,
    restore_ms: u64,
    /// To verify, restore and read back: a gateway that starts afterwards is ready when its backends are read.
    rto_ms: u64,
    rto_target_ms: u64,
    /// From the beginning of the backup to the end that it was drilled for.
    rpo_ms: u64,
    rpo_target_ms: u64,
    met: bool,
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let conf = args.asked.conf(process)?;
    let into = source::checked(process, Some(&args.into))?;
    if into.state == conf.state {
        return Err(Failure::new(Exit::Usage, "--into: names the store that is to be drilled for"));
    }
    let scratch = Scratch::new(process)?;
    let made = scratch.0.join("backup");
    let took = if args.backup.is_none() { Some(make(&conf, &made, process).await?) } else { None };
    let backup_ms = took.map(millis);
    let file = args.backup.as_deref().unwrap_or(&made);
    // The loss is taken to happen now.
    let lost = process.now();
    let began = Instant::now();
    let mut opened = backup::open_file(file)?;
    let verified = backup::verify(&mut opened, file)?;
    let verify_ms = millis(began.elapsed());
    let stores = backup::open(&into, process).await?;
    let manner = Manner { mode: Mode::Empty, dry_run: false, stopped: false };
    let outcome = backup::restore(&stores, &mut opened, file, manner).await?;
    let rto = began.elapsed();
    if outcome.put != verified.totals.subscriptions || outcome.put == 0 {
        let message =
            format!("{} of {} subscriptions were restored", outcome.put, verified.totals.subscriptions);
        return Err(Failure::new(Exit::Failed, message));
    }
    let rpo = took.unwrap_or_else(|| lost.since(verified.created_at));
    let report = Report::new(conf.environment, &verified, (backup_ms, verify_ms), (rto, rpo));
    report.print(args.asked.output, process)
}

/// Makes a backup; returns how long that took.
async fn make(conf: &Conf, file: &Path, process: &Process) -> Result<Duration, Failure> {
    let began = Instant::now();
    let new = backup::new_file(file)?;
    let stores = backup::open(conf, process).await?;
    new.fill(&stores, conf).await?;
    Ok(began.elapsed())
}

impl Report {
    fn new(
        environment: Environment,
        verified: &Verified,
        (backup_ms, verify_ms): (Option<u64>, u64),
        (rto, rpo): (Duration, Duration),
    ) -> Self {
        let targets = Targets::of(environment);
        Self {
            environment,
            subscriptions: verified.totals.subscriptions,
            backup_ms,
            verify_ms,
            restore_ms: millis(rto).saturating_sub(verify_ms),
            rto_ms: millis(rto),
            rto_target_ms: millis(targets.rto),
            rpo_ms: millis(rpo),
            rpo_target_ms: millis(targets.rpo),
            met: rto <= targets.rto && rpo <= targets.rpo,
        }
    }

    fn print(&self, output: Output, process: &mut Process) -> Result<Exit, Failure> {
        match output {
            Output::Json => process.out.json(self)?,
            Output::Text => {
                process.out.members(&serde_json::to_value(self).map_err(std::io::Error::from)?)?;
            }
        }
        Ok(if self.met { Exit::Done } else { Exit::Failed })
    }
}

impl Targets {
    const fn of(environment: Environment) -> Self {
        let (rto, rpo) = match environment {
            Environment::Dev => (Duration::from_hours(4), Duration::from_hours(24)),
            Environment::Staging => (Duration::from_hours(1), Duration::from_hours(4)),
            Environment::Prod => (Duration::from_mins(15), Duration::from_mins(5)),
        };
        Self { rto, rpo }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A folder for its owner alone, removed when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(process: &Process) -> Result<Self, Failure> {
        use std::os::unix::fs::DirBuilderExt;
        let name = format!("netweave-dr-drill-{}-{}", std::process::id(), process.now().0);
        let folder = std::env::temp_dir().join(name);
        let made = std::fs::DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(|error| Failure::new(Exit::Failed, format!("{}: {error}", folder.display())))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
