//! The steps of the random sequences.

use netweave_model::port::Change;
use netweave_model::{Id, Kind, ObjectKey};
use netweave_tests::conformance::stores::object;
use proptest::collection::vec;
use proptest::prelude::*;

/// The sources of all commits.
pub(crate) const SOURCES: [&str; 2] = ["lab", "edge"];
const KINDS: [Kind; 2] = [Kind::ResourcePool, Kind::Resource];
const IDS: [&str; 4] = ["a", "b", "c", "d"];

/// One step; numbers choose among what is there.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Commit(usize, Vec<Change>),
    TakeOver(usize),
    Create(usize, usize),
    Update(usize, Option<usize>, Option<usize>, Option<bool>),
    Renew(usize, Option<u64>),
    Delete(usize),
    Sweep,
    Wait(u64),
    FanOut(u64, u64),
    Enqueue(usize),
    Take,
    Answer(usize, Answer),
    Replay(usize, u64),
    Trim(u64),
    Acquire(usize, usize),
    Reopen,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Delivered,
    Deferred,
    Dead,
    Released,
    Postponed,
}

fn change() -> impl Strategy<Value = Change> {
    let kind = || prop::sample::select(&KINDS[..]);
    let id = || prop::sample::select(&IDS[..]);
    let upsert =
        (kind(), id(), 0..3_u8).prop_map(|(kind, id, n)| Change::Upsert(object(kind, id, &n.to_string())));
    let delete = (kind(), id()).prop_map(|(kind, id)| Change::Delete(ObjectKey { kind, id: Id::from(id) }));
    prop_oneof![
        6 => upsert,
        2 => delete,
        2 => kind().prop_map(Change::Reset),
        2 => kind().prop_map(Change::Synced),
        1 => Just(Change::Heartbeat),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        5 => Just(Answer::Delivered),
        2 => Just(Answer::Deferred),
        2 => Just(Answer::Dead),
        1 => Just(Answer::Released),
        1 => Just(Answer::Postponed),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let update = (
        0..5_usize,
        prop::option::of(0..4_usize),
        prop::option::of(0..2_usize),
        prop::option::of(any::<bool>()),
    );
    prop_oneof![
        8 => (0..2_usize, vec(change(), 1..6)).prop_map(|(source, changes)| Step::Commit(source, changes)),
        1 => (0..2_usize).prop_map(Step::TakeOver),
        4 => (0..2_usize, 0..4_usize).prop_map(|(owner, callback)| Step::Create(owner, callback)),
        2 => update.prop_map(|(pick, callback, filter, active)| Step::Update(pick, callback, filter, active)),
        1 => (0..5_usize, prop::option::of(1..90_u64)).prop_map(|(pick, lease)| Step::Renew(pick, lease)),
        1 => (0..5_usize).prop_map(Step::Delete),
        1 => Just(Step::Sweep),
        3 => (0..30_000_u64).prop_map(Step::Wait),
        6 => (any::<u64>(), 1..6_u64).prop_map(|(mask, max)| Step::FanOut(mask, max)),
        1 => (0..5_usize).prop_map(Step::Enqueue),
        6 => Just(Step::Take),
        9 => (0..5_usize, answer()).prop_map(|(pick, answer)| Step::Answer(pick, answer)),
        1 => (0..5_usize, 0..8_u64).prop_map(|(pick, from)| Step::Replay(pick, from)),
        1 => (0..60_u64).prop_map(Step::Trim),
        1 => (0..2_usize, 0..2_usize).prop_map(|(name, holder)| Step::Acquire(name, holder)),
        2 => Just(Step::Reopen),
    ]
}
