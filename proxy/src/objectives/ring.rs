//! Readings of the past, oldest dropped first; all room is taken at the start.

use std::collections::VecDeque;
use std::time::Duration;

/// So many readings at most, each with the age of the process when it was taken, ascending.
pub(super) struct Ring<T> {
    slots: VecDeque<(Duration, T)>,
    most: usize,
}

impl<T> Ring<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { slots: VecDeque::with_capacity(most), most }
    }

    /// Keeps a reading, instead of the oldest if there is no room.
    pub(super) fn push(&mut self, at: Duration, reading: T) {
        if self.slots.len() >= self.most {
            self.slots.pop_front();
        }
        self.slots.push_back((at, reading));
    }

    /// Returns when the latest reading was taken.
    pub(super) fn latest(&self) -> Option<Duration> {
        self.slots.back().map(|(at, _)| *at)
    }

    /// Returns the latest reading that is no younger than a time, or the oldest.
    pub(super) fn before(&self, at: Duration) -> Option<&(Duration, T)> {
        let later = self.slots.partition_point(|(taken, _)| *taken <= at);
        self.slots.get(later.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_reading_makes_room_and_stands_in_for_what_is_gone() {
        let mut ring = Ring::new(3);
        assert!(ring.before(Duration::ZERO).is_none());
        for second in [0, 10, 20, 30] {
            ring.push(Duration::from_secs(second), second);
        }
        let before = |second| ring.before(Duration::from_secs(second)).map(|(_, reading)| *reading);
        assert_eq!(
            [before(5), before(10), before(19), before(20), before(99)].map(Option::unwrap),
            [10, 10, 10, 20, 30]
        );
        assert_eq!(ring.slots.len(), 3);
    }
}
