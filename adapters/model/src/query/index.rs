//! One object's JSON with its leaf index: where each scalar lies, sorted by path.
//!
//! A filter resolves a path to its number once, then finds the scalar by binary search and compares bytes; nothing is
//! parsed. A leaf takes 6 or 12 bytes. An absent attribute has no leaf; `null` and empty arrays and objects have one that
//! holds nothing. Each element of an array that contains objects has a leaf of its own, whose range covers the element, so
//! that leaves can be told apart by element.

use super::leaf::{Holds, Leaf, Leaves, UNNUMBERED};
use super::paths::{ITEM, Paths, escape};
use super::scan::{Key, Scanner, Span, Start, Token, text};
use crate::error::{Error, Result};
use bytes::Bytes;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bytes of JSON one object may have; what a leaf can address.
pub const MAX_OBJECT: usize = 1 << 28;

/// Where a path was found last; any value is right, a good one is quick.
#[derive(Debug, Default)]
pub(super) struct Guess(AtomicUsize);

impl Clone for Guess {
    fn clone(&self) -> Self {
        Self(AtomicUsize::new(self.0.load(Ordering::Relaxed)))
    }
}

/// One object's compact JSON with its leaf index.
#[derive(Clone)]
pub struct Indexed {
    json: Bytes,
    leaves: Leaves,
}

impl Indexed {
    /// Indexes an object; numbers the paths that are new.
    ///
    /// # Errors
    /// `Internal`: the text is not one JSON value, is nested deeper than 64 levels, or is larger than [`MAX_OBJECT`].
    pub fn new(json: Bytes, paths: &Paths) -> Result<Self> {
        if json.len() >= MAX_OBJECT {
            return Err(Error::internal("an inventory object is too large"));
        }
        if std::str::from_utf8(&json).is_err() {
            return Err(Error::internal("an inventory object is not UTF-8"));
        }
        let mut scanner = Scanner::new(&json);
        let mut builder =
            Builder { json: &json, paths, path: String::new(), leaves: Vec::new(), unnumbered: false };
        builder.value(&mut scanner)?;
        scanner.finish()?;
        let leaves = builder.finish();
        Ok(Self { json, leaves })
    }

    /// Returns the object's JSON.
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// Returns how many bytes the object takes, with its index.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.json.len() + self.leaves.memory()
    }

    /// Returns the leaves of a path whose value begins within `range`, in the order of the JSON.
    pub(super) fn at(&self, path: u32, range: Span) -> impl Iterator<Item = Leaf> {
        self.at_about(path, range, &Guess::default())
    }

    /// As [`at`](Self::at), looking first where the last object had it: objects of one kind are much alike, and a guess that
    /// holds touches one line of memory where a search touches several.
    pub(super) fn at_about<'a>(
        &'a self,
        path: u32,
        range: Span,
        guess: &Guess,
    ) -> impl Iterator<Item = Leaf> + use<'a> {
        let key = (path, u32::try_from(range.start).unwrap_or(u32::MAX));
        let comes_before = |leaf: Leaf| leaf.key() < key;
        let guessed = guess.0.load(Ordering::Relaxed);
        let here = self.leaves.get(guessed).is_some_and(|leaf| leaf.path() == path && !comes_before(leaf));
        let first =
            if here && guessed.checked_sub(1).and_then(|at| self.leaves.get(at)).is_none_or(comes_before) {
                guessed
            } else {
                let found = self.leaves.first_at(key);
                guess.0.store(found, Ordering::Relaxed);
                found
            };
        self.leaves.from(first).take_while(move |leaf| leaf.path() == path && leaf.span().start < range.end)
    }

    /// Reads one byte of the value that a guess points at.
    pub(super) fn look(&self, guess: &Guess) -> u8 {
        let leaf = self.leaves.get(guess.0.load(Ordering::Relaxed));
        leaf.and_then(|leaf| self.json.get(leaf.span().start)).copied().unwrap_or(0)
    }

    /// Returns all leaves.
    pub(super) fn leaves(&self) -> impl Iterator<Item = Leaf> {
        self.leaves.from(0)
    }

    /// Returns the bytes of a range.
    pub(super) fn bytes(&self, span: Span) -> &[u8] {
        self.json.get(span.start..span.end).unwrap_or_default()
    }

    /// Returns the highest path number; `u32::MAX` if some leaf has none.
    pub(super) fn newest(&self) -> u32 {
        self.leaves.len().checked_sub(1).and_then(|last| self.leaves.get(last)).map_or(0, Leaf::path)
    }
}

impl fmt::Debug for Indexed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Indexed")
            .field("bytes", &self.json.len())
            .field("leaves", &self.leaves.len())
            .finish()
    }
}

/// Collects the leaves of one object; `path` is where the walk is.
struct Builder<'a> {
    json: &'a [u8],
    paths: &'a Paths,
    path: String,
    leaves: Vec<Leaf>,
    unnumbered: bool,
}

/// The elements of one array, with those of arrays directly within it.
#[derive(Default)]
struct Elements {
    spans: Vec<Span>,
    objects: bool,
}

impl Builder<'_> {
    fn value(&mut self, scanner: &mut Scanner<'_>) -> Result<()> {
        let start = scanner.value_start();
        match scanner.begin()? {
            Start::Scalar(token, span) => self.scalar(token, span),
            Start::Object => self.object(scanner, start)?,
            Start::Array => {
                let mut elements = Elements::default();
                self.array(scanner, start, &mut elements)?;
                self.items(&elements);
            }
        }
        Ok(())
    }

    fn object(&mut self, scanner: &mut Scanner<'_>, start: usize) -> Result<()> {
        let length = self.path.len();
        let mut empty = true;
        while let Some(key) = scanner.member(empty)? {
            empty = false;
            self.descend(key)?;
            self.value(scanner)?;
            self.path.truncate(length);
        }
        if empty {
            self.push(Span { start, end: scanner.position() }, Holds::Nothing);
        }
        Ok(())
    }

    /// Walks an array that was entered; arrays within it count as part of it.
    fn array(&mut self, scanner: &mut Scanner<'_>, start: usize, elements: &mut Elements) -> Result<()> {
        let mut empty = true;
        while scanner.element(empty)? {
            empty = false;
            let start = scanner.value_start();
            match scanner.begin()? {
                Start::Scalar(token, span) => self.scalar(token, span),
                Start::Array => {
                    self.array(scanner, start, elements)?;
                    continue;
                }
                Start::Object => {
                    elements.objects = true;
                    self.object(scanner, start)?;
                }
            }
            elements.spans.push(Span { start, end: scanner.position() });
        }
        if empty {
            let span = Span { start, end: scanner.position() };
            self.push(span, Holds::Nothing);
            elements.spans.push(span);
        }
        Ok(())
    }

    /// Adds the leaves that tell the elements of an array apart; scalars need none among themselves.
    fn items(&mut self, elements: &Elements) {
        if !elements.objects {
            return;
        }
        let length = self.path.len();
        self.path.push_str(ITEM);
        for span in &elements.spans {
            self.push(*span, Holds::Item);
        }
        self.path.truncate(length);
    }

    fn scalar(&mut self, token: Token, span: Span) {
        let holds = match token {
            Token::Text { escaped: false } => Holds::Text,
            Token::Text { escaped: true } => Holds::Escaped,
            Token::Number => Holds::Number,
            Token::True => Holds::True,
            Token::False => Holds::False,
            Token::Null => Holds::Nothing,
        };
        self.push(span, holds);
    }

    fn descend(&mut self, key: Key) -> Result<()> {
        let name = text(self.json, key.span, key.escaped)
            .ok_or_else(|| Error::internal("an inventory object has a name that is no text"))?;
        if !self.path.is_empty() {
            self.path.push('/');
        }
        self.path.push_str(&escape(&name));
        Ok(())
    }

    fn push(&mut self, span: Span, holds: Holds) {
        match self.paths.intern(&self.path) {
            Some(path) => self.leaves.push(Leaf::new(path, span, holds)),
            None => self.unnumbered = true,
        }
    }

    fn finish(mut self) -> Leaves {
        if self.unnumbered {
            self.leaves.push(Leaf::new(UNNUMBERED, Span { start: 0, end: 0 }, Holds::Nothing));
        }
        Leaves::new(self.leaves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Span = Span { start: 0, end: usize::MAX };

    fn found(object: &Indexed, paths: &Paths, path: &str) -> Vec<(Holds, String)> {
        let leaves = paths.find(path).into_iter().flat_map(|number| object.at(number, ALL));
        leaves
            .map(|leaf| (leaf.holds(), String::from_utf8(object.bytes(leaf.span()).to_vec()).unwrap()))
            .collect()
    }

    fn index(json: &'static str, paths: &Paths) -> Indexed {
        Indexed::new(Bytes::from_static(json.as_bytes()), paths).unwrap()
    }

    #[test]
    fn every_scalar_is_found_under_its_path() {
        let paths = Paths::new();
        let json = r#"{"a":"x","b":{"c/d":1.5,"e":[true,null,false]},"f":"q\"","g":{},"h":[]}"#;
        let object = index(json, &paths);
        assert_eq!(found(&object, &paths, "a"), [(Holds::Text, "x".into())]);
        assert_eq!(found(&object, &paths, "b/c~1d"), [(Holds::Number, "1.5".into())]);
        let holds: Vec<_> = found(&object, &paths, "b/e").into_iter().map(|leaf| leaf.0).collect();
        assert_eq!(holds, [Holds::True, Holds::Nothing, Holds::False]);
        assert_eq!(found(&object, &paths, "f"), [(Holds::Escaped, "q\\\"".into())]);
        assert_eq!(found(&object, &paths, "g"), [(Holds::Nothing, "{}".into())]);
        assert_eq!(found(&object, &paths, "h"), [(Holds::Nothing, "[]".into())]);
        assert_eq!(found(&object, &paths, "b"), []);
    }

    #[test]
    fn elements_of_arrays_with_objects_have_ranges() {
        let paths = Paths::new();
        let object = index(r#"{"a":[{"x":1},[{"x":2},7],{}],"t":["p","q"]}"#, &paths);
        let items: Vec<_> = found(&object, &paths, "a/@item").into_iter().map(|leaf| leaf.1).collect();
        assert_eq!(items, [r#"{"x":1}"#, r#"{"x":2}"#, "7", "{}"]);
        assert_eq!(found(&object, &paths, "t/@item"), []);
        let second = object.at(paths.find("a/@item").unwrap(), ALL).nth(1).unwrap().span();
        assert_eq!(object.at(paths.find("a/x").unwrap(), second).count(), 1);
    }

    #[test]
    fn a_leaf_without_a_number_marks_the_object() {
        let paths = Paths::with_limit(1);
        let object = index(r#"{"a":1,"b":2}"#, &paths);
        assert_eq!(object.newest(), u32::MAX);
        assert_eq!(found(&object, &paths, "a"), [(Holds::Number, "1".into())]);
    }

    #[test]
    fn a_leaf_takes_six_bytes() {
        let paths = Paths::new();
        let json = r#"{"a":1,"b":2}"#;
        assert_eq!(index(json, &paths).memory(), size_of::<Indexed>() + json.len() + 2 * 6);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let paths = Paths::new();
        for json in ["", "{", "{} {}", "{\"a\":tru}"] {
            assert!(Indexed::new(Bytes::from_static(json.as_bytes()), &paths).is_err(), "{json}");
        }
        assert!(Indexed::new(Bytes::from_static(b"\"\xff\""), &paths).is_err());
    }
}
