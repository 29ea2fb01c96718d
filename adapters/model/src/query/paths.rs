//! The interner of attribute paths, and how a path is written.
//!
//! A path is its names joined by `/`, each name escaped (`~` as `~0`, `/` as `~1`, `@` as `~b`). Array positions are not part
//! of it. The elements of an array of objects have the path of the array with [`ITEM`] behind it, which no name can
//! spell.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// How many paths are numbered. A leaf beyond is not indexed; filters on it read the object's JSON instead.
pub const MAX_PATHS: usize = 65_536;

/// What is put behind an array's path to name its elements.
pub(super) const ITEM: &str = "/@item";

/// The numbers of attribute paths, shared by all views. It only grows, to at most [`MAX_PATHS`].
pub struct Paths {
    table: RwLock<Table>,
    limit: usize,
}

#[derive(Default)]
struct Table {
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

impl Paths {
    /// Starts without any path.
    pub fn new() -> Self {
        Self::with_limit(MAX_PATHS)
    }

    /// Starts without any path and numbers as many as given.
    pub(super) fn with_limit(limit: usize) -> Self {
        Self { table: RwLock::default(), limit }
    }

    /// Returns how many paths are numbered; grows when objects with attributes unseen so far are indexed.
    pub fn len(&self) -> usize {
        self.read().names.len()
    }

    /// Tells whether no path is numbered yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of a path, if it has one.
    pub(super) fn find(&self, path: &str) -> Option<u32> {
        self.read().numbers.get(path).copied()
    }

    /// Returns the number of a path and gives it one if need be; `None` when the table is full.
    pub(super) fn intern(&self, path: &str) -> Option<u32> {
        if let Some(number) = self.find(path) {
            return Some(number);
        }
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = table.numbers.get(path) {
            return Some(*number);
        }
        if table.names.len() >= self.limit {
            return None;
        }
        let number = u32::try_from(table.names.len()).ok()?;
        let name: Arc<str> = path.into();
        table.names.push(Arc::clone(&name));
        table.numbers.insert(name, number);
        Some(number)
    }

    /// Returns the paths below `map`, each with the name that follows, unescaped.
    pub(super) fn below(&self, map: &str) -> Vec<(u32, String)> {
        let table = self.read();
        let mut found = Vec::new();
        for (number, name) in (0_u32..).zip(&table.names) {
            let Some(rest) = name.strip_prefix(map).and_then(|rest| rest.strip_prefix('/')) else {
                continue;
            };
            let key = rest.split('/').next().unwrap_or_default();
            // An element of an array is no key; its attributes are listed by themselves.
            if !key.starts_with('@') {
                found.push((number, unescape(key).unwrap_or_default()));
            }
        }
        found
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Paths {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Paths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paths").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Escapes one name.
pub(super) fn escape(name: &str) -> Cow<'_, str> {
    if memchr::memchr3(b'~', b'/', b'@', name.as_bytes()).is_none() {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.replace('~', "~0").replace('/', "~1").replace('@', "~b"))
}

/// Reads one escaped name; the error is the offset of an escape that does not exist, or of an unescaped `@`.
pub(super) fn unescape(text: &str) -> Result<String, usize> {
    let mut name = String::with_capacity(text.len());
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '~' => match chars.next() {
                Some((_, '0')) => name.push('~'),
                Some((_, '1')) => name.push('/'),
                Some((_, 'b')) => name.push('@'),
                Some(_) | None => return Err(at),
            },
            '@' => return Err(at),
            plain => name.push(plain),
        }
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_escape_and_read_back() {
        for (name, escaped) in
            [("plain", "plain"), ("a/b", "a~1b"), ("~1", "~01"), ("@key", "~bkey"), ("", "")]
        {
            assert_eq!(escape(name), escaped);
            assert_eq!(unescape(escaped).as_deref(), Ok(name));
        }
        assert_eq!(unescape("ab~2"), Err(2));
        assert_eq!(unescape("ab~"), Err(2));
        assert_eq!(unescape("a@b"), Err(1));
    }

    #[test]
    fn a_path_keeps_its_number_and_a_full_table_gives_none() {
        let paths = Paths::with_limit(2);
        assert_eq!(paths.intern("a"), Some(0));
        assert_eq!(paths.intern("b"), Some(1));
        assert_eq!(paths.intern("a"), Some(0));
        assert_eq!(paths.intern("c"), None);
        assert_eq!(paths.find("c"), None);
        assert_eq!(paths.len(), 2);
    }

    #[test]
    fn keys_below_a_map_are_unescaped_and_elements_are_no_keys() {
        let paths = Paths::new();
        for path in ["m", "m/a~1b", "m/a~1b/c", "m/@item", "mm/x", "m/list/@item"] {
            paths.intern(path);
        }
        let keys: Vec<_> = paths.below("m").into_iter().map(|(_, key)| key).collect();
        assert_eq!(keys, ["a/b", "a/b", "list"]);
    }
}
