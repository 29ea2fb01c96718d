//! The services' answers as far as they are read. What is not named here never gets in: prices, keys, user data.
//!
//! Names are those of the wire, so that `fields.rs` can compare them with the service's own model.
#![expect(clippy::struct_field_names, reason = "the names of fields are those of the wire")]

pub(crate) mod capacity;
pub(crate) mod fault;
pub(crate) mod group;
pub(crate) mod identity;
pub(crate) mod instance;
pub(crate) mod network;
pub(crate) mod place;
pub(crate) mod volume;

use crate::endpoint::Service;
use crate::error::unreadable;
use netweave_model::Result;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// Most marks of one answer, of which each element has one or two; a page of 500 instances has about 150,000. What is read
/// takes up to a hundred times the room that it has on the wire.
const MAX_MARKS: usize = 1_000_000;
/// Most items of one list; pages have at most 1,000.
const MAX_LIST: usize = 10_000;

/// An operation's answer.
pub(crate) trait Answer: DeserializeOwned {
    /// Who is asked.
    const SERVICE: Service;
    /// The operation.
    const ACTION: &'static str;
}

/// The answer of an operation that answers page by page.
pub(crate) trait Page: Answer {
    /// What it lists.
    type Item;
    /// The most items of one page, and the parameter that says so; `None` if everything comes at once.
    const MOST: Option<(&'static str, u32)>;

    /// Returns the items, and the token of the next page.
    fn into_parts(self) -> (Vec<Self::Item>, Option<String>);
}

/// A list as EC2 writes it. Anything else in it is refused: it would pass for an empty one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, bound = "T: Deserialize<'de>")]
pub(crate) struct Set<T> {
    #[serde(rename = "item", default = "Vec::new", deserialize_with = "few")]
    pub(crate) items: Vec<T>,
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

/// A list as Auto Scaling writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, bound = "T: Deserialize<'de>")]
pub(crate) struct Members<T> {
    #[serde(rename = "member", default = "Vec::new", deserialize_with = "few")]
    pub(crate) items: Vec<T>,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

/// Reads the items of a list of bounded length.
fn few<'de, D, T>(deserializer: D) -> std::result::Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Few<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Few<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Vec<T>, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = list.next_element()? {
                if items.len() == MAX_LIST {
                    return Err(A::Error::custom("a list is longer than is read"));
                }
                items.push(item);
            }
            Ok(items)
        }
    }

    deserializer.deserialize_seq(Few(PhantomData))
}

/// A tag of EC2.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Tag {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) value: String,
}

/// Returns tags as a map, ordered by key.
pub(crate) fn tags(set: &Set<Tag>) -> BTreeMap<&str, &str> {
    set.items.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect()
}

/// Reads an answer. What has another root than the operation's answer is none, so that a page of something between
/// never reads as an empty list.
pub(crate) fn read<T: Answer>(text: &str) -> Result<T> {
    let expected = format!("{}Response", T::ACTION);
    if root(text) != Some(expected.as_str()) {
        return Err(unreadable(format!("no {expected}: {}", start(text))));
    }
    if text.matches('<').nth(MAX_MARKS).is_some() {
        return Err(unreadable(format!("{expected}: more elements than are read")));
    }
    quick_xml::de::from_str(text).map_err(|error| unreadable(format!("{expected}: {error}")))
}

/// Returns the name of the first element.
fn root(text: &str) -> Option<&str> {
    let mut rest = text.trim_start();
    while let Some(after) = rest.strip_prefix("<?") {
        rest = after.split_once("?>")?.1.trim_start();
    }
    rest.strip_prefix('<')?.split(['>', '/', ' ', '\n', '\t', '\r']).next()
}

/// Returns so much of a text as a log may hold.
pub(crate) fn start(text: &str) -> String {
    /// Characters of vendor text in a log line.
    const MOST: usize = 300;
    text.chars().take(MOST).collect()
}

#[cfg(test)]
mod fields;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod variants;
