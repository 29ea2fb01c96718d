//! The entries of a leaf index, and how they lie in memory.
//!
//! Most objects are small, so their entries are, too: six bytes each where all of an object's fit, twelve otherwise. A scan waits
//! for memory more than it computes.

use super::scan::Span;

/// The path of the entry that stands for entries which found no number; sorts last.
pub(super) const UNNUMBERED: u32 = u32::MAX;
/// As [`UNNUMBERED`], packed.
const UNNUMBERED_PACKED: u16 = u16::MAX;
const HOLDS_BITS: u32 = 3;

/// What a leaf holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// A text without escapes.
    Text,
    /// A text with escapes.
    Escaped,
    Number,
    True,
    False,
    /// `null`, `[]` or `{}`.
    Nothing,
    /// An element of an array that contains objects.
    Item,
}

/// One entry of the index: length and [`Holds`] share a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    path: u32,
    start: u32,
    tail: u32,
}

impl Leaf {
    /// `span` ends below [`super::index::MAX_OBJECT`], which is checked before.
    pub(super) fn new(path: u32, span: Span, holds: Holds) -> Self {
        let start = u32::try_from(span.start).unwrap_or(u32::MAX);
        let length = u32::try_from(span.end.saturating_sub(span.start)).unwrap_or(0);
        Self { path, start, tail: (length << HOLDS_BITS) | holds as u32 }
    }

    pub(super) fn holds(self) -> Holds {
        match self.tail & ((1 << HOLDS_BITS) - 1) {
            0 => Holds::Text,
            1 => Holds::Escaped,
            2 => Holds::Number,
            3 => Holds::True,
            4 => Holds::False,
            6 => Holds::Item,
            _ => Holds::Nothing,
        }
    }

    pub(super) fn path(self) -> u32 {
        self.path
    }

    pub(super) fn span(self) -> Span {
        let start = self.start as usize;
        Span { start, end: start + (self.tail >> HOLDS_BITS) as usize }
    }

    /// What leaves are sorted by.
    pub(super) fn key(self) -> (u32, u32) {
        (self.path, self.start)
    }

    fn packed(self) -> Option<[u16; 3]> {
        let path = match self.path {
            UNNUMBERED => UNNUMBERED_PACKED,
            number => u16::try_from(number).ok().filter(|number| *number != UNNUMBERED_PACKED)?,
        };
        Some([path, u16::try_from(self.start).ok()?, u16::try_from(self.tail).ok()?])
    }

    fn unpacked([path, start, tail]: [u16; 3]) -> Self {
        let path = if path == UNNUMBERED_PACKED { UNNUMBERED } else { path.into() };
        Self { path, start: start.into(), tail: tail.into() }
    }
}

/// The leaves of one object, sorted by path, then by place.
#[derive(Clone)]
pub(super) enum Leaves {
    Packed(Box<[[u16; 3]]>),
    Whole(Box<[Leaf]>),
}

impl Leaves {
    /// Sorts the leaves of an object.
    pub(super) fn new(mut leaves: Vec<Leaf>) -> Self {
        leaves.sort_unstable_by_key(|leaf| leaf.key());
        match leaves.iter().map(|leaf| leaf.packed()).collect() {
            Some(packed) => Self::Packed(packed),
            None => Self::Whole(leaves.into_boxed_slice()),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Packed(leaves) => leaves.len(),
            Self::Whole(leaves) => leaves.len(),
        }
    }

    /// Returns how many bytes they take.
    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Packed(leaves) => size_of_val::<[_]>(leaves),
            Self::Whole(leaves) => size_of_val::<[_]>(leaves),
        }
    }

    pub(super) fn get(&self, number: usize) -> Option<Leaf> {
        match self {
            Self::Packed(leaves) => leaves.get(number).map(|leaf| Leaf::unpacked(*leaf)),
            Self::Whole(leaves) => leaves.get(number).copied(),
        }
    }

    /// Returns the leaves from a place on.
    pub(super) fn from(&self, number: usize) -> impl Iterator<Item = Leaf> {
        (number..self.len()).map_while(|number| self.get(number))
    }

    /// Returns the place of the first leaf whose key is not below this one.
    pub(super) fn first_at(&self, key: (u32, u32)) -> usize {
        match self {
            Self::Packed(leaves) => leaves.partition_point(|leaf| Leaf::unpacked(*leaf).key() < key),
            Self::Whole(leaves) => leaves.partition_point(|leaf| leaf.key() < key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOLDS: [Holds; 7] =
        [Holds::Text, Holds::Escaped, Holds::Number, Holds::True, Holds::False, Holds::Nothing, Holds::Item];

    /// Bytes of JSON below which every place and length fits.
    const SMALL: usize = 1 << 13;

    fn leaf() -> impl Strategy<Value = Leaf> {
        let path = prop_oneof![0..65_535_u32, Just(UNNUMBERED)];
        (path, 0..SMALL, 0..SMALL, 0..HOLDS.len()).prop_map(|(path, one, other, holds)| {
            let span = Span { start: one.min(other), end: one.max(other) };
            Leaf::new(path, span, HOLDS[holds])
        })
    }

    proptest! {
        #[test]
        fn packed_leaves_are_the_leaves(all in proptest::collection::vec(leaf(), 0..40), key in (0..70_000_u32, 0..9000_u32)) {
            let packed = Leaves::new(all.clone());
            prop_assert!(matches!(packed, Leaves::Packed(_)));
            let mut sorted = all;
            sorted.sort_unstable_by_key(|leaf| leaf.key());
            let whole = Leaves::Whole(sorted.into());
            prop_assert_eq!(packed.memory() * 2, whole.memory());
            prop_assert_eq!(packed.first_at(key), whole.first_at(key));
            prop_assert!(packed.from(0).eq(whole.from(0)));
        }
    }

    #[test]
    fn each_kind_of_leaf_is_told_again() {
        for holds in HOLDS {
            let leaf = Leaf::new(7, Span { start: 3, end: 9 }, holds);
            assert_eq!((leaf.holds(), leaf.path(), leaf.span()), (holds, 7, Span { start: 3, end: 9 }));
        }
    }

    #[test]
    fn what_does_not_fit_is_not_packed() {
        for (path, start, end) in [(65_535, 0, 1), (65_536, 0, 1), (0, 65_536, 65_537), (0, 0, SMALL)] {
            let leaves = Leaves::new(vec![Leaf::new(path, Span { start, end }, Holds::True)]);
            assert!(matches!(leaves, Leaves::Whole(_)), "{path} {start} {end}");
        }
    }
}
