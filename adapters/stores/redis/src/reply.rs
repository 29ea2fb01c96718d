//! Reading what the scripts answer. An answer of another shape is a fault of ours, or somebody else wrote our keys.

use fred::prelude::Value;
use netweave_model::{Error, Position, Result};
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::str::FromStr;

/// The error of something in the store that cannot be read.
pub(crate) fn damaged(what: &str) -> Error {
    Error::internal(format!("the store holds something that is not ours: {what}"))
}

/// Reads a list of a fixed length.
pub(crate) fn list<const N: usize>(value: Value) -> Result<[Value; N]> {
    let found = value.into_array();
    found.try_into().map_err(|found: Vec<Value>| damaged(&format!("{} values instead of {N}", found.len())))
}

/// Reads pairs, whose halves come one after the other.
pub(crate) fn pairs(value: Value) -> impl Iterator<Item = (Value, Value)> {
    let mut values = value.into_array().into_iter();
    std::iter::from_fn(move || Some((values.next()?, values.next()?)))
}

/// Reads a text.
pub(crate) fn text(value: &Value) -> Result<Cow<'_, str>> {
    value.as_str().ok_or_else(|| damaged("a text"))
}

/// Reads a whole number.
pub(crate) fn number<T: FromStr>(value: &Value) -> Result<T> {
    text(value)?.parse().ok().ok_or_else(|| damaged("a number"))
}

/// Reads a position: generation and sequence.
pub(crate) fn position(value: Value) -> Result<Position> {
    let [generation, sequence] = list(value)?;
    Ok(Position { generation: number(&generation)?, sequence: number(&sequence)? })
}

/// Reads JSON.
pub(crate) fn json<T: DeserializeOwned>(value: &Value) -> Result<T> {
    let bytes = value.as_bytes().ok_or_else(|| damaged("a text"))?;
    serde_json::from_slice(bytes).map_err(|error| damaged("a JSON text").with_source(error))
}
