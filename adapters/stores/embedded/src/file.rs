//! The backing in a file: effects go to the writer, reads see what is on its way there.

use crate::batch::Batch;
use crate::codec::{decode_entry, decode_event, decode_row, kind_code, kind_of};
use crate::shared::{Shared, closed};
use crate::tables::{BODIES, ENTRIES, ROWS};
use crate::writer;
use netweave_memory::{Backing, Fact, FactKey, Fingerprint, Gate, Publication, RowsReader, Urgency};
use netweave_model::{Entry, Error, Event, Id, Object, ObjectKey, Result, SourceName, Timestamp};
use redb::{ReadTransaction, ReadableDatabase};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

/// How many bytes of queued events are kept in memory, so that a fan-out need not be read back.
const RECENT_BYTES: usize = 2 * 1024 * 1024;

/// What an event weighs besides its objects.
const EVENT_BYTES: usize = 512;

/// Keeps the large data in the file and the record of the small data beside it.
pub struct File {
    shared: Arc<Shared>,
    /// The effects of the operation that is being decided.
    effects: Batch,
    recent: Recent,
    writer: Option<JoinHandle<()>>,
}

/// The gate of the file.
#[derive(Clone)]
pub struct Durable(Arc<Shared>);

/// Queued events that were written or read lately.
#[derive(Debug, Default)]
struct Recent {
    events: HashMap<u64, Arc<Event>>,
    order: VecDeque<u64>,
    bytes: usize,
}

impl File {
    pub(crate) fn new(shared: Arc<Shared>) -> Result<Self> {
        let writer = writer::spawn(Arc::clone(&shared)).map_err(|error| {
            Error::internal("the writer of the state file cannot start").with_source(error)
        })?;
        Ok(Self { shared, effects: Batch::default(), recent: Recent::default(), writer: Some(writer) })
    }

    /// Finds the latest effect on a place that is not in the file for sure.
    fn on_its_way<T>(&self, find: impl Fn(&Batch) -> Option<T>) -> Option<T> {
        find(&self.effects).or_else(|| {
            let batches = self.shared.lock();
            find(&batches.pending).or_else(|| batches.in_flight.as_deref().and_then(&find))
        })
    }

    /// Reads from the file; a fault closes the store.
    fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> std::result::Result<T, redb::Error>,
    ) -> Result<T> {
        let transaction = self.shared.database.begin_read().map_err(redb::Error::from);
        transaction.and_then(|transaction| read(&transaction)).map_err(|error| self.shared.fail(&error))
    }

    /// Closes the store if something that was read cannot be understood.
    fn understood<T>(&self, value: Result<T>) -> Result<T> {
        value.inspect_err(|error| {
            self.shared.fail(&redb::Error::Io(io::Error::other(error.to_string())));
        })
    }
}

impl Backing for File {
    type Gate = Durable;

    fn gate(&self) -> Durable {
        Durable(Arc::clone(&self.shared))
    }

    fn row(&mut self, source: &SourceName, key: &ObjectKey) -> Result<Option<Object>> {
        let place = (source.clone(), key.clone());
        if let Some(row) = self.on_its_way(|batch| batch.rows.get(&place).cloned()) {
            return Ok(row.map(|(object, _)| object));
        }
        let row = self.read(|transaction| {
            let table = transaction.open_table(ROWS)?;
            let row = table.get((source.as_str(), kind_code(key.kind), key.id.as_str()))?;
            Ok(row.map(|row| decode_row(key.clone(), row.value())))
        })?;
        row.map(|row| self.understood(row)).transpose()
    }

    fn rows(&mut self, source: &SourceName) -> Result<RowsReader> {
        let mut newer = BTreeMap::new();
        let batches = self.shared.lock();
        for batch in batches.in_flight.as_deref().into_iter().chain([&batches.pending, &self.effects]) {
            let rows = batch.rows.iter().filter(|((of, _), _)| of == source);
            newer.extend(
                rows.map(|((_, key), row)| (key.clone(), row.as_ref().map(|(object, _)| object.clone()))),
            );
        }
        // Under the lock: the batch in flight is either in the file already or above.
        let transaction = self.shared.database.begin_read();
        drop(batches);
        let transaction = transaction.map_err(|error| self.shared.fail(&error.into()))?;
        let source = source.clone();
        Ok(Box::new(move || read_rows(&transaction, &source, newer)))
    }

    fn put_row(&mut self, source: &SourceName, object: &Object, fingerprint: Fingerprint) {
        let place = (source.clone(), object.key.clone());
        self.effects.rows.insert(place, Some((object.clone(), fingerprint)));
    }

    fn drop_row(&mut self, source: &SourceName, key: &ObjectKey) {
        self.effects.rows.insert((source.clone(), key.clone()), None);
    }

    fn entries(&mut self, after: u64, limit: usize) -> Result<Vec<Entry>> {
        let from = after.saturating_add(1);
        let entries = self.read(|transaction| {
            let table = transaction.open_table(ENTRIES)?;
            let mut entries = Vec::new();
            for entry in table.range(from..)?.take(limit) {
                entries.push(decode_entry(entry?.1.value()));
            }
            Ok(entries)
        })?;
        self.understood(entries.into_iter().collect())
    }

    fn put_entry(&mut self, sequence: u64, at: Timestamp, entry: Entry) {
        self.effects.entries.insert(sequence, (at, entry));
    }

    fn drop_entries(&mut self, _first: u64, last: u64) {
        self.effects.trimmed = Some(last);
    }

    fn body(&mut self, number: u64) -> Result<Arc<Event>> {
        if let Some(event) = self.recent.events.get(&number) {
            return Ok(Arc::clone(event));
        }
        if let Some(Some(event)) = self.on_its_way(|batch| batch.bodies.get(&number).cloned()) {
            return Ok(event);
        }
        let event = self.read(|transaction| {
            let body = transaction.open_table(BODIES)?.get(number)?;
            Ok(body.map(|body| decode_event(body.value())))
        })?;
        let missing = || Err(crate::codec::damaged("a queued event is missing"));
        let event = Arc::new(self.understood(event.unwrap_or_else(missing))?);
        self.recent.insert(number, &event);
        Ok(event)
    }

    fn put_body(&mut self, number: u64, event: &Arc<Event>) {
        self.effects.bodies.insert(number, Some(Arc::clone(event)));
        self.recent.insert(number, event);
    }

    fn drop_body(&mut self, number: u64) {
        self.effects.bodies.insert(number, None);
    }

    fn record(&mut self, key: FactKey, fact: Option<Fact>, urgency: Urgency) {
        match urgency {
            Urgency::Now => {
                self.effects.lazy.remove(&key);
                self.effects.facts.insert(key, fact);
            }
            Urgency::Lazy => {
                self.effects.lazy.insert(key, fact);
            }
        }
    }

    fn settle(&mut self, publication: Publication) -> u64 {
        self.shared.settle(std::mem::take(&mut self.effects), publication)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.shared.close();
        if self.writer.take().is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the writer of the state file panicked");
        }
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").finish_non_exhaustive()
    }
}

impl Gate for Durable {
    fn check(&self) -> Result<()> {
        if self.0.progress.borrow().failed { Err(closed()) } else { Ok(()) }
    }

    async fn passed(&self, ticket: u64) -> Result<()> {
        let mut progress = self.0.progress.subscribe();
        let reached = progress.wait_for(|progress| progress.failed || progress.through >= ticket).await;
        let through = reached.map_err(|_gone| closed())?.through;
        if through >= ticket { Ok(()) } else { Err(closed()) }
    }
}

impl fmt::Debug for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Durable").finish_non_exhaustive()
    }
}

impl Recent {
    fn insert(&mut self, number: u64, event: &Arc<Event>) {
        self.bytes += weight(event);
        self.order.push_back(number);
        self.events.insert(number, Arc::clone(event));
        while self.bytes > RECENT_BYTES {
            let Some(oldest) = self.order.pop_front() else { return };
            if let Some(event) = self.events.remove(&oldest) {
                self.bytes -= weight(&event);
            }
        }
    }
}

fn weight(event: &Event) -> usize {
    let objects = [&event.prior, &event.post].into_iter().flatten();
    EVENT_BYTES + objects.map(bytes::Bytes::len).sum::<usize>()
}

/// Reads the rows of a source, with what was on its way when the transaction began laid over them.
fn read_rows(
    transaction: &ReadTransaction,
    source: &SourceName,
    newer: BTreeMap<ObjectKey, Option<Object>>,
) -> Result<Vec<Object>> {
    let failed = |error: redb::Error| closed().with_private(error.to_string());
    let table = transaction.open_table(ROWS).map_err(|error| failed(error.into()))?;
    let mut objects = Vec::new();
    for row in table.range((source.as_str(), 0, "")..).map_err(|error| failed(error.into()))? {
        let (place, row) = row.map_err(|error| failed(error.into()))?;
        let (of, kind, id) = place.value();
        if of != source.as_str() {
            break;
        }
        let key = ObjectKey { kind: kind_of(kind)?, id: Id::from(id) };
        if !newer.contains_key(&key) {
            objects.push(decode_row(key, row.value())?);
        }
    }
    if !newer.is_empty() {
        objects.extend(newer.into_values().flatten());
        objects.sort_by(|a, b| a.key.cmp(&b.key));
    }
    Ok(objects)
}
