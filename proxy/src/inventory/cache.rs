//! Rendered answers in this process, by bytes, addressed by the version of their data.
//!
//! A key holds the version, so an answer is right for ever; a changed collection is simply asked for under another key,
//! and what nobody asks for any more is pushed out. A key with the request's raw query leads to the same answer as the
//! canonical one, so that a hit needs no parsing. Looking up allocates nothing.
//!
//! A large answer is kept when it is asked for again: most filtered pages are asked for once, and keeping each would push
//! out what is asked for often, and have every one written to memory that is in no cache of the processor.

use super::doorkeeper::Doorkeeper;
use super::version::Version;
use bytes::Bytes;
use http::HeaderValue;
use netweave_model::port::CachedBody;
use netweave_model::subscription::Major;
use netweave_model::{Error, Kind, Result};
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};
use std::sync::Arc;

/// Memory that an entry takes beside its texts and its body.
const OVERHEAD: u64 = 256;
/// What an answer is expected to take, to size the cache's tables.
const USUAL: u64 = 4096;
/// A body of more bytes is kept when it is asked for again only.
const LARGE: usize = 32 << 10;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The O-Cloud.
    Cloud,
    /// A collection.
    List(Kind),
    /// One object.
    Get(Kind),
    /// The dictionary of this kind that a resource type names.
    Dictionary(Kind),
}

/// How the query in a key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spelling {
    /// As the client sent it.
    Raw,
    /// As every query that means the same is written.
    Canonical,
}

/// Names an answer without owning anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyRef<'a> {
    /// The interface it was asked through.
    pub major: Major,
    /// What the caller may see.
    pub scope: &'a str,
    /// The version of all data in the answer.
    pub version: Version,
    /// What is asked for.
    pub subject: Subject,
    /// The pool, for resources.
    pub parent: Option<&'a str>,
    /// The object, if one is asked for.
    pub id: Option<&'a str>,
    /// How `query` is written.
    pub spelling: Spelling,
    /// The query.
    pub query: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    major: Major,
    scope: Box<str>,
    version: Version,
    subject: Subject,
    parent: Option<Box<str>>,
    id: Option<Box<str>>,
    spelling: Spelling,
    query: Box<str>,
}

/// A rendered answer with its headers ready to send.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The strong entity tag.
    pub etag: HeaderValue,
    /// The `Link` header, if there is a next page.
    pub link: Option<HeaderValue>,
    /// The JSON body.
    pub body: Bytes,
}

/// The first-level response cache.
pub struct Answers {
    cache: Option<Cache<Key, Arc<Answer>, ByBytes>>,
    /// Knows what was asked for before: as many questions as there is room for large answers.
    doorkeeper: Doorkeeper,
}

#[derive(Clone)]
struct ByBytes;

impl Subject {
    /// Returns a word for it; the kind is in it where there is one.
    pub fn label(self) -> String {
        match self {
            Self::Cloud => "cloud".to_owned(),
            Self::List(kind) => format!("list-{}", kind.collection()),
            Self::Get(kind) => format!("get-{}", kind.collection()),
            Self::Dictionary(kind) => format!("of-type-{}", kind.collection()),
        }
    }
}

impl KeyRef<'_> {
    fn to_key(self) -> Key {
        Key {
            major: self.major,
            scope: self.scope.into(),
            version: self.version,
            subject: self.subject,
            parent: self.parent.map(Into::into),
            id: self.id.map(Into::into),
            spelling: self.spelling,
            query: self.query.into(),
        }
    }
}

impl Key {
    fn borrow(&self) -> KeyRef<'_> {
        KeyRef {
            major: self.major,
            scope: &self.scope,
            version: self.version,
            subject: self.subject,
            parent: self.parent.as_deref(),
            id: self.id.as_deref(),
            spelling: self.spelling,
            query: &self.query,
        }
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.borrow()
    }
}

impl Weighter<Key, Arc<Answer>> for ByBytes {
    /// An answer under two keys counts twice: the budget is kept, whichever of them goes first.
    fn weight(&self, key: &Key, answer: &Arc<Answer>) -> u64 {
        let texts = [key.parent.as_deref(), key.id.as_deref(), Some(&*key.query), Some(&*key.scope)];
        let texts: usize = texts.into_iter().flatten().map(str::len).sum();
        let bytes = texts + answer.body.len() + answer.link.as_ref().map_or(0, HeaderValue::len);
        OVERHEAD + u64::try_from(bytes).unwrap_or(u64::MAX - OVERHEAD)
    }
}

impl Answers {
    /// Makes a cache of at most so many bytes; none at all for 0.
    pub fn new(max_bytes: u64) -> Self {
        let usual = usize::try_from(max_bytes / USUAL).unwrap_or(usize::MAX).max(1);
        Self {
            cache: (max_bytes > 0).then(|| Cache::with_weighter(usual, max_bytes, ByBytes)),
            doorkeeper: Doorkeeper::new(usize::try_from(max_bytes).unwrap_or(usize::MAX) / LARGE),
        }
    }

    /// Returns the answer under a key.
    pub fn get(&self, key: &KeyRef<'_>) -> Option<Arc<Answer>> {
        self.cache.as_ref()?.get(key)
    }

    /// Keeps an answer under a key.
    pub fn put(&self, key: KeyRef<'_>, answer: &Arc<Answer>) {
        if let Some(cache) = &self.cache {
            cache.insert(key.to_key(), Arc::clone(answer));
        }
    }

    /// Keeps an answer that was made under both spellings of its query, unless it is large and asked for once.
    ///
    /// What was asked for of another version counts: a change alone makes no page one that is asked for once.
    pub fn keep(&self, canonical: KeyRef<'_>, raw: KeyRef<'_>, answer: &Arc<Answer>) {
        let again = || self.doorkeeper.again(&KeyRef { version: Version::default(), ..canonical });
        if self.cache.is_some() && (answer.body.len() <= LARGE || again()) {
            self.put(canonical, answer);
            self.put(raw, answer);
        }
    }

    /// Returns how many bytes the cached answers take, keys included.
    pub fn weight(&self) -> u64 {
        self.cache.as_ref().map_or(0, Cache::weight)
    }
}

impl Answer {
    /// Returns the form in which the second level keeps it.
    pub fn to_cached(&self) -> CachedBody {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        CachedBody { etag: text(&self.etag), link: self.link.as_ref().map(text), body: self.body.clone() }
    }

    /// Reads what the second level kept.
    ///
    /// # Errors
    /// `Internal`: a text of it is no header value.
    pub fn from_cached(cached: CachedBody) -> Result<Self> {
        let value = |text: String| {
            HeaderValue::try_from(text).map_err(|error| Error::internal("a cached header").with_source(error))
        };
        Ok(Self { etag: value(cached.etag)?, link: cached.link.map(value).transpose()?, body: cached.body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(version: u64, query: &str) -> KeyRef<'_> {
        KeyRef {
            major: Major::V2,
            scope: "all",
            version: Version::of("", &version.to_be_bytes()),
            subject: Subject::List(Kind::Resource),
            parent: Some("pool"),
            id: None,
            spelling: Spelling::Raw,
            query,
        }
    }

    fn answer(size: usize) -> Arc<Answer> {
        Arc::new(Answer {
            etag: HeaderValue::from_static("\"x\""),
            link: None,
            body: vec![b' '; size].into(),
        })
    }

    #[test]
    fn another_version_scope_major_or_spelling_is_another_answer() {
        let answers = Answers::new(1 << 20);
        answers.put(key(1, "a=b"), &answer(10));
        assert!(answers.get(&key(1, "a=b")).is_some());
        assert!(answers.get(&key(2, "a=b")).is_none());
        assert!(answers.get(&key(1, "a=c")).is_none());
        assert!(answers.get(&KeyRef { scope: "some", ..key(1, "a=b") }).is_none());
        assert!(answers.get(&KeyRef { major: Major::V1, ..key(1, "a=b") }).is_none());
        assert!(answers.get(&KeyRef { spelling: Spelling::Canonical, ..key(1, "a=b") }).is_none());
        assert!(answers.get(&KeyRef { id: Some(""), ..key(1, "a=b") }).is_none());
    }

    #[test]
    fn the_budget_in_bytes_is_kept() {
        let answers = Answers::new(1 << 20);
        for version in 0..1000 {
            answers.put(key(version, ""), &answer(10_000));
            assert!(answers.weight() <= 1 << 20);
        }
        assert!(answers.get(&key(999, "")).is_some() || answers.weight() > 0);
    }

    #[test]
    fn a_large_answer_is_kept_when_it_is_asked_for_again_even_of_another_version() {
        let answers = Answers::new(1 << 20);
        let kept = |version, query, size| {
            let raw = key(version, query);
            answers.keep(KeyRef { spelling: Spelling::Canonical, ..raw }, raw, &answer(size));
            answers.get(&raw).is_some()
        };
        assert!(kept(1, "small", LARGE));
        assert!(!kept(1, "a", LARGE + 1));
        assert!(!kept(1, "b", LARGE + 1));
        assert!(kept(1, "a", LARGE + 1));
        assert!(kept(2, "b", LARGE + 1));
        assert!(kept(3, "a", LARGE + 1));
    }

    #[test]
    fn a_cache_of_no_bytes_keeps_nothing() {
        let answers = Answers::new(0);
        answers.put(key(1, ""), &answer(10));
        assert!(answers.get(&key(1, "")).is_none());
    }
}
