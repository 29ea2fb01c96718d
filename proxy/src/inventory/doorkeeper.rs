//! What was asked for lately, as a few bytes for each question.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Questions of one row, the newest first; a further one pushes out the oldest.
const WAYS: usize = 4;
/// How many questions are remembered at least, and at most.
const PLACES: (usize, usize) = (4096, 1 << 20);

/// Remembers questions by their hashes; two that share one are taken for the same, which a secret key makes as good as
/// never.
pub(super) struct Doorkeeper {
    rows: Box<[[AtomicU64; WAYS]]>,
    key: RandomState,
}

impl Doorkeeper {
    /// Makes one that remembers about so many questions.
    pub(super) fn new(questions: usize) -> Self {
        let rows = questions.clamp(PLACES.0, PLACES.1).div_ceil(WAYS);
        let rows = (0..rows).map(|_| Default::default()).collect();
        Self { rows, key: RandomState::new() }
    }

    /// Notes a question; returns whether it was noted before and is remembered still.
    pub(super) fn again(&self, question: &impl Hash) -> bool {
        let hash = self.key.hash_one(question);
        let row = usize::try_from(hash % self.rows.len() as u64).unwrap_or_default();
        let Some(row) = self.rows.get(row) else { return false };
        if row.iter().any(|place| place.load(Ordering::Relaxed) == hash) {
            return true;
        }
        row.iter().fold(hash, |newer, place| place.swap(newer, Ordering::Relaxed));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_remembered_until_others_take_its_place() {
        let keeper = Doorkeeper::new(0);
        assert!(!keeper.again(&"a"));
        assert!(!keeper.again(&"b"));
        assert!(keeper.again(&"a"));
        assert!((0..PLACES.0 * 100).all(|other| !keeper.again(&other)), "each of them is another one");
        assert!(!keeper.again(&"a"));
    }

    #[test]
    fn nearly_all_of_a_quarter_as_many_as_there_are_places_are_remembered_together() {
        let keeper = Doorkeeper::new(0);
        let round = || (0..PLACES.0 / 4).filter(|question| keeper.again(question)).count();
        assert!((0..PLACES.0).all(|other| !keeper.again(&format!("before {other}"))));
        assert_eq!(round(), 0);
        assert!(round() > PLACES.0 / 4 * 9 / 10);
    }
}
