use super::*;
use crate::error::{ErrorKind, Retry};
use futures::executor::block_on;
use std::cell::RefCell;
use std::sync::atomic::{AtomicI64, Ordering};

const REST: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl Hands {
    fn turn(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

fn parts() -> (Arc<Hands>, Parts<&'static str, u32>) {
    let hands = Arc::new(Hands::default());
    (Arc::clone(&hands), Parts::new(hands, REST))
}

fn away() -> Result<u32> {
    Err(Error::new(ErrorKind::Unavailable, "away"))
}

/// Reads parts with these outcomes; returns what is seen, and which were asked.
fn read(
    parts: &Parts<&'static str, u32>,
    outcomes: Vec<(&'static str, Result<u32>)>,
) -> (Result<Seen<&'static str, u32>>, Vec<&'static str>) {
    let asked = RefCell::new(Vec::new());
    let calls = outcomes.into_iter().map(|(key, outcome)| {
        let asked = &asked;
        (key, async move {
            asked.borrow_mut().push(key);
            outcome
        })
    });
    let seen = block_on(parts.read(calls.collect(), 2));
    (seen, asked.into_inner())
}

fn values(seen: &Seen<&'static str, u32>) -> Vec<(&'static str, u32, bool)> {
    seen.parts.iter().map(|part| (part.key, *part.value, part.fresh)).collect()
}

#[test]
fn a_part_that_fails_is_what_it_was_and_the_others_are_read() {
    let (_, parts) = parts();
    assert!(read(&parts, vec![("a", Ok(1)), ("b", Ok(1))]).0.unwrap().gap.is_none());
    let seen = read(&parts, vec![("a", away()), ("b", Ok(2))]).0.unwrap();
    assert_eq!(values(&seen), [("a", 1, false), ("b", 2, true)]);
    assert!(seen.gap.unwrap().bridged);
}

#[test]
fn a_part_that_was_never_read_is_a_gap_without_a_bridge() {
    let (_, parts) = parts();
    let seen = read(&parts, vec![("a", away()), ("b", Ok(1))]).0.unwrap();
    assert_eq!(values(&seen), [("b", 1, true)]);
    assert!(!seen.gap.unwrap().bridged);
}

#[test]
fn a_part_that_fails_rests_longer_each_time_and_is_well_at_once() {
    let (hands, parts) = parts();
    let outcomes = |a| vec![("a", a), ("b", Ok(1))];
    assert_eq!(read(&parts, outcomes(away())).1, ["a", "b"]);
    hands.turn(REST / 2);
    let (seen, asked) = read(&parts, outcomes(Ok(1)));
    assert_eq!((asked, seen.unwrap().gap.unwrap().error.public()), (vec!["b"], "away"));
    hands.turn(REST / 2);
    assert_eq!(read(&parts, outcomes(away())).1, ["a", "b"]);
    hands.turn(REST);
    assert_eq!(read(&parts, outcomes(away())).1, ["b"], "it rests for twice as long");
    hands.turn(REST);
    assert!(read(&parts, outcomes(Ok(1))).0.unwrap().gap.is_none());
    assert_eq!(read(&parts, outcomes(away())).1, ["a", "b"]);
    hands.turn(REST);
    assert_eq!(read(&parts, outcomes(away())).1, ["a", "b"], "it began anew");
}

#[test]
fn a_pause_that_a_part_asks_for_is_kept() {
    let (hands, parts) = parts();
    let pause = Retry::After(REST * 3);
    let busy = Err(Error::new(ErrorKind::RateLimited, "busy").with_retry(pause));
    read(&parts, vec![("a", busy), ("b", Ok(1))]).0.unwrap();
    hands.turn(REST * 2);
    assert_eq!(read(&parts, vec![("a", Ok(1)), ("b", Ok(1))]).1, ["b"]);
    hands.turn(REST);
    assert_eq!(read(&parts, vec![("a", Ok(1)), ("b", Ok(1))]).1, ["a", "b"]);
}

#[test]
fn if_all_fail_all_has_failed_and_nothing_rests() {
    let (_, parts) = parts();
    read(&parts, vec![("a", away()), ("b", Ok(1))]).0.unwrap();
    let refused = Err(Error::new(ErrorKind::Forbidden, "refused"));
    let (outcome, asked) = read(&parts, vec![("a", Ok(1)), ("b", refused)]);
    assert_eq!((asked, outcome.unwrap_err().kind()), (vec!["b"], ErrorKind::Forbidden), "what was met now");
    let (seen, asked) = read(&parts, vec![("a", Ok(1)), ("b", away())]);
    assert_eq!((asked, values(&seen.unwrap())), (vec!["a", "b"], vec![("a", 1, true), ("b", 1, false)]));
}

#[test]
fn a_part_that_is_no_part_any_more_is_forgotten() {
    let (_, parts) = parts();
    read(&parts, vec![("a", Ok(1)), ("b", Ok(1))]).0.unwrap();
    assert_eq!(values(&read(&parts, vec![("b", Ok(2))]).0.unwrap()), [("b", 2, true)]);
    let seen = read(&parts, vec![("a", away()), ("b", Ok(2))]).0.unwrap();
    assert_eq!(values(&seen), [("b", 2, true)]);
}
