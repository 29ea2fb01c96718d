//! The queue between requests and the writer: bounded in records and bytes, and cheap to put into.
//!
//! Putting in takes a lock that is held for a few instructions. The writer is woken for the first of a batch and for what
//! somebody waits for; what comes while it lingers costs no waking.

use super::entry::Entry;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Most records that wait for the writer.
const MAX_RECORDS: usize = 8192;
/// Most bytes that wait for the writer, bodies included.
const MAX_BYTES: usize = 64 << 20;
/// Records for which there is always memory: what comes while the writer lingers, at 100,000 requests per second.
const KEPT: usize = 512;
/// How long the writer waits for more after the first record, unless somebody waits for one.
pub(super) const LINGER: Duration = Duration::from_millis(5);

/// A record that waits, with who waits for it.
#[derive(Debug)]
pub(super) struct Item {
    /// What is to be recorded.
    pub(super) entry: Entry,
    /// Told when the record is safe; dropped if it cannot be.
    pub(super) waiter: Option<oneshot::Sender<()>>,
}

/// What the writer takes at once.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// The records, in the order in which they came.
    pub(super) items: Vec<Item>,
    /// How many were refused since the last time.
    pub(super) lost: u64,
    /// Whether nothing will come any more.
    pub(super) closed: bool,
}

#[derive(Debug, Default)]
struct State {
    taken: Taken,
    bytes: usize,
    urgent: bool,
}

/// The queue.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    linger: Duration,
}

impl Queue {
    /// Makes a queue whose writer waits so long for more.
    pub(super) fn new(linger: Duration) -> Self {
        Self { state: Mutex::default(), ready: Condvar::new(), linger }
    }

    /// Puts something in; `false` if there is no room, or the queue is closed.
    pub(super) fn put(&self, item: Item) -> bool {
        let weight = item.entry.weight();
        let mut state = self.lock();
        let full = state.taken.items.len() >= MAX_RECORDS || state.bytes + weight > MAX_BYTES;
        if full || state.taken.closed {
            state.taken.lost += 1;
            return false;
        }
        let first = state.taken.items.is_empty();
        let urgent = item.waiter.is_some() && !state.urgent;
        state.bytes += weight;
        state.urgent |= urgent;
        state.taken.items.push(item);
        drop(state);
        if first || urgent {
            self.ready.notify_one();
        }
        true
    }

    /// Says that nothing will come any more.
    pub(super) fn close(&self) {
        self.lock().taken.closed = true;
        self.ready.notify_one();
    }

    /// Waits until there is something, or until `deadline`; blocks. What was taken before gives its memory, for whoever puts in
    /// next need not ask for any.
    pub(super) fn take(&self, deadline: Instant, mut before: Taken) -> Taken {
        before.items.clear();
        before.items.shrink_to(KEPT);
        let nothing = |state: &mut State| state.taken.items.is_empty() && !state.taken.closed;
        let patience = deadline.saturating_duration_since(Instant::now());
        let waited = self.ready.wait_timeout_while(self.lock(), patience, nothing);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let calm = |state: &mut State| {
            let half_full = state.taken.items.len() > MAX_RECORDS / 2 || state.bytes > MAX_BYTES / 2;
            !state.urgent && !state.taken.closed && !half_full
        };
        let linger = if state.taken.items.is_empty() { Duration::ZERO } else { self.linger };
        let waited = self.ready.wait_timeout_while(state, linger, calm);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let closed = state.taken.closed;
        (state.bytes, state.urgent) = (0, false);
        std::mem::replace(&mut state.taken, Taken { items: before.items, lost: 0, closed })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Event;
    use netweave_model::Timestamp;

    fn item(waiter: Option<oneshot::Sender<()>>) -> Item {
        Item { entry: Entry::Event(Box::new(Event::new("test", Timestamp(0)))), waiter }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    #[test]
    fn what_does_not_fit_is_counted_and_told_to_the_writer() {
        let queue = Queue::new(Duration::ZERO);
        let fit = (0..MAX_RECORDS + 3).filter(|_| queue.put(item(None))).count();
        assert_eq!(fit, MAX_RECORDS);
        let taken = queue.take(soon(), Taken::default());
        assert_eq!((taken.items.len(), taken.lost, taken.closed), (MAX_RECORDS, 3, false));
        assert!(queue.put(item(None)));
        assert_eq!(queue.take(soon(), Taken::default()).lost, 0);
    }

    #[test]
    fn memory_goes_to_and_fro_but_not_that_of_a_burst() {
        let queue = Queue::new(Duration::ZERO);
        let fill = |count| (0..count).for_each(|_| assert!(queue.put(item(None))));
        fill(MAX_RECORDS);
        let burst = queue.take(soon(), Taken::default());
        fill(3);
        let few = queue.take(soon(), burst);
        assert_eq!(few.items.len(), 3);
        let place = queue.lock().taken.items.as_ptr();
        fill(KEPT);
        let kept = queue.take(soon(), few);
        assert_eq!((kept.items.len(), kept.items.as_ptr()), (KEPT, place));
        assert!(kept.items.capacity() < MAX_RECORDS);
    }

    #[test]
    fn what_somebody_waits_for_is_taken_without_lingering() {
        let queue = Queue::new(Duration::from_hours(1));
        let (sender, _receiver) = oneshot::channel();
        queue.put(item(None));
        queue.put(item(Some(sender)));
        assert_eq!(queue.take(soon(), Taken::default()).items.len(), 2);
    }

    #[test]
    fn a_closed_queue_gives_what_it_has_and_takes_nothing() {
        let queue = Queue::new(Duration::ZERO);
        queue.put(item(None));
        queue.close();
        assert!(!queue.put(item(None)));
        let taken = queue.take(soon(), Taken::default());
        assert_eq!((taken.items.len(), taken.closed), (1, true));
        assert!(queue.take(soon(), Taken::default()).closed);
    }

    #[test]
    fn without_records_the_writer_waits_until_its_deadline() {
        let queue = Queue::new(Duration::ZERO);
        let taken = queue.take(Instant::now() + Duration::from_millis(1), Taken::default());
        assert!(taken.items.is_empty() && !taken.closed);
    }
}
