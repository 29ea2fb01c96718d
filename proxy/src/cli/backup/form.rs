//! The form of a backup: a first line that says what it is, one line per subscription in the order of their ids, and a
//! last one with counts and the checksum of all lines before it. Each line is a JSON object.
//!
//! It is written and read line by line, so its length costs no memory.

use crate::digest::Running;
use crate::webhook::sealing::is_sealed;
use netweave_model::port::Saved;
use netweave_model::{Id, Position, Subscription, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, BufRead, Read, Write};

/// The version of the form.
const VERSION: u32 = 1;
/// What the first line says it is.
const KIND: &str = "backup";
/// The longest line, in bytes: a subscription is bounded by the largest body of a request, 1 MiB, twice escaped.
const LINE: usize = 4 << 20;
/// What the last line begins with, as no other does.
const LAST: &str = "{\"subscriptions\":";

/// What the first line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct First {
    netweave: String,
    version: u32,
    /// When the backup was begun: all that the store had confirmed by then is in it.
    pub(in crate::cli) created_at: Timestamp,
    /// The version of the program that wrote it.
    pub(in crate::cli) program: String,
    /// The kind of the store, as the configuration names it.
    pub(in crate::cli) store: String,
    /// The version of what is stored; none for a store that is lost with its process.
    pub(in crate::cli) schema: Option<String>,
    /// The last entry of the change log at that time.
    pub(in crate::cli) log: Position,
    /// Up to where changes had been queued for subscriptions.
    pub(in crate::cli) told: Position,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Totals {
    /// Subscriptions in the file.
    pub(in crate::cli) subscriptions: u64,
    /// Notifications that waited, which are not in it.
    pub(in crate::cli) waiting: u64,
    /// Dead letters, which are not in it.
    pub(in crate::cli) dead_letters: u64,
    /// Subscriptions whose secrets the store held, and the file holds, in the clear.
    pub(in crate::cli) unsealed: u64,
}

#[derive(Serialize, Deserialize)]
struct Last {
    #[serde(flatten)]
    totals: Totals,
    sha256: String,
}

/// What is wrong with a file, and in which line.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Damage {
    line: usize,
    what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl First {
    /// Makes the first line of a backup of this form.
    pub(in crate::cli) fn new(created_at: Timestamp, store: &str, schema: Option<String>) -> Self {
        let (log, told) = (Position::default(), Position::default());
        let (netweave, program) = (KIND.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        Self { netweave, version: VERSION, created_at, program, store: store.to_owned(), schema, log, told }
    }
}

impl Totals {
    fn count(&mut self, saved: &Saved) {
        self.subscriptions += 1;
        self.waiting = self.waiting.saturating_add(saved.waiting);
        self.dead_letters = self.dead_letters.saturating_add(saved.dead);
        self.unsealed += u64::from(!holds_sealed(&saved.subscription));
    }
}

fn holds_sealed(subscription: &Subscription) -> bool {
    is_sealed(&subscription.secret)
        && subscription.former.as_ref().is_none_or(|former| is_sealed(&former.secret))
}

/// Lays out one subscription as its line.
pub(super) fn line(saved: &Saved) -> io::Result<String> {
    Ok(serde_json::to_string(saved)? + "\n")
}

/// Writes a backup.
pub(super) struct Writer<W> {
    out: W,
    hash: Running,
    totals: Totals,
}

impl<W: Write> Writer<W> {
    /// Begins with the first line.
    pub(super) fn new(out: W, first: &First) -> io::Result<Self> {
        let mut writer = Self { out, hash: Running::default(), totals: Totals::default() };
        writer.line(&(serde_json::to_string(first)? + "\n"))?;
        Ok(writer)
    }

    /// Writes the next one; its id is greater than that of the one before.
    pub(super) fn put(&mut self, saved: &Saved) -> io::Result<()> {
        self.totals.count(saved);
        self.line(&line(saved)?)
    }

    /// Writes the last line; returns what was written to, and what was counted.
    pub(super) fn finish(mut self) -> io::Result<(W, Totals)> {
        let last = Last { totals: self.totals, sha256: self.hash.finish() };
        self.out.write_all((serde_json::to_string(&last)? + "\n").as_bytes())?;
        Ok((self.out, self.totals))
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        self.hash.update(line.as_bytes());
        self.out.write_all(line.as_bytes())
    }
}

/// Reads a backup and checks each line as it comes.
pub(super) struct Reader<R> {
    input: R,
    first: First,
    hash: Running,
    totals: Totals,
    /// How many lines were read.
    line: usize,
    last_id: Option<Id>,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// The file is another one, or of a later version.
    pub(super) fn open(input: R) -> Result<Self, Damage> {
        let first = First::new(Timestamp::default(), "", None);
        let (hash, totals) = (Running::default(), Totals::default());
        let mut reader = Self { input, first, hash, totals, line: 0, last_id: None, ended: false };
        let text = reader.text()?;
        let first = serde_json::from_str::<First>(&text).ok().filter(|first| first.netweave == KIND);
        reader.first = first.ok_or_else(|| reader.damage("this is no backup of netweave"))?;
        if reader.first.version != VERSION {
            let what = format!("is of version {}; this netweave reads {VERSION}", reader.first.version);
            return Err(reader.damage(what));
        }
        reader.hash.update(text.as_bytes());
        Ok(reader)
    }

    /// Returns what the first line says.
    pub(super) const fn first(&self) -> &First {
        &self.first
    }

    /// Returns what was counted so far.
    pub(super) const fn totals(&self) -> Totals {
        self.totals
    }

    /// Reads the next one; `None` at the end of a file that is whole and unchanged, and from then on.
    ///
    /// # Errors
    /// The file is cut or changed.
    pub(super) fn next_one(&mut self) -> Result<Option<Saved>, Damage> {
        if self.ended {
            return Ok(None);
        }
        let text = self.text()?;
        if text.starts_with(LAST) {
            self.ended = true;
            return self.end(&text).map(|()| None);
        }
        let saved: Saved =
            serde_json::from_str(&text).map_err(|error| self.damage(format!("cannot be read: {error}")))?;
        let id = &saved.subscription.id;
        if self.last_id.as_ref().is_some_and(|last| last >= id) {
            return Err(self.damage("the subscription is there twice, or not in its order"));
        }
        self.last_id = Some(id.clone());
        self.totals.count(&saved);
        self.hash.update(text.as_bytes());
        Ok(Some(saved))
    }

    fn end(&mut self, text: &str) -> Result<(), Damage> {
        let last: Last =
            serde_json::from_str(text).map_err(|error| self.damage(format!("cannot be read: {error}")))?;
        if last.totals != self.totals {
            return Err(self.damage(format!("counted were {:?} instead of {:?}", self.totals, last.totals)));
        }
        if self.hash.clone().finish() != last.sha256 {
            return Err(self.damage("the checksum is another one, so something was changed"));
        }
        let mut more = [0];
        match self.input.read(&mut more) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.damage("the file goes on behind its last line")),
            Err(error) => Err(self.damage(format!("cannot be read: {error}"))),
        }
    }

    /// Reads a line with its end.
    fn text(&mut self) -> Result<String, Damage> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(LINE).unwrap_or(u64::MAX);
        let read = (&mut self.input).take(limit).read_until(b'\n', &mut bytes);
        self.line += 1;
        read.map_err(|error| self.damage(format!("cannot be read: {error}")))?;
        if bytes.last() != Some(&b'\n') {
            let what =
                if bytes.len() == LINE { "is too long" } else { "its end is missing, so the file is cut" };
            return Err(self.damage(what));
        }
        String::from_utf8(bytes).map_err(|_odd| self.damage("is no text"))
    }

    fn damage(&self, what: impl Into<String>) -> Damage {
        Damage { line: self.line, what: what.into() }
    }
}

#[cfg(test)]
mod tests;
