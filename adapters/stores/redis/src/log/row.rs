//! How an object is stored: its parent as JSON text, or nothing, then a line feed, then its JSON as it is.
//!
//! Two objects with one id are equal if and only if their texts are, so a row needs no fingerprint.

use crate::reply::damaged;
use bytes::Bytes;
use netweave_model::{Id, Object, ObjectKey, Result};

/// Lays out an object.
pub(super) fn encode(object: &Object) -> Bytes {
    let parent = object.parent.as_ref().map(|parent| serde_json::Value::from(parent.as_str()).to_string());
    let parent = parent.unwrap_or_default();
    let mut row = Vec::with_capacity(parent.len() + 1 + object.json.len());
    row.extend_from_slice(parent.as_bytes());
    row.push(b'\n');
    row.extend_from_slice(&object.json);
    row.into()
}

/// Reads an object. The JSON is copied, as the bytes are a part of something larger.
pub(super) fn decode(key: ObjectKey, row: &[u8]) -> Result<Object> {
    let mut parts = row.splitn(2, |byte| *byte == b'\n');
    let (Some(parent), Some(json)) = (parts.next(), parts.next()) else {
        return Err(damaged("a row without its line feed"));
    };
    let parent: Option<Id> = match parent {
        [] => None,
        text => Some(serde_json::from_slice(text).map_err(|error| damaged("a parent").with_source(error))?),
    };
    Ok(Object { key, parent, json: Bytes::copy_from_slice(json) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_model::Kind;

    #[test]
    fn rows_are_read_back() {
        let key = ObjectKey { kind: Kind::Resource, id: Id::from("r") };
        for parent in [None, Some(""), Some("pool"), Some("two\nlines \"quoted\"")] {
            let object =
                Object { key: key.clone(), parent: parent.map(Id::from), json: Bytes::from_static(b"{\n}") };
            assert_eq!(decode(key.clone(), &encode(&object)).unwrap(), object);
        }
        assert!(decode(key.clone(), b"{}").is_err());
        assert!(decode(key, b"pool\n{}").is_err());
    }
}
