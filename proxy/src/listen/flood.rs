//! Frames of an HTTP/2 connection that bring neither a request nor a body: who sends very many of them is cut off.
//!
//! The `h2` crate answers pings and settings, and takes priorities and window updates, without end. Each is small work,
//! but it is work for nobody. Resets, header blocks in pieces and data in shreds have bounds of its own as well.

use std::time::Instant;

/// Such frames that may come at once.
const BURST: u64 = 1000;
/// Such frames that may come each second beside.
const RATE: u64 = 100;
/// Such frames that a request brings with it.
const PER_REQUEST: u64 = 8;
/// Bytes of answers for which one more may come: clients open the window again with two for each few KiB.
const PER_WRITTEN: u64 = 1024;
/// A frame's header. Source: RFC 9113, section 4.1.
const HEADER: usize = 9;
/// Types of frames, and the flag that ends a stream. Source: RFC 9113, section 6.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const END_STREAM: u8 = 1;
/// Data that brings less than this costs more than it brings.
const SHRED: usize = 32;

/// Reads along with one connection, from the end of the preface on.
#[derive(Debug)]
pub(super) struct Frames {
    header: [u8; HEADER],
    /// How much of a header is there.
    have: usize,
    /// How much of a payload is to come.
    skip: usize,
    /// How many frames may come.
    left: u64,
    /// Since when `left` has not grown with the time.
    since: Instant,
    /// Bytes written for which nothing was added yet.
    written: u64,
}

impl Frames {
    /// Begins with a whole allowance.
    pub(super) fn new(now: Instant) -> Self {
        Self { header: [0; HEADER], have: 0, skip: 0, left: BURST, since: now, written: 0 }
    }

    /// Looks at bytes of the client; says whether they keep within the bound.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let payload = self.skip.min(bytes.len());
            self.skip -= payload;
            bytes = bytes.get(payload..).unwrap_or_default();
            let wanted = (HEADER - self.have).min(bytes.len());
            let (part, rest) = bytes.split_at(wanted);
            if let Some(place) = self.header.get_mut(self.have..self.have + wanted) {
                place.copy_from_slice(part);
            }
            self.have += wanted;
            bytes = rest;
            if self.have == HEADER && !self.frame() {
                return false;
            }
        }
        true
    }

    /// Notes bytes of ours that were written.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.written += bytes as u64;
        self.earn(self.written / PER_WRITTEN);
        self.written %= PER_WRITTEN;
    }

    fn frame(&mut self) -> bool {
        let [high, middle, low, kind, flags, ..] = self.header;
        self.skip = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        self.have = 0;
        match kind {
            HEADERS => self.earn(PER_REQUEST),
            DATA if self.skip >= SHRED || flags & END_STREAM != 0 => {}
            _ => return self.spend(),
        }
        true
    }

    fn earn(&mut self, frames: u64) {
        self.left = self.left.saturating_add(frames).min(BURST);
    }

    fn spend(&mut self) -> bool {
        if self.left == 0 {
            let now = Instant::now();
            let passed =
                u64::try_from(now.saturating_duration_since(self.since).as_millis()).unwrap_or(u64::MAX);
            self.earn(passed.saturating_mul(RATE) / 1000);
            self.since = now;
        }
        let spent = self.left.checked_sub(1);
        self.left = spent.unwrap_or(0);
        spent.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn frame(kind: u8, flags: u8, length: u8) -> Vec<u8> {
        [&[0, 0, length, kind, flags, 0, 0, 0, 1][..], &vec![7; usize::from(length)]].concat()
    }

    fn frames(count: u64, one: &[u8]) -> bool {
        let mut frames = Frames::new(Instant::now());
        (0..count).all(|_| frames.read(one))
    }

    #[test]
    fn what_brings_nothing_is_bounded_and_requests_and_bodies_are_not() {
        for (kind, flags, length) in [
            (6, 0, 8),
            (4, 0, 6),
            (2, 0, 5),
            (8, 0, 4),
            (3, 0, 4),
            (9, 0, 200),
            (0, 0, 0),
            (0, 0, 31),
            (99, 0, 9),
        ] {
            assert!(frames(BURST, &frame(kind, flags, length)), "{kind}");
            // A slow machine may earn some while it counts.
            assert!(!frames(20 * BURST, &frame(kind, flags, length)), "{kind}");
        }
        for (kind, flags, length) in [(HEADERS, 5, 40), (DATA, 0, 200), (DATA, END_STREAM, 0)] {
            assert!(frames(20 * BURST, &frame(kind, flags, length)), "{kind}");
        }
    }

    #[test]
    fn time_requests_and_answers_earn_more() {
        let ping = frame(6, 0, 8);
        let mut used = Frames { left: 0, ..Frames::new(Instant::now()) };
        used.since -= Duration::from_secs(1);
        assert!((0..RATE).all(|_| used.read(&ping)));
        let mut used = Frames { left: 0, ..Frames::new(Instant::now()) };
        assert!(used.read(&frame(HEADERS, 5, 40)) && (0..PER_REQUEST).all(|_| used.read(&ping)));
        let mut used = Frames { left: 0, ..Frames::new(Instant::now()) };
        (0..100).for_each(|_| used.wrote(512));
        assert!((0..50).all(|_| used.read(&ping)));
    }

    proptest! {
        #[test]
        fn frames_are_told_apart_however_they_are_cut(
            kinds in prop::collection::vec((0..10_u8, 0..200_u8), 1..50),
            cuts in prop::collection::vec(1..40_usize, 1..50),
        ) {
            let all: Vec<u8> = kinds.iter().flat_map(|(kind, length)| frame(*kind, 0, *length)).collect();
            let (mut whole, mut pieces) = (Frames::new(Instant::now()), Frames::new(Instant::now()));
            prop_assert!(whole.read(&all));
            let (mut rest, mut cuts) = (&all[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                prop_assert!(pieces.read(now));
                rest = later;
            }
            prop_assert_eq!((whole.left, whole.skip, whole.have), (pieces.left, pieces.skip, pieces.have));
            prop_assert_eq!((whole.skip, whole.have), (0, 0));
        }
    }
}
