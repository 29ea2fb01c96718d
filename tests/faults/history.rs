//! Whether what clients saw of a subscription could have come from one register that does one thing after the other.
//!
//! A value is what a subscription was created or replaced with. What was answered took effect at one moment between call
//! and answer. What was not answered, or with a 503, may take effect at any time after the call, or never. A history is
//! refused if no order of those moments explains all answers.
//!
//! The search is that of Wing and Gong with the memory that Lowe added to it.

use std::collections::HashSet;

/// What a client did with one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Create(u64),
    Replace(u64),
    Delete,
    /// A read, or a renewal, which changes nothing of the value; with the value that was shown.
    Read(u64),
    /// Any of them, answered by a 404.
    Absent,
}

/// An action of one client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) action: Action,
    /// Who answered, or was asked last.
    pub(crate) pod: usize,
    pub(crate) called: u64,
    /// When the answer came; without one it is not known whether it took effect.
    pub(crate) answered: Option<u64>,
}

/// A value; none while the subscription does not exist.
type Register = Option<u64>;

/// What is left to be explained, and the register's value then.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Point {
    /// By the operations' place in the history.
    done: Vec<bool>,
    value: Register,
}

/// Whether there is an order that explains the operations on one subscription, which does not exist at first.
pub(crate) fn is_explained(history: &[Operation]) -> bool {
    // A read that was not answered says nothing and does nothing.
    let told = |operation: &&Operation| {
        operation.answered.is_some() || !matches!(operation.action, Action::Read(_) | Action::Absent)
    };
    let history: Vec<Operation> = history.iter().filter(told).copied().collect();
    let mut seen = HashSet::new();
    let mut open = vec![Point { done: vec![false; history.len()], value: None }];
    while let Some(point) = open.pop() {
        if is_over(&history, &point) {
            return true;
        }
        for next in steps(&history, &point) {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    false
}

/// Whether all answers are explained.
fn is_over(history: &[Operation], point: &Point) -> bool {
    history.iter().zip(&point.done).all(|(operation, done)| *done || operation.answered.is_none())
}

/// What can come next: everything that was called before the first answer that is still to be explained.
fn steps(history: &[Operation], point: &Point) -> Vec<Point> {
    let left = || history.iter().enumerate().filter(|(n, _)| !point.done[*n]);
    let end = left().filter_map(|(_, operation)| operation.answered).min().unwrap_or(u64::MAX);
    let possible = left().filter(|(_, operation)| operation.called <= end);
    let step = |(n, operation): (usize, &Operation)| {
        let value = apply(operation.action, point.value)?;
        let mut done = point.done.clone();
        done[n] = true;
        Some(Point { done, value })
    };
    possible.filter_map(step).collect()
}

/// The register's value after an action; `None` if the answer does not fit its value before.
fn apply(action: Action, value: Register) -> Option<Register> {
    match (action, value) {
        (Action::Create(new), None) | (Action::Replace(new), Some(_)) => Some(Some(new)),
        (Action::Read(shown), Some(is)) if shown == is => Some(value),
        (Action::Delete, Some(_)) | (Action::Absent, None) => Some(None),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(action: Action, called: u64, answered: u64) -> Operation {
        Operation { action, pod: 0, called, answered: Some(answered) }
    }

    fn lost(action: Action, called: u64) -> Operation {
        Operation { action, pod: 0, called, answered: None }
    }

    const CREATED: Operation = Operation { action: Action::Create(1), pod: 0, called: 0, answered: Some(1) };

    #[test]
    fn one_after_the_other_must_fit() {
        let replaced = answered(Action::Replace(2), 2, 3);
        assert!(is_explained(&[CREATED, replaced, answered(Action::Read(2), 4, 5)]));
        assert!(!is_explained(&[CREATED, replaced, answered(Action::Read(1), 4, 5)]), "a stale read");
        assert!(!is_explained(&[CREATED, answered(Action::Absent, 2, 3)]), "an acknowledged one is lost");
        let deleted = answered(Action::Delete, 2, 3);
        assert!(is_explained(&[CREATED, deleted, answered(Action::Absent, 4, 5)]));
        assert!(!is_explained(&[CREATED, deleted, answered(Action::Read(1), 4, 5)]), "a deleted one is back");
        assert!(!is_explained(&[CREATED, deleted, answered(Action::Delete, 4, 5)]), "deleted twice");
        assert!(!is_explained(&[CREATED, deleted, answered(Action::Replace(2), 4, 5)]));
    }

    #[test]
    fn what_overlaps_may_have_come_in_either_order() {
        let (two, three) = (answered(Action::Replace(2), 2, 6), answered(Action::Replace(3), 3, 5));
        for last in [2, 3] {
            assert!(is_explained(&[CREATED, two, three, answered(Action::Read(last), 7, 8)]), "{last}");
        }
        assert!(!is_explained(&[CREATED, two, three, answered(Action::Read(1), 7, 8)]));
        let (first, second) = (answered(Action::Read(3), 7, 8), answered(Action::Read(2), 9, 10));
        assert!(!is_explained(&[CREATED, two, three, first, second]), "they cannot change places again");
    }

    #[test]
    fn what_was_not_answered_happened_later_or_never() {
        let two = lost(Action::Replace(2), 2);
        let (old, new) = (answered(Action::Read(1), 4, 5), answered(Action::Read(2), 6, 7));
        assert!(is_explained(&[CREATED, two, old]));
        assert!(is_explained(&[CREATED, two, old, new]));
        assert!(!is_explained(&[CREATED, two, new, answered(Action::Read(1), 8, 9)]), "it cannot be undone");
        assert!(
            !is_explained(&[CREATED, answered(Action::Read(2), 2, 3), lost(Action::Replace(2), 4)]),
            "not before the call"
        );
        let gone = answered(Action::Absent, 6, 7);
        assert!(is_explained(&[CREATED, lost(Action::Delete, 2), gone]));
        assert!(is_explained(&[CREATED, lost(Action::Read(9), 2), old]));
        assert!(!is_explained(&[CREATED, two, gone]));
    }

    #[test]
    fn many_that_were_not_answered_are_soon_decided() {
        let mut history = vec![CREATED];
        history.extend((0..12).map(|n| lost(Action::Replace(10 + n), 2 + n)));
        assert!(is_explained(&history));
        history.push(answered(Action::Read(99), 50, 51));
        assert!(!is_explained(&history));
    }
}
