//! Evaluates bound filters on the leaf index.
//!
//! Binding sorts the expressions into a tree: the root, and below it a group for each array of objects on the way to an
//! attribute. A group holds if one element satisfies everything in it; in an object that has no array there, the group's
//! content is asked of the object itself.

use super::filter::Expression;
use super::index::{Guess, Indexed};
use super::paths::{ITEM, Paths};
use super::scan::Span;
use super::value::Predicate;
use std::collections::BTreeMap;
use std::sync::Arc;

const WHOLE: Span = Span { start: 0, end: usize::MAX };

/// A filter whose paths are resolved to numbers, once for many objects.
///
/// It gives the right answer for objects indexed later too, but more slowly if they brought new paths: bind afresh for each
/// query, or when [`Bound::is_current`] says so.
#[derive(Clone, Debug)]
pub struct Bound {
    expressions: Arc<[Expression]>,
    root: Group,
    /// How many paths were numbered when this was bound.
    known: usize,
    /// Some path had no number then, or a map's keys are asked for: newer paths may matter.
    open: bool,
}

impl Bound {
    pub(super) fn new(expressions: Arc<[Expression]>, paths: &Paths) -> Self {
        // Read first: a path that gets its number while this runs counts as newer.
        let known = paths.len();
        let resolved: Vec<_> =
            expressions.iter().map(|expression| Resolved::new(expression, paths)).collect();
        let open = resolved.iter().any(|resolved| resolved.open);
        let root = Group::build(resolved, paths);
        Self { expressions, root, known, open }
    }

    /// Tells whether an object matches.
    pub fn matches(&self, object: &Indexed) -> bool {
        let newer = || usize::try_from(object.newest()).map_or(true, |newest| newest >= self.known);
        if self.open && newer() { self.scan(object) } else { self.root.holds(object, WHOLE) }
    }

    /// Has a look where the object's first attribute probably is, so that it is in the processor's caches when it is asked for; what
    /// it returns has no meaning.
    pub fn look(&self, object: &Indexed) -> u8 {
        self.root.attributes.first().map_or(0, |test| object.look(&test.place))
    }

    /// Tells whether nothing would be gained by binding afresh.
    pub fn is_current(&self, paths: &Paths) -> bool {
        !self.open || paths.len() == self.known
    }

    /// Evaluates on an index of the object's own, because the shared one may lack paths.
    fn scan(&self, object: &Indexed) -> bool {
        let paths = Paths::with_limit(usize::MAX);
        let Ok(object) = Indexed::new(object.json().clone(), &paths) else {
            return false;
        };
        Self::new(Arc::clone(&self.expressions), &paths).root.holds(&object, WHOLE)
    }
}

/// An expression with the numbers of its paths.
struct Resolved<'a> {
    expression: &'a Expression,
    path: Option<u32>,
    /// The arrays on the way that some object has, the outermost first.
    arrays: std::vec::IntoIter<u32>,
    open: bool,
}

impl<'a> Resolved<'a> {
    fn new(expression: &'a Expression, paths: &Paths) -> Self {
        let all: Vec<_> =
            expression.arrays.iter().map(|array| paths.find(&format!("{array}{ITEM}"))).collect();
        let path = paths.find(&expression.path);
        let open = expression.key || path.is_none() || all.contains(&None);
        let arrays: Vec<_> = all.into_iter().flatten().collect();
        Self { expression, path, arrays: arrays.into_iter(), open }
    }
}

/// What must hold within one element, or within the whole object.
#[derive(Clone, Debug)]
struct Group {
    attributes: Box<[AttributeTest]>,
    keys: Box<[KeyTest]>,
    arrays: Box<[(u32, Group)]>,
}

impl Group {
    fn build(expressions: Vec<Resolved<'_>>, paths: &Paths) -> Self {
        let mut attributes: BTreeMap<_, (_, Vec<_>)> = BTreeMap::new();
        let mut keys: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut arrays: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for mut resolved in expressions {
            let Expression { path, key, operator, values, .. } = resolved.expression;
            let predicate = Predicate::new(*operator, values);
            if let Some(array) = resolved.arrays.next() {
                arrays.entry(array).or_default().push(resolved);
            } else if *key {
                keys.entry(path).or_default().push(predicate);
            } else {
                attributes.entry(path).or_insert((resolved.path, Vec::new())).1.push(predicate);
            }
        }
        let mut attributes: Vec<_> = attributes.into_values().map(AttributeTest::new).collect();
        // What rules most objects out at the least cost goes first.
        attributes.sort_by_key(|test| !test.predicates.iter().any(Predicate::is_equality));
        Self {
            attributes: attributes.into(),
            keys: keys.into_iter().map(|(map, predicates)| KeyTest::new(map, predicates, paths)).collect(),
            arrays: arrays.into_iter().map(|(array, inner)| (array, Self::build(inner, paths))).collect(),
        }
    }

    fn holds(&self, object: &Indexed, range: Span) -> bool {
        self.attributes.iter().all(|test| test.holds(object, range))
            && self.keys.iter().all(|test| test.holds(object, range))
            && self.arrays.iter().all(|(array, group)| group.holds_for_an_element(*array, object, range))
    }

    fn holds_for_an_element(&self, array: u32, object: &Indexed, range: Span) -> bool {
        let mut is_array = false;
        for element in object.at(array, range) {
            if self.holds(object, element.span()) {
                return true;
            }
            is_array = true;
        }
        !is_array && self.holds(object, range)
    }
}

/// What one scalar, or one element of an array of scalars, must satisfy.
#[derive(Clone, Debug)]
struct AttributeTest {
    /// Without a number no object has the attribute.
    path: Option<u32>,
    place: Guess,
    predicates: Vec<Predicate>,
}

impl AttributeTest {
    fn new((path, predicates): (Option<u32>, Vec<Predicate>)) -> Self {
        Self { path, place: Guess::default(), predicates }
    }

    fn holds(&self, object: &Indexed, range: Span) -> bool {
        let mut is_there = false;
        if let Some(path) = self.path {
            for leaf in object.at_about(path, range, &self.place) {
                if self.predicates.iter().all(|test| test.holds_for_leaf(leaf, object)) {
                    return true;
                }
                is_there = true;
            }
        }
        !is_there && self.predicates.iter().all(Predicate::holds_for_nothing)
    }
}

/// What one key of a map must satisfy.
#[derive(Clone, Debug)]
struct KeyTest {
    predicates: Vec<Predicate>,
    /// By path number: whether it lies below the map, and if so, whether its key satisfies the predicates.
    below: Box<[Option<bool>]>,
}

impl KeyTest {
    fn new(map: &str, predicates: Vec<Predicate>, paths: &Paths) -> Self {
        let below = paths.below(map);
        let length = below.iter().map(|(path, _)| *path as usize + 1).max().unwrap_or(0);
        let mut table = vec![None; length];
        for (path, key) in below {
            if let Some(entry) = table.get_mut(path as usize) {
                *entry = Some(predicates.iter().all(|test| test.holds_for_key(&key)));
            }
        }
        Self { predicates, below: table.into() }
    }

    fn holds(&self, object: &Indexed, range: Span) -> bool {
        let mut has_key = false;
        for leaf in object.leaves() {
            let start = leaf.span().start;
            if start < range.start || start >= range.end {
                continue;
            }
            match self.below.get(leaf.path() as usize) {
                Some(Some(true)) => return true,
                Some(Some(false)) => has_key = true,
                Some(None) | None => {}
            }
        }
        !has_key && self.predicates.iter().all(Predicate::holds_for_nothing)
    }
}

#[cfg(test)]
mod tests;
