//! How an event is stored that queued items tell: a line of JSON about it, then the objects before and after, as they are.

use crate::reply::damaged;
use bytes::Bytes;
use fred::prelude::Value;
use netweave_model::{Error, Event, EventHead, Result};

/// Lays out an event.
pub(super) fn encode(event: &Event) -> Result<Value> {
    let mut bytes = serde_json::to_vec(&EventHead::of(event))
        .map_err(|error| Error::internal("an event cannot be written").with_source(error))?;
    bytes.push(b'\n');
    for object in [&event.prior, &event.post].into_iter().flatten() {
        bytes.extend_from_slice(object);
    }
    Ok(Value::Bytes(bytes.into()))
}

/// Reads an event.
pub(super) fn decode(bytes: &[u8]) -> Result<Event> {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (head, objects) = end.and_then(|end| bytes.split_at_checked(end)).ok_or_else(short)?;
    let head: EventHead =
        serde_json::from_slice(head).map_err(|error| damaged("an event").with_source(error))?;
    let objects = Bytes::copy_from_slice(objects.get(1..).unwrap_or_default());
    let (event, rest) = head.with(objects).ok_or_else(short)?;
    if rest.is_empty() { Ok(event) } else { Err(damaged("a long event")) }
}

fn short() -> Error {
    damaged("a short event")
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_model::{EventType, Id, Kind, ObjectKey, Position, SourceName, Timestamp};
    use uuid::Uuid;

    #[test]
    fn events_are_read_back() {
        let event = Event {
            position: Position { generation: 3, sequence: 9 },
            notification_id: Uuid::from_u128(7),
            source: SourceName::from("lab"),
            key: ObjectKey { kind: Kind::Resource, id: Id::from("two\nlines") },
            parent: Some(Id::from("p")),
            event_type: EventType::Modify,
            prior: Some(Bytes::from_static(b"{\n\"a\":1}")),
            post: Some(Bytes::from_static(b"{\"a\":22,\"b\":\"\xff\"}")),
            at: Timestamp(5),
            trace: None,
        };
        let created = Event { prior: None, ..event.clone() };
        let deleted = Event { post: None, ..event.clone() };
        for event in [event, created, deleted] {
            let value = encode(&event).unwrap();
            let bytes = value.as_bytes().unwrap();
            assert_eq!(decode(bytes).unwrap(), event);
            for length in 0..bytes.len() {
                assert!(decode(&bytes[..length]).is_err(), "{length}");
            }
        }
    }
}
