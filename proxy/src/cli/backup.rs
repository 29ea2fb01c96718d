//! `netweave backup`: all subscriptions of a store in one file, and back.
//!
//! A backup has subscriptions with their ids, revisions, leases and secrets as they lie in the store, sealed or not, and the
//! numbers of their notifications. The inventory is not in it: it is read from the backends again. Notifications that waited
//! and dead letters are not either: they are counted, and consumers are told to read the inventory again.

mod create;
mod form;
mod restore;

use super::source::Asked;
use super::{Exit, Failure, Output, Process, out, store_failed};
use crate::clock::SystemIds;
use crate::conf::tree::Conf;
use clap::Subcommand;
pub(super) use create::{create, new_file};
pub(super) use form::Totals;
use form::{Damage, Reader};
use netweave_adapters::Stores;
use netweave_model::{Error, ErrorKind, Timestamp};
pub(super) use restore::{Manner, Mode, restore};
use serde::Serialize;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many subscriptions are read or put at once, which bounds the memory that is needed.
const AT_ONCE: usize = 100;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes all subscriptions to a new file, which only its owner may read; gateways on Redis may run
    Create {
        /// The file; `-` is standard output
        file: PathBuf,
    },
    /// Checks a file by itself, without a store; exits 6 if it is damaged
    Verify {
        /// The file; `-` is standard input
        file: PathBuf,
    },
    /// Puts the subscriptions of a file into an empty store, and reads them back
    Restore {
        /// The file
        file: PathBuf,
        /// Into a store that is not empty: what it knows in the same or a later revision stays
        #[arg(long, conflicts_with = "replace")]
        merge: bool,
        /// Into a store that is not empty: what the file has wins, and what it has not is deleted
        #[arg(long)]
        replace: bool,
        /// Only says what would be done
        #[arg(long)]
        dry_run: bool,
        /// No gateway has run since the backup was begun: numbers of notifications go on where they were
        #[arg(long)]
        stopped: bool,
    },
}

/// What a file that is whole says of itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verified {
    /// When it was begun.
    created: String,
    /// See `form::First`.
    program: String,
    store: String,
    schema: Option<String>,
    log: String,
    #[serde(flatten)]
    pub(super) totals: Totals,
    /// As `created`, for reckoning.
    #[serde(skip)]
    pub(super) created_at: Timestamp,
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<(), Failure> {
    match &args.command {
        Command::Create { file } => {
            let conf = args.asked.conf(process)?;
            let totals = to_file_or_out(&conf, file, process).await?;
            out::complain(&totals.sentence());
            Ok(())
        }
        Command::Verify { file } => {
            let verified = if file == Path::new("-") {
                verify_text(std::io::stdin().lock(), file)?
            } else {
                verify(&mut open_file(file)?, file)?
            };
            print(args.asked.output, &verified, process)
        }
        Command::Restore { file, merge, replace, dry_run, stopped } => {
            let mode = match (merge, replace) {
                (true, _) => Mode::Merge,
                (_, true) => Mode::Replace,
                (false, false) => Mode::Empty,
            };
            // The whole file is checked before the store is opened, so a damaged one changes nothing.
            let mut opened = open_file(file)?;
            verify(&mut opened, file)?;
            let conf = args.asked.conf(process)?;
            let stores = open(&conf, process).await?;
            let manner = Manner { mode, dry_run: *dry_run, stopped: *stopped };
            let restored = restore(&stores, &mut opened, file, manner).await?;
            print(args.asked.output, &restored, process)
        }
    }
}

async fn to_file_or_out(conf: &Conf, file: &Path, process: &mut Process) -> Result<Totals, Failure> {
    if file != Path::new("-") {
        let file = new_file(file)?;
        let stores = open(conf, process).await?;
        return file.fill(&stores, conf).await;
    }
    let stores = open(conf, process).await?;
    create(&stores, conf, std::io::stdout().lock()).await.map(|(_, totals)| totals)
}

fn print(output: Output, value: &impl Serialize, process: &mut Process) -> Result<(), Failure> {
    if output == Output::Json {
        return process.out.json(value);
    }
    process.out.members(&serde_json::to_value(value).map_err(std::io::Error::from)?)
}

/// Opens the store of a configuration.
pub(super) async fn open(conf: &Conf, process: &Process) -> Result<Stores, Failure> {
    let opened = conf.state.open(Arc::clone(&process.clock), Arc::new(SystemIds)).await;
    opened.map_err(|error| {
        if error.kind() == ErrorKind::Conflict {
            let message = format!("{}: stop the gateway first ({error})", error.public());
            return Failure::new(Exit::Conflict, message);
        }
        failed(&error)
    })
}

fn failed(error: &Error) -> Failure {
    store_failed("state", error)
}

/// Opens a file to read it, more than once.
pub(super) fn open_file(file: &Path) -> Result<File, Failure> {
    File::open(file)
        .map_err(|error| Failure::new(Exit::Failed, format!("{}: cannot be read: {error}", file.display())))
}

/// Checks a file from its beginning.
pub(super) fn verify(opened: &mut File, file: &Path) -> Result<Verified, Failure> {
    verify_text(from_start(opened, file)?, file)
}

fn from_start<'a>(opened: &'a mut File, file: &Path) -> Result<BufReader<&'a mut File>, Failure> {
    let rewound = opened.rewind();
    rewound.map_err(|error| {
        Failure::new(Exit::Failed, format!("{}: cannot be read twice: {error}", file.display()))
    })?;
    Ok(BufReader::new(opened))
}

fn verify_text(input: impl BufRead, file: &Path) -> Result<Verified, Failure> {
    let refused = |damage: Damage| damaged(file, &damage);
    let mut reader = Reader::open(input).map_err(refused)?;
    while reader.next_one().map_err(refused)?.is_some() {}
    let first = reader.first();
    Ok(Verified {
        created: first.created_at.to_string(),
        created_at: first.created_at,
        program: first.program.clone(),
        store: first.store.clone(),
        schema: first.schema.clone(),
        log: first.log.to_string(),
        totals: reader.totals(),
    })
}

fn damaged(file: &Path, damage: &Damage) -> Failure {
    Failure::new(Exit::Damaged, format!("{}: {damage}", file.display()))
}

impl Totals {
    fn sentence(&self) -> String {
        let Self { subscriptions, waiting, dead_letters, unsealed } = self;
        let clear = match unsealed {
            0 => String::new(),
            some => format!("; the secrets of {some} are in the clear, as they are in the store"),
        };
        format!(
            "{subscriptions} subscriptions; {waiting} waiting notifications and {dead_letters} dead letters are not in the \
             file{clear}"
        )
    }
}
