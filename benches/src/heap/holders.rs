//! Which functions hold most.

use super::mib;
use crate::flame::draw::share;
use std::collections::BTreeMap;

/// Holders that a table has.
const MOST: usize = 10;
/// The language's own libraries: who asked them to allocate is the holder.
const STANDARD: [&str; 4] = ["alloc", "core", "std", "hashbrown"];
/// How our own crates begin.
const OURS: &str = "netweave";

/// A function, and what lives that it allocated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its name.
    pub function: String,
    /// How much that is.
    pub bytes: u64,
}

impl Holder {
    /// Returns the cells of its row; `all` is what lives in all.
    pub(crate) fn cells(&self, all: u64) -> [String; 3] {
        [self.function.clone(), mib(self.bytes), format!("{:.1} %", share(self.bytes, all) * 100.0)]
    }
}

/// Takes lines apart: the functions of each stack, the outermost first, and its bytes.
pub(super) fn stacks(text: &str) -> Vec<(Vec<&str>, u64)> {
    let apart = |line| -> Option<_> {
        let (stack, bytes): (&str, &str) = str::rsplit_once(line, ' ')?;
        Some((stack.split(';').collect(), bytes.parse().ok()?))
    };
    text.lines().filter_map(apart).collect()
}

/// Leaves away what is below the first of our functions: threads and the runtime.
pub(super) fn own<'s, 'a>(stack: &'s [&'a str]) -> &'s [&'a str] {
    let first = stack.iter().position(|name| home(name).starts_with(OURS)).unwrap_or_default();
    stack.get(first..).unwrap_or_default()
}

/// Adds stacks up by who holds them; returns the largest, in order.
pub(super) fn largest(stacks: &[(Vec<&str>, u64)]) -> Vec<Holder> {
    let mut holders: BTreeMap<&str, u64> = BTreeMap::new();
    for (stack, bytes) in stacks {
        *holders.entry(holder(stack)).or_default() += bytes;
    }
    let mut holders: Vec<Holder> = holders
        .into_iter()
        .map(|(function, bytes)| Holder { function: function.to_owned(), bytes })
        .collect();
    holders.sort_by_key(|one| std::cmp::Reverse(one.bytes));
    holders.truncate(MOST);
    holders
}

/// The innermost function of ours; where there is none, that of a library which is not the language's.
fn holder<'a>(stack: &[&'a str]) -> &'a str {
    let innermost = || stack.iter().rev().copied();
    innermost()
        .find(|name| home(name).starts_with(OURS))
        .or_else(|| innermost().find(|name| !STANDARD.contains(&home(name))))
        .or_else(|| innermost().next())
        .unwrap_or_default()
}

/// The crate that a function is of; of a method that of its type.
fn home(function: &str) -> &str {
    let path = function.trim_start_matches(['<', '&', '*', '[', '(']);
    let path = ["mut ", "const ", "dyn "].iter().fold(path, |path, word| path.trim_start_matches(word));
    path.split("::").next().unwrap_or_default()
}
