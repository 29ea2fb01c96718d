//! `netweave state`: carries subscriptions from one store to another, through a file.
//!
//! Carried are subscriptions with their ids, revisions, secrets and leases, and the numbers of their notifications. The
//! inventory is not: it is read from the backends again. What waits in queues is not either, so its consumers are told to
//! read the inventory again; dead letters stay behind.

mod document;

use super::source::Asked;
use super::{Exit, Failure, Output, Process, out, store_failed};
use crate::clock::SystemIds;
use clap::Subcommand;
use document::{Damage, Document};
use netweave_adapters::Stores;
use netweave_model::port::{Backlog, Notice, Restored, Saved};
use netweave_model::{Error, ErrorKind, Id, Subscription};
use serde::Serialize;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a lease lasts after an import, at least: time for its owner to come back.
const LEASE: Duration = Duration::from_hours(1);
/// How many subscriptions are read or put at once.
const AT_ONCE: usize = 100;
/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 30;

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
    /// Writes all subscriptions to a new file, which only its owner may read: it holds their secrets
    Export {
        /// The file; `-` is standard output
        file: PathBuf,
    },
    /// Puts the subscriptions of a file into the store, and reads them back
    Import {
        /// The file; `-` is standard input
        file: PathBuf,
    },
}

/// What came of an import.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Imported {
    /// Subscriptions in the file.
    read: usize,
    /// Those that the store had not, or not in this revision.
    put: usize,
    /// Those that it had in the same or a later revision; they stay as they are.
    known: usize,
    /// Those that it knows to have ended; they stay so.
    ended: usize,
    /// Those whose consumers are told to read the inventory again.
    resync: usize,
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<(), Failure> {
    match &args.command {
        Command::Export { file } => {
            let stores = open(args, process).await?;
            export(&stores, file, process).await
        }
        Command::Import { file } => {
            // The whole file is checked before the store is opened, so a damaged one changes nothing.
            let document = Document::read(&text_of(file)?).map_err(|damage| refused(file, &damage))?;
            let stores = open(args, process).await?;
            let imported = import(&stores, document.saved).await?;
            match args.asked.output {
                Output::Json => process.out.json(&imported),
                Output::Text => process.out.line(&imported.sentence()),
            }
        }
    }
}

async fn open(args: &Args, process: &Process) -> Result<Stores, Failure> {
    let conf = args.asked.conf(process)?;
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

fn refused(file: &Path, damage: &Damage) -> Failure {
    let message = format!("{}: {damage}; nothing was imported", file.display());
    Failure::new(Exit::Damaged, message)
}

fn text_of(file: &Path) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(Exit::Failed, format!("{}: cannot be read: {error}", file.display()))
    };
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    let length = read.map_err(unreadable)?;
    if length as u64 > LARGEST {
        return Err(refused(file, &Damage::whole("is larger than an export can be")));
    }
    String::from_utf8(bytes).map_err(|_odd| refused(file, &Damage::whole("is no text")))
}

/// Reads everything and writes it.
async fn export(stores: &Stores, file: &Path, process: &mut Process) -> Result<(), Failure> {
    let (mut saved, mut dead, mut after) = (Vec::new(), 0, None);
    loop {
        let page =
            stores.subscriptions.page(None, after.as_ref(), AT_ONCE).await.map_err(|error| failed(&error))?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        for subscription in page {
            let Some(backlog) = backlog(stores, &subscription.id).await? else { continue };
            dead += backlog.dead;
            saved.push(Saved { subscription, last_sequence: backlog.last_sequence, waiting: backlog.queued });
        }
    }
    let (count, waiting) = (saved.len(), saved.iter().map(|one| one.waiting).sum::<u64>());
    let text = Document { saved }.write(process.now());
    if file == Path::new("-") {
        process.out.text(&text)?;
    } else {
        write_new(file, &text)?;
    }
    out::complain(&format!(
        "{count} subscriptions; {waiting} waiting notifications and {dead} dead letters are not carried"
    ));
    Ok(())
}

/// Returns the state of a queue; `None` if its subscription has ended meanwhile.
async fn backlog(stores: &Stores, id: &Id) -> Result<Option<Backlog>, Failure> {
    match stores.deliveries.backlog(id).await {
        Ok(backlog) => Ok(Some(backlog)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

/// Writes a file for its owner alone, durably; one that exists stays.
fn write_new(file: &Path, text: &str) -> Result<(), Failure> {
    let failure = |error: std::io::Error| {
        let exists = error.kind() == std::io::ErrorKind::AlreadyExists;
        let exit = if exists { Exit::Conflict } else { Exit::Failed };
        Failure::new(exit, format!("{}: cannot be written: {error}", file.display()))
    };
    let mut options = OpenOptions::new();
    let mut opened = options.write(true).create_new(true).mode(0o600).open(file).map_err(failure)?;
    let written = opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all());
    if written.is_err() {
        std::fs::remove_file(file).ok();
    }
    written.map_err(failure)
}

async fn import(stores: &Stores, read: Vec<Saved>) -> Result<Imported, Failure> {
    let until = stores.clock.now().plus(LEASE);
    let renewed = |saved: Saved| {
        let Subscription { rev, expires_at, .. } = saved.subscription;
        let subscription = Subscription {
            rev: rev.saturating_add(1),
            expires_at: expires_at.max(until),
            ..saved.subscription
        };
        Saved { subscription, ..saved }
    };
    let saved: Vec<Saved> = read.into_iter().map(renewed).collect();
    let mut imported = Imported { read: saved.len(), ..Imported::default() };
    for part in saved.chunks(AT_ONCE) {
        let outcomes = stores.subscriptions.restore(part).await.map_err(|error| failed(&error))?;
        let mut put = Vec::new();
        for (one, outcome) in part.iter().zip(outcomes) {
            match outcome {
                Restored::Put => put.push(one),
                Restored::Known => imported.known += 1,
                Restored::Ended => imported.ended += 1,
            }
            if outcome != Restored::Ended && tell_to_resync(stores, one).await? {
                imported.resync += 1;
            }
        }
        imported.put += put.len();
        read_back(stores, &put).await?;
    }
    Ok(imported)
}

/// Queues a notice for one that had notifications waiting, unless its queue has gone on since.
async fn tell_to_resync(stores: &Stores, saved: &Saved) -> Result<bool, Failure> {
    let id = &saved.subscription.id;
    let untouched = |backlog: &Backlog| backlog.queued == 0 && backlog.last_sequence == saved.last_sequence;
    if saved.waiting == 0 || !backlog(stores, id).await?.as_ref().is_some_and(untouched) {
        return Ok(false);
    }
    let notice = Notice::Resync { dropped: saved.waiting };
    let queued = stores.deliveries.enqueue(id, vec![notice], u64::MAX).await;
    queued.map_err(|error| failed(&error))?;
    Ok(true)
}

/// Compares what was put with what the store has now: the same number, with the same checksum.
async fn read_back(stores: &Stores, put: &[&Saved]) -> Result<(), Failure> {
    let mut found = Vec::new();
    for saved in put {
        let expected = &saved.subscription;
        let now = stores.subscriptions.get(&expected.id).await.map_err(|error| failed(&error))?;
        let grown = now.rev >= expected.rev && now.expires_at >= expected.expires_at;
        // A gateway that runs may have renewed it, or suspended it, since.
        let (rev, expires_at, state) = if grown {
            (expected.rev, expected.expires_at, expected.state.clone())
        } else {
            (now.rev, now.expires_at, now.state.clone())
        };
        found
            .push(Saved { subscription: Subscription { rev, expires_at, state, ..now }, ..(*saved).clone() });
    }
    let expected = document::checksum(put.iter().copied());
    if document::checksum(found.iter()) == expected {
        return Ok(());
    }
    let differ = put.iter().zip(&found).filter(|(put, found)| put.subscription != found.subscription);
    let ids: Vec<&str> = differ.map(|(put, _)| put.subscription.id.as_str()).collect();
    Err(Failure::new(Exit::Damaged, format!("the store does not have what was imported: {}", ids.join(", "))))
}

impl Imported {
    fn sentence(&self) -> String {
        let Self { read, put, known, ended, resync } = self;
        format!(
            "{read} subscriptions read, {put} put and read back, {known} known already, {ended} ended there; \
             {resync} consumers are told to read again"
        )
    }
}
