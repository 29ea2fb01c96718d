//! One source as reads see it: what it offers, how fresh each kind is, and what is wanted of it.

use super::feed::Feed;
use super::per_kind::PerKind;
use super::sources::SourceState;
use netweave_model::port::Ids;
use netweave_model::{Kind, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Least time between two lists of one kind, whatever is asked: absent objects must not make a call storm.
pub(super) const PAUSE: Duration = Duration::from_secs(5);

/// The time of what is not wanted.
const NOT_WANTED: i64 = i64::MIN;

/// How well what is known of a collection can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// How long ago the least fresh source confirmed it; `None` if every source is watched live.
    pub age: Option<Duration>,
    /// A source fails, was never read, or is older than its lifetime.
    pub stale: bool,
}

/// One source with what is wanted of it.
pub(super) struct Line {
    pub(super) feed: Arc<Feed>,
    pub(super) offers: Vec<Kind>,
    pub(super) slots: PerKind<Slot>,
    /// Wakes the filler.
    pub(super) work: Notify,
}

/// What is wanted of one kind, and what came of it the last time.
pub(super) struct Slot {
    /// When a list was last wanted, in milliseconds; [`NOT_WANTED`] while none is.
    wanted_at: AtomicI64,
    failed: AtomicBool,
    /// Readers have waited for the first list in vain.
    overdue: AtomicBool,
    /// When the latest list ended, well or not, in milliseconds.
    ended_at: AtomicI64,
    /// Stretches the lifetime by up to a tenth either way, so that pods and kinds do not ask in step; per thousand.
    jitter: AtomicI32,
}

impl Line {
    pub(super) fn new(feed: Arc<Feed>, ids: &dyn Ids) -> Self {
        let offers = feed.backend.capabilities().kinds.clone();
        Self { feed, offers, slots: PerKind::from_fn(|_| Slot::new(ids)), work: Notify::new() }
    }

    /// Says how fresh a kind is, and asks for it if it is older than its lifetime.
    pub(super) fn freshness(
        &self,
        state: &SourceState,
        kind: Kind,
        now: Timestamp,
        lifetime: Duration,
    ) -> Freshness {
        if state.live {
            return Freshness::default();
        }
        let Some(confirmed) = *state.kinds.get(kind) else { return Freshness { age: None, stale: true } };
        let age = now.since(confirmed);
        if age > self.slots.get(kind).stretch(lifetime) {
            self.want(kind, now);
        }
        Freshness { age: Some(age), stale: state.fails(kind) || age > lifetime }
    }

    /// Asks the filler for a list; asking again before it is made changes nothing.
    pub(super) fn want(&self, kind: Kind, now: Timestamp) {
        if self.slots.get(kind).want(now) {
            self.feed.causes().ask();
            self.work.notify_one();
        }
    }

    /// Forgets what was wanted before the source confirmed it: a look that was under way then has answered that, too. A time
    /// that lies ahead is of a clock that was set back, and answers nothing.
    pub(super) fn forget_met(&self, now: Timestamp) {
        let Some(state) = self.feed.desk().sources.state(&self.feed.name) else { return };
        for (kind, slot) in self.slots.iter() {
            let confirmed = state.kinds.get(kind).filter(|confirmed| *confirmed <= now);
            if confirmed.is_some_and(|confirmed| slot.forget_before(confirmed)) {
                self.feed.desk().catalog.ring();
            }
        }
    }
}

impl Slot {
    fn new(ids: &dyn Ids) -> Self {
        Self {
            wanted_at: AtomicI64::new(NOT_WANTED),
            failed: AtomicBool::new(false),
            overdue: AtomicBool::new(false),
            ended_at: AtomicI64::new(i64::MIN),
            jitter: AtomicI32::new(jitter(ids)),
        }
    }

    /// Wants a list; `false` if one was wanted already.
    fn want(&self, now: Timestamp) -> bool {
        self.wanted_at.fetch_max(now.0, Ordering::AcqRel) == NOT_WANTED
    }

    /// Returns whether a list is wanted.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted_at.load(Ordering::Acquire) != NOT_WANTED
    }

    /// Wants no list any more if it was last wanted before then; `false` if none was.
    fn forget_before(&self, then: Timestamp) -> bool {
        let met = |at| (at != NOT_WANTED && at < then.0).then_some(NOT_WANTED);
        self.wanted_at.fetch_update(Ordering::AcqRel, Ordering::Acquire, met).is_ok()
    }

    /// Returns whether nobody should wait for the first list: the latest try failed, or it has been waited for in vain.
    pub(super) fn is_passed_over(&self) -> bool {
        self.failed.load(Ordering::Acquire) || self.overdue.load(Ordering::Acquire)
    }

    /// Has nobody wait for the first list any more.
    pub(super) fn pass_over(&self) {
        self.overdue.store(true, Ordering::Release);
    }

    /// Notes that the first list is there: should it get lost with the store, the next one is waited for again.
    pub(super) fn arrived(&self) {
        if self.overdue.load(Ordering::Acquire) {
            self.overdue.store(false, Ordering::Release);
        }
    }

    /// Returns whether it is too early for the next list. A time that lies ahead is of a clock that was set back.
    pub(super) fn rests(&self, now: Timestamp) -> bool {
        let ended_at = Timestamp(self.ended_at.load(Ordering::Acquire));
        ended_at <= now && now.since(ended_at) < PAUSE
    }

    /// Keeps what came of a list; nothing is wanted any more.
    pub(super) fn settle(&self, ended_at: Timestamp, failed: bool, ids: &dyn Ids) {
        self.ended_at.store(ended_at.0, Ordering::Release);
        self.failed.store(failed, Ordering::Release);
        self.jitter.store(jitter(ids), Ordering::Release);
        self.wanted_at.store(NOT_WANTED, Ordering::Release);
    }

    fn stretch(&self, lifetime: Duration) -> Duration {
        let factor = f64::from(1000 + self.jitter.load(Ordering::Acquire)) / 1000.0;
        lifetime.mul_f64(factor.max(0.0))
    }
}

/// Draws a number of thousandths between -100 and 100.
fn jitter(ids: &dyn Ids) -> i32 {
    let draw = ids.uuid().as_u128() % 201;
    i32::try_from(draw).unwrap_or(100) - 100
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::fakes::FakeIds;

    #[test]
    fn lifetimes_stretch_by_a_tenth_at_most() {
        let ids = FakeIds::new();
        let slots: Vec<_> = (0..1000).map(|_| Slot::new(&*ids).stretch(Duration::from_secs(30))).collect();
        let (least, most) = (slots.iter().min().unwrap(), slots.iter().max().unwrap());
        assert_eq!((*least, *most), (Duration::from_secs(27), Duration::from_secs(33)));
    }

    #[test]
    fn a_slot_rests_after_a_list_and_not_before_the_first() {
        let ids = FakeIds::new();
        let slot = Slot::new(&*ids);
        assert!(!slot.rests(Timestamp(0)));
        slot.settle(Timestamp(1000), true, &*ids);
        assert!(slot.rests(Timestamp(5999)) && !slot.rests(Timestamp(6000)) && slot.is_passed_over());
        assert!(slot.rests(Timestamp(1000)) && !slot.rests(Timestamp(999)));
    }
}
