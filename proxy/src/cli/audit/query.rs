//! Finds and prints records.

use super::{Export, Find, Reading, Tail, unreadable};
use crate::audit::archive::{self, Listing};
use crate::audit::keys::Secret;
use crate::audit::merged::{Entry, Merged};
use crate::audit::record::Record;
use crate::cli::out::{complain, tame};
use crate::cli::{Exit, Failure, Output, Process};
use netweave_model::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

/// Pause between two looks of `tail --follow`.
const LOOK: Duration = Duration::from_millis(500);

/// Conditions that all must hold.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Query {
    /// Not earlier than this (RFC 3339)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Earlier than this (RFC 3339)
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// What happened, such as `api.call` or `tls.handshake`
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// The identity or the common name of who did it
    #[arg(long, value_name = "NAME")]
    identity: Option<String>,
    /// The operation, such as `CreateSubscription`
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// The object
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The request
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// The status, or its first digit
    #[arg(long, value_name = "N")]
    status: Option<u16>,
}

/// The conditions in a form that is quick to check.
struct Conditions<'a> {
    query: &'a Query,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Query {
    fn parsed(&self) -> Result<Conditions<'_>, Failure> {
        let time = |text: &Option<String>| match text.as_deref() {
            None => Ok(None),
            Some(text) => Timestamp::parse(text).map(Some).ok_or_else(|| {
                Failure::new(Exit::Usage, format!("{text}: must be a time as RFC 3339 writes it"))
            }),
        };
        Ok(Conditions { query: self, since: time(&self.since)?, until: time(&self.until)? })
    }

    /// Returns what is told about the query in the record of the reading.
    pub(super) fn told(&self) -> Vec<(&'static str, Value)> {
        let texts = [
            ("since", &self.since),
            ("until", &self.until),
            ("event", &self.event),
            ("identity", &self.identity),
            ("operation", &self.operation),
            ("id", &self.id),
            ("requestId", &self.request_id),
        ];
        let told = texts.into_iter().filter_map(|(name, text)| Some((name, Value::from(text.clone()?))));
        told.chain(self.status.map(|status| ("status", Value::from(status)))).collect()
    }
}

impl Conditions<'_> {
    fn hold(&self, record: &Record<'_>) -> bool {
        let query = self.query;
        let at = Timestamp::parse(&record.time).unwrap_or_default();
        let is =
            |wanted: &Option<String>, value: Option<&str>| wanted.is_none() || wanted.as_deref() == value;
        let somebody = is(&query.identity, record.identity.as_deref())
            || is(&query.identity, record.common_name.as_deref());
        let status = query
            .status
            .is_none_or(|wanted| record.status.is_some_and(|is| is == wanted || is / 100 == wanted));
        self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
            && is(&query.event, Some(&record.event))
            && is(&query.operation, record.operation.as_deref())
            && is(&query.id, record.id.as_deref())
            && is(&query.request_id, record.request_id.as_deref())
            && somebody
            && status
    }
}

/// Does something with each record that conditions hold for; damage is told at the end.
fn each(
    (listing, secret): (Listing, Option<&Secret>),
    query: &Query,
    reading: &Reading,
    mut with: impl FnMut(Entry) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let conditions = query.parsed()?;
    let dir = &reading.folder.dir;
    let mut merged = Merged::new(listing, secret).map_err(|error| unreadable(dir, &error))?;
    for entry in merged.by_ref() {
        let entry = entry.map_err(|error| unreadable(dir, &error))?;
        if conditions.hold(&entry.record) {
            with(entry)?;
        }
    }
    if merged.damaged() == 0 {
        return Ok(Exit::Done);
    }
    complain(&format!("{} lines or files do not read; `netweave audit verify` says which", merged.damaged()));
    Ok(Exit::Damaged)
}

/// Prints records as they are found.
pub(super) fn print(find: &Find, process: &mut Process) -> Result<Exit, Failure> {
    find.query.parsed()?;
    let (listing, secret) = find.reading.begin("query", &find.query, process)?;
    each((listing, secret.as_ref()), &find.query, &find.reading, |entry| {
        show(&entry, find.reading.output, process)
    })
}

/// Writes the lines to a new file that only its owner may read.
pub(super) fn export(export: &Export, process: &mut Process) -> Result<Exit, Failure> {
    export.query.parsed()?;
    let (listing, secret) = export.reading.begin("export", &export.query, process)?;
    let failed = |error: &std::io::Error| {
        let exit =
            if error.kind() == std::io::ErrorKind::AlreadyExists { Exit::Conflict } else { Exit::Failed };
        Failure::new(exit, format!("{}: {error}", export.to.display()))
    };
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&export.to)
        .map_err(|error| failed(&error))?;
    let mut file = BufWriter::new(file);
    let mut count = 0_u64;
    let exit = each((listing, secret.as_ref()), &export.query, &export.reading, |entry| {
        count += 1;
        file.write_all(&entry.line).and_then(|()| file.write_all(b"\n")).map_err(|error| failed(&error))
    })?;
    file.flush().map_err(|error| failed(&error))?;
    process.out.line(&format!("{count} records"))?;
    Ok(exit)
}

/// Prints the latest records, and perhaps those to come.
pub(super) fn tail(tail: &Tail, process: &mut Process) -> Result<(), Failure> {
    let nothing = Query::default();
    let (listing, secret) = tail.reading.begin("tail", &nothing, process)?;
    let mut latest = VecDeque::new();
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    each((listing.clone(), secret.as_ref()), &nothing, &tail.reading, |entry| {
        seen.insert(entry.record.writer.to_string(), entry.record.seq);
        if latest.len() >= tail.lines {
            latest.pop_front();
        }
        latest.push_back(entry);
        latest.truncate(tail.lines);
        Ok(())
    })?;
    for entry in latest {
        show(&entry, tail.reading.output, process)?;
    }
    if !tail.follow {
        return Ok(());
    }
    let mut sizes = BTreeMap::new();
    loop {
        std::thread::sleep(LOOK);
        let new = grown(&tail.reading, &mut sizes, &seen)?;
        each((new, secret.as_ref()), &nothing, &tail.reading, |entry| {
            let known = seen.entry(entry.record.writer.to_string()).or_default();
            if entry.record.seq <= *known {
                return Ok(());
            }
            *known = entry.record.seq;
            show(&entry, tail.reading.output, process)
        })?;
    }
}

/// Lists the segments that have grown since the last look and may hold what was not seen.
fn grown(
    reading: &Reading,
    sizes: &mut BTreeMap<std::path::PathBuf, u64>,
    seen: &BTreeMap<String, u64>,
) -> Result<Listing, Failure> {
    let dir = &reading.folder.dir;
    let mut listing = archive::list(dir).map_err(|error| unreadable(dir, &error))?;
    for (writer, segments) in &mut listing.writers {
        let known = seen.get(writer).copied().unwrap_or(0);
        let passed = segments.iter().rposition(|segment| segment.first <= known + 1).unwrap_or(0);
        segments.drain(..passed);
        segments.retain(|segment| {
            let size = std::fs::metadata(&segment.path).map_or(0, |file| file.len());
            sizes.insert(segment.path.clone(), size) != Some(size)
        });
    }
    Ok(listing)
}

fn show(entry: &Entry, output: Output, process: &mut Process) -> Result<(), Failure> {
    match output {
        Output::Json => process.out.line(&String::from_utf8_lossy(&entry.line)),
        Output::Text => process.out.line(&tame(&text(&entry.record))),
    }
}

/// Writes a record for people: when, what, who, from where, and how it ended.
fn text(record: &Record<'_>) -> String {
    let who = record.identity.as_deref().or(record.common_name.as_deref()).unwrap_or("-");
    let from = record.source_ip.as_deref().unwrap_or("-");
    let what = record.operation.as_deref().or(record.route.as_deref()).unwrap_or("-");
    let mut text = format!("{} {}", record.time, record.event);
    let mut add = |part: &str| {
        text.push(' ');
        text.push_str(part);
    };
    if let Some(status) = record.status {
        let method = record.method.as_deref().unwrap_or("-");
        [method, what, &status.to_string(), who, from].into_iter().for_each(&mut add);
    } else {
        [who, from].into_iter().for_each(&mut add);
    }
    [&record.id, &record.reason].into_iter().filter_map(|part| part.as_deref()).for_each(&mut add);
    for (name, value) in record.detail.iter().filter(|(_, value)| !value.is_object() && !value.is_array()) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        add(&format!("{name}={value}"));
    }
    text
}
