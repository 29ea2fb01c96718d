//! `netweave audit`: reads, verifies and exports the folder of an audit log; works on a copy of it, too.
//!
//! Reading is itself recorded: before anything is shown, the command appends `audit.read` to the folder as a writer of its
//! own. Verifying shows no contents and is not recorded.

mod query;
mod verify;

use super::{Exit, Failure, Output, Process};
use crate::audit::keys::{Public, Secret};
use crate::audit::{Event, append, archive, record};
use clap::Subcommand;
use netweave_model::{Error, ErrorKind};
use query::Query;
use std::io;
use std::path::{Path, PathBuf};

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the latest records, and with --follow those to come
    Tail(Tail),
    /// Prints the records that all the given conditions hold for
    Query(Find),
    /// Writes the lines of the log to a new file, in the order of their times and in the clear
    Export(Export),
    /// Judges whether the log is whole; exits 6 if it is not
    Verify(verify::Args),
    /// Prints the latest checkpoints, to be kept elsewhere and given to `verify --against`
    Checkpoint(verify::Checkpoints),
    /// Prints the JSON Schema of the log's lines
    Schema,
}

/// What all that read have in common.
#[derive(Debug, clap::Args)]
struct Folder {
    /// The folder, `audit.file.directory` of the gateway
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The key of encrypted files
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Reading {
    #[command(flatten)]
    folder: Folder,
    /// Reads although the folder cannot be written to, so that the reading is not recorded
    #[arg(long)]
    unrecorded: bool,
    /// The form of the records; JSON is one line each, as it was written
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct Tail {
    #[command(flatten)]
    reading: Reading,
    /// How many records
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    lines: usize,
    /// Goes on with those to come
    #[arg(short, long)]
    follow: bool,
}

#[derive(Debug, clap::Args)]
struct Find {
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    query: Query,
}

#[derive(Debug, clap::Args)]
struct Export {
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    query: Query,
    /// The new file
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(super) fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    match &args.command {
        Command::Tail(tail) => query::tail(tail, process).map(|()| Exit::Done),
        Command::Query(find) => query::print(find, process),
        Command::Export(export) => query::export(export, process),
        Command::Verify(args) => verify::run(args, process),
        Command::Checkpoint(args) => verify::checkpoints(args, process),
        Command::Schema => process.out.json(&record::schema()).map(|()| Exit::Done),
    }
}

impl Folder {
    fn secret(&self) -> Result<Option<Secret>, Failure> {
        self.key_file.as_deref().map(Secret::read).transpose().map_err(|error| key_failed(&error))
    }
}

impl Reading {
    /// Records that somebody reads, and opens the folder.
    fn begin(
        &self,
        command: &'static str,
        query: &Query,
        process: &Process,
    ) -> Result<(archive::Listing, Option<Secret>), Failure> {
        let secret = self.folder.secret()?;
        let dir = &self.folder.dir;
        archive::list(dir).map_err(|error| unreadable(dir, &error))?;
        let uid = rustix::process::getuid().as_raw();
        let mut event = Event::new("audit.read", process.now()).with("command", command).with("uid", uid);
        event.actor = process.environment.get("USER").cloned();
        event.detail.extend(query.told());
        let start = uuid::Uuid::new_v4().simple().to_string();
        if let Err(error) = append(dir, secret.clone(), &start, event) {
            let why = format!("{}: reading cannot be recorded there ({error})", dir.display());
            if !self.unrecorded {
                return Err(Failure::new(
                    Exit::Failed,
                    format!("{why}; --unrecorded reads a copy all the same"),
                ));
            }
            super::out::complain(&why);
        }
        let listing = archive::list(dir).map_err(|error| unreadable(dir, &error))?;
        Ok((listing, secret))
    }
}

fn public(path: Option<&Path>) -> Result<Option<Public>, Failure> {
    path.map(Public::read).transpose().map_err(|error| key_failed(&error))
}

fn key_failed(error: &Error) -> Failure {
    let exit = if error.kind() == ErrorKind::Invalid { Exit::Usage } else { Exit::Failed };
    Failure::new(exit, error.public())
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    let exit = if denied { Exit::Unauthorised } else { Exit::Damaged };
    Failure::new(exit, format!("{}: {error}", path.display()))
}
