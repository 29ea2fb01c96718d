//! The query of a URL: which parameters there are, decoded, each handed to the part that reads it.

use super::filter::Filter;
use super::marker::{self, Marker, stable_hash};
use super::schema::Target;
use super::selectors::{Given, Selectors};
use crate::error::{Error, Result};
use std::borrow::Cow;
use std::num::NonZeroUsize;

/// How many items a page may have.
pub const MAX_LIMIT: usize = 1000;

/// How many parameters a query may have; what the parts need bounds it much earlier.
const MAX_PARAMETERS: usize = 128;

const LIST: &str =
    "filter, fields, exclude_fields, all_fields, exclude_default, nextpage_opaque_marker and limit";
const SINGLE: &str = "fields, exclude_fields, all_fields and exclude_default";

/// The query of a collection, parsed and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Which objects; all if there is none.
    pub filter: Option<Filter>,
    /// Which of their attributes.
    pub selectors: Selectors,
    /// Where the page starts; at the beginning if there is none.
    pub marker: Option<Marker>,
    /// How many items the page may have, at most [`MAX_LIMIT`]; the collection's own default if there is none.
    pub limit: Option<NonZeroUsize>,
    hash: u64,
}

impl Query {
    /// Parses the raw query of a collection's URL, without the question mark.
    ///
    /// `collection` names what is listed (with the pool, for the resources of one) and ties markers to it. Names and values
    /// are percent-decoded and `+` is a space. `filter`, `fields` and `exclude_fields` may be repeated, the others not.
    ///
    /// # Errors
    /// `Invalid`, naming the parameter: what the parts refuse; an unknown or repeated parameter; bad percent-encoding.
    pub fn parse(target: Target, collection: &str, raw_query: &str, max_depth: usize) -> Result<Self> {
        let parameters = decode(raw_query)?;
        let mut given = Given::default();
        let (mut filters, mut marker, mut limit) = (Vec::new(), None, None);
        for (name, value) in &parameters {
            match &**name {
                "filter" => filters.push(&**value),
                marker::PARAMETER => once(&mut marker, value, marker::PARAMETER)?,
                "limit" => once(&mut limit, value, "limit")?,
                name if select(name, value, &mut given) => {}
                _ => return Err(unknown(LIST)),
            }
        }
        let filter = Filter::parse(target, filters, max_depth)?;
        let selectors = Selectors::new(target, &given)?;
        let hash = hash(collection, filter.as_ref(), &selectors);
        let marker = marker.map(|text| Marker::parse(text, collection, hash)).transpose()?;
        let limit = limit.map(parse_limit).transpose()?;
        Ok(Self { filter, selectors, marker, limit, hash })
    }

    /// Parses the raw query of a single object's URL, which may hold selectors only.
    ///
    /// # Errors
    /// As [`Query::parse`].
    pub fn parse_single(target: Target, raw_query: &str) -> Result<Selectors> {
        let parameters = decode(raw_query)?;
        let mut given = Given::default();
        for (name, value) in &parameters {
            if !select(name, value, &mut given) {
                return Err(unknown(SINGLE));
            }
        }
        Selectors::new(target, &given)
    }

    /// Returns the one spelling that equal queries share, markers and limit included; no two others share one.
    pub fn canonical(&self) -> String {
        let filter = self.filter.as_ref().map_or("", Filter::canonical);
        let marker = self.marker.as_ref().map_or_else(String::new, Marker::canonical);
        let limit = self.limit.map_or(0, NonZeroUsize::get);
        joined(&[filter, self.selectors.canonical(), &marker, &limit.to_string()])
    }

    /// Writes the raw query of the same listing without a marker, from what equal queries share; empty if there is nothing.
    pub fn parameters(&self) -> String {
        let mut out = String::new();
        if let Some(limit) = self.limit {
            push("limit", &limit.to_string(), &mut out);
        }
        if let Some(filter) = &self.filter {
            push("filter", filter.canonical(), &mut out);
        }
        if let Some((name, value)) = self.selectors.canonical().split_once('=') {
            push(name, value, &mut out);
        }
        out
    }

    /// Hashes what the pages of one listing share: collection, filter and selectors. The same in every process.
    pub fn hash(&self) -> u64 {
        self.hash
    }
}

fn hash(collection: &str, filter: Option<&Filter>, selectors: &Selectors) -> u64 {
    let filter = filter.map_or("", Filter::canonical);
    stable_hash(joined(&[collection, filter, selectors.canonical()]).as_bytes())
}

/// Joins texts so that no two lists give the same text.
fn joined(parts: &[&str]) -> String {
    let mut out = String::new();
    for part in parts {
        out.push_str(&part.len().to_string());
        out.push(':');
        out.push_str(part);
    }
    out
}

/// Appends a parameter with all escaped that means something in a query.
fn push(name: &str, value: &str, out: &mut String) {
    if !out.is_empty() {
        out.push('&');
    }
    out.push_str(name);
    out.push('=');
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~(),;/:@'".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let digits =
                [byte >> 4, byte & 15].into_iter().filter_map(|digit| char::from_digit(digit.into(), 16));
            out.push('%');
            out.extend(digits.map(|digit| digit.to_ascii_uppercase()));
        }
    }
}

/// Takes a selector parameter; `false` if it is none.
fn select<'a>(name: &str, value: &'a str, given: &mut Given<'a>) -> bool {
    match name {
        "all_fields" => given.all_fields = true,
        "exclude_default" => given.exclude_default = true,
        "fields" => given.fields.push(value),
        "exclude_fields" => given.exclude_fields.push(value),
        _ => return false,
    }
    true
}

fn once<'a>(slot: &mut Option<&'a str>, value: &'a str, parameter: &'static str) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::invalid(parameter, "the parameter may be given once")),
    }
}

fn parse_limit(text: &str) -> Result<NonZeroUsize> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = text.parse::<NonZeroUsize>().ok().filter(|limit| digits && limit.get() <= MAX_LIMIT);
    limit.ok_or_else(|| Error::invalid("limit", format!("the limit must be a number from 1 to {MAX_LIMIT}")))
}

fn unknown(known: &'static str) -> Error {
    Error::invalid("query", format!("there is an unknown parameter; known are {known}"))
}

/// Splits a raw query and decodes names and values.
fn decode(raw: &str) -> Result<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    let mut parameters = Vec::new();
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        if parameters.len() == MAX_PARAMETERS {
            return Err(Error::invalid("query", "there are too many parameters"));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        parameters.push((percent_decode(name)?, percent_decode(value)?));
    }
    Ok(parameters)
}

/// Decodes one name or value, as HTML forms encode it. Half an escape, or bytes that are no UTF-8, are refused.
fn percent_decode(text: &str) -> Result<Cow<'_, str>> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next())
                .zip(hex(bytes.next()))
                .map(|(high, low)| high << 4 | low)
                .ok_or_else(|| Error::invalid("query", "the percent-encoding is broken"))?,
            plain => plain,
        });
    }
    let text = String::from_utf8(decoded).map_err(|error| {
        Error::invalid("query", "a parameter is not UTF-8 after percent-decoding")
            .with_source(error.utf8_error())
    })?;
    Ok(Cow::Owned(text))
}

fn hex(digit: Option<u8>) -> Option<u8> {
    char::from(digit?).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests;
