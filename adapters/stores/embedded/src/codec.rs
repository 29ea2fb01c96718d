//! How rows, events and entries are laid out in the file: a small head, then the objects' JSON as it is.

use bytes::Bytes;
use netweave_memory::Fingerprint;
use netweave_model::{
    Entry, Error, Event, EventHead, Id, Kind, Object, ObjectKey, Position, Result, SourceName, Timestamp,
};
use serde::{Deserialize, Serialize};

/// The length that stands for "no parent".
const NO_PARENT: u32 = u32::MAX;

/// The kinds in the order of their codes, which is also the order of the type; never to be changed.
const KINDS: [Kind; 8] = [
    Kind::Location,
    Kind::OCloudSite,
    Kind::ResourceType,
    Kind::ResourcePool,
    Kind::Resource,
    Kind::DeploymentManager,
    Kind::AlarmDictionary,
    Kind::PerformanceDictionary,
];

/// An entry as it is stored, without the objects.
#[derive(Serialize, Deserialize)]
enum Head {
    Changed(EventHead),
    Baseline { position: Position, source: SourceName, kind: Kind },
}

/// Returns the code of a kind.
pub(crate) fn kind_code(kind: Kind) -> u8 {
    match kind {
        Kind::Location => 0,
        Kind::OCloudSite => 1,
        Kind::ResourceType => 2,
        Kind::ResourcePool => 3,
        Kind::Resource => 4,
        Kind::DeploymentManager => 5,
        Kind::AlarmDictionary => 6,
        Kind::PerformanceDictionary => 7,
    }
}

/// Returns the kind of a code.
pub(crate) fn kind_of(code: u8) -> Result<Kind> {
    KINDS.get(usize::from(code)).copied().ok_or_else(|| damaged("an unknown kind"))
}

/// The error of a file whose content cannot be read.
pub(crate) fn damaged(what: &str) -> Error {
    Error::internal(format!("the state file is damaged: {what}"))
}

/// Lays out a row: fingerprint, length of the parent, parent, JSON.
pub(crate) fn encode_row(object: &Object, fingerprint: Fingerprint) -> Vec<u8> {
    let parent = object.parent.as_ref().map(|parent| parent.as_str().as_bytes());
    let length = parent.map_or(NO_PARENT, |parent| u32::try_from(parent.len()).unwrap_or(NO_PARENT));
    let mut row = Vec::with_capacity(20 + parent.map_or(0, <[u8]>::len) + object.json.len());
    row.extend_from_slice(&fingerprint.0);
    row.extend_from_slice(&length.to_be_bytes());
    row.extend_from_slice(parent.unwrap_or_default());
    row.extend_from_slice(&object.json);
    row
}

/// Reads the fingerprint of a row.
pub(crate) fn row_fingerprint(row: &[u8]) -> Result<Fingerprint> {
    row.first_chunk().map(|bytes| Fingerprint(*bytes)).ok_or_else(|| damaged("a short row"))
}

/// Reads a row.
pub(crate) fn decode_row(key: ObjectKey, row: &[u8]) -> Result<Object> {
    let short = || damaged("a short row");
    let (length, rest) = row.get(16..).and_then(<[u8]>::split_first_chunk).ok_or_else(short)?;
    let (parent, json) = match u32::from_be_bytes(*length) {
        NO_PARENT => (None, rest),
        length => {
            let (parent, json) = rest.split_at_checked(length as usize).ok_or_else(short)?;
            let parent =
                std::str::from_utf8(parent).map_err(|error| damaged("a parent").with_source(error))?;
            (Some(Id::from(parent)), json)
        }
    };
    Ok(Object { key, parent, json: Bytes::copy_from_slice(json) })
}

/// Lays out an event: length of the head, head, state before, state after.
pub(crate) fn encode_event(event: &Event) -> serde_json::Result<Vec<u8>> {
    let bytes = encode(&Head::Changed(EventHead::of(event)))?;
    Ok(with_objects(bytes, event))
}

/// Reads an event.
pub(crate) fn decode_event(bytes: &[u8]) -> Result<Event> {
    match decode(bytes)? {
        Entry::Changed(event) => Ok(event),
        Entry::Baseline { .. } | Entry::Seen { .. } => Err(damaged("an event of another kind")),
    }
}

/// Lays out an entry: its time, then as an event.
pub(crate) fn encode_entry(at: Timestamp, entry: &Entry) -> serde_json::Result<Vec<u8>> {
    let body = match entry {
        Entry::Changed(event) => encode_event(event)?,
        Entry::Baseline { position, source, kind } => {
            encode(&Head::Baseline { position: *position, source: source.clone(), kind: *kind })?
        }
        Entry::Seen { .. } => Vec::new(),
    };
    let mut bytes = Vec::with_capacity(8 + body.len());
    bytes.extend_from_slice(&at.0.to_be_bytes());
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// Reads the time of an entry.
pub(crate) fn entry_time(bytes: &[u8]) -> Result<Timestamp> {
    let time = bytes.first_chunk().ok_or_else(|| damaged("a short entry"))?;
    Ok(Timestamp(i64::from_be_bytes(*time)))
}

/// Reads an entry.
pub(crate) fn decode_entry(bytes: &[u8]) -> Result<Entry> {
    decode(bytes.get(8..).ok_or_else(|| damaged("a short entry"))?)
}

fn encode(head: &Head) -> serde_json::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, head)?;
    let length = u32::try_from(bytes.len() - 4).unwrap_or(u32::MAX);
    if let Some(place) = bytes.first_chunk_mut() {
        *place = length.to_be_bytes();
    }
    Ok(bytes)
}

fn with_objects(mut bytes: Vec<u8>, event: &Event) -> Vec<u8> {
    for object in [&event.prior, &event.post].into_iter().flatten() {
        bytes.extend_from_slice(object);
    }
    bytes
}

fn decode(bytes: &[u8]) -> Result<Entry> {
    let short = || damaged("a short event");
    let (length, rest) = bytes.split_first_chunk().ok_or_else(short)?;
    let (head, objects) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(short)?;
    let head = serde_json::from_slice(head).map_err(|error| damaged("an event").with_source(error))?;
    match head {
        Head::Changed(head) => {
            let (event, _) = head.with(Bytes::copy_from_slice(objects)).ok_or_else(short)?;
            Ok(Entry::Changed(event))
        }
        Head::Baseline { position, source, kind } => Ok(Entry::Baseline { position, source, kind }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_model::EventType;
    use uuid::Uuid;

    fn event() -> Event {
        Event {
            position: Position { generation: 3, sequence: 9 },
            notification_id: Uuid::from_u128(7),
            source: SourceName::from("lab"),
            key: ObjectKey { kind: Kind::Resource, id: Id::from("r") },
            parent: Some(Id::from("p")),
            event_type: EventType::Modify,
            prior: Some(Bytes::from_static(b"{\"a\":1}")),
            post: Some(Bytes::from_static(b"{\"a\":22}")),
            at: Timestamp(5),
            trace: None,
        }
    }

    #[test]
    fn codes_of_kinds_keep_their_order() {
        assert!(KINDS.is_sorted());
        for kind in Kind::ALL {
            assert_eq!(kind_of(kind_code(kind)).unwrap(), kind);
        }
        assert!(kind_of(8).is_err());
    }

    #[test]
    fn rows_are_read_back() {
        let key = ObjectKey { kind: Kind::Resource, id: Id::from("r") };
        for parent in [None, Some(Id::from("")), Some(Id::from("pool"))] {
            let object = Object { key: key.clone(), parent, json: Bytes::from_static(b"{}") };
            let fingerprint = Fingerprint::of(&object);
            let row = encode_row(&object, fingerprint);
            assert_eq!(row_fingerprint(&row).unwrap(), fingerprint);
            assert_eq!(decode_row(key.clone(), &row).unwrap(), object);
        }
    }

    #[test]
    fn entries_are_read_back() {
        let mut created = event();
        created.prior = None;
        let mut deleted = event();
        deleted.post = None;
        let position = Position { generation: 3, sequence: 10 };
        let baseline = Entry::Baseline { position, source: SourceName::from("lab"), kind: Kind::Resource };
        let entries = [event(), created, deleted].map(Entry::Changed).into_iter().chain([baseline]);
        for entry in entries {
            let bytes = encode_entry(Timestamp(-4), &entry).unwrap();
            assert_eq!(entry_time(&bytes).unwrap(), Timestamp(-4));
            assert_eq!(decode_entry(&bytes).unwrap(), entry);
        }
    }

    #[test]
    fn a_cut_off_value_is_an_error() {
        let bytes = encode_entry(Timestamp(1), &Entry::Changed(event())).unwrap();
        for length in 0..bytes.len() {
            assert!(decode_entry(&bytes[..length]).is_err(), "{length}");
        }
        assert!(decode_row(event().key, &[0; 19]).is_err());
    }
}
