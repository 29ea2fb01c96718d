//! What callers and the writer share: the file, the batch that gathers, the batch that is being written, and what is durable.

use crate::batch::Batch;
use netweave_memory::{Publication, Signals};
use netweave_model::port::Clock;
use netweave_model::{Error, ErrorKind, Retry, Timestamp};
use redb::Database;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How many operations a batch waits for at most.
const GATHER_OPERATIONS: usize = 64;

/// How long a batch waits for further operations while several callers write.
const GATHER_TIME: Duration = Duration::from_millis(2);

/// How far the file is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// Batches up to this ticket are durable.
    pub(crate) through: u64,
    /// A write or read failed: nothing more is taken.
    pub(crate) failed: bool,
}

/// The batches that are not durable yet.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "three facts that come true one by one, in any order")]
pub(crate) struct Batches {
    pub(crate) pending: Batch,
    pub(crate) in_flight: Option<Arc<Batch>>,
    /// How many batches the writer has taken; the pending one's ticket is one higher.
    taken: u64,
    /// The writer is to finish and end.
    closing: bool,
    /// The last batch is taken. There always is one, for the time at which the store was closed.
    sealed: bool,
    /// Nothing more is written: an operation may have been cut off half-way.
    failed: bool,
}

/// See the head of the file.
pub(crate) struct Shared {
    pub(crate) database: Database,
    pub(crate) progress: watch::Sender<Progress>,
    batches: Mutex<Batches>,
    work: Condvar,
    signals: Arc<Signals>,
    clock: Arc<dyn Clock>,
}

impl Shared {
    pub(crate) fn new(database: Database, signals: Arc<Signals>, clock: Arc<dyn Clock>) -> Self {
        Self {
            database,
            progress: watch::Sender::default(),
            batches: Mutex::default(),
            work: Condvar::new(),
            signals,
            clock,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Batches> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over the effects of one operation; returns the ticket of the batch that holds all it wrote or saw.
    pub(crate) fn settle(&self, effects: Batch, publication: Publication) -> u64 {
        let mut batches = self.lock();
        if batches.failed {
            return batches.taken + 1;
        }
        let idle = batches.pending.is_empty() && batches.in_flight.is_none();
        if effects.is_empty() {
            batches.pending.merge(effects);
            if idle {
                self.signals.publish(&publication);
            } else {
                batches.pending.publish_later(publication);
            }
        } else {
            batches.pending.merge(effects);
            batches.pending.operations += 1;
            batches.pending.publish_later(publication);
            self.work.notify_one();
        }
        if batches.pending.is_empty() { batches.taken } else { batches.taken + 1 }
    }

    /// Waits for the next batch; `None` once the store is closing and everything is written.
    ///
    /// While several callers write (`company`), waits a little for more to come.
    pub(crate) fn next_batch(&self, company: bool) -> Option<(Arc<Batch>, u64)> {
        let mut batches = self.lock();
        while batches.pending.is_empty() && !batches.closing {
            batches = self.work.wait(batches).unwrap_or_else(PoisonError::into_inner);
        }
        if batches.failed || (batches.sealed && batches.pending.is_empty()) {
            return None;
        }
        batches.sealed = batches.closing;
        if company && !batches.closing {
            let few =
                |batches: &mut Batches| batches.pending.operations < GATHER_OPERATIONS && !batches.closing;
            let gathered = self.work.wait_timeout_while(batches, GATHER_TIME, few);
            batches = gathered.unwrap_or_else(PoisonError::into_inner).0;
        }
        let batch = Arc::new(std::mem::take(&mut batches.pending));
        batches.in_flight = Some(Arc::clone(&batch));
        batches.taken += 1;
        Some((batch, batches.taken))
    }

    /// Makes a written batch visible, then answers its callers.
    pub(crate) fn written(&self, batch: &Batch, ticket: u64) {
        let mut batches = self.lock();
        batches.in_flight = None;
        if let Some(publication) = &batch.publication {
            self.signals.publish(publication);
        }
        if batches.pending.is_empty()
            && let Some(publication) = batches.pending.publication.take()
        {
            self.signals.publish(&publication);
        }
        self.progress.send_modify(|progress| progress.through = ticket);
    }

    /// Closes the store for good: what memory holds may not be what the file holds.
    pub(crate) fn fail(&self, error: &redb::Error) -> Error {
        let first = self.progress.send_if_modified(|progress| !std::mem::replace(&mut progress.failed, true));
        if first {
            tracing::error!(%error, "the state file failed, so the store is closed until the next start");
            let mut batches = self.lock();
            batches.failed = true;
            batches.closing = true;
            drop(batches);
            self.signals.close();
            self.work.notify_one();
        }
        closed().with_private(error.to_string())
    }

    /// Tells the writer to finish and end.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_one();
    }
}

/// The error of every operation after a failure.
pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Unavailable, "the state store is closed").with_retry(Retry::Later)
}
