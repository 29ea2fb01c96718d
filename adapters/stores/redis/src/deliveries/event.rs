//! How an event is stored that queued items tell: a line of JSON about it, then the objects before and after, as they are.

use crate::reply::damaged;
use bytes::Bytes;
use fred::prelude::Value;
use netweave_model::{Error, Event, EventType, Id, ObjectKey, Position, Result, SourceName, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The line of JSON; in place of the objects it has their lengths.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    position: Position,
    notification_id: Uuid,
    source: SourceName,
    key: ObjectKey,
    parent: Option<Id>,
    event_type: EventType,
    prior: Option<usize>,
    post: Option<usize>,
    at: Timestamp,
}

/// Lays out an event.
pub(super) fn encode(event: &Event) -> Result<Value> {
    let head = Head {
        position: event.position,
        notification_id: event.notification_id,
        source: event.source.clone(),
        key: event.key.clone(),
        parent: event.parent.clone(),
        event_type: event.event_type,
        prior: event.prior.as_ref().map(Bytes::len),
        post: event.post.as_ref().map(Bytes::len),
        at: event.at,
    };
    let mut bytes = serde_json::to_vec(&head)
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
    let head: Head = serde_json::from_slice(head).map_err(|error| damaged("an event").with_source(error))?;
    let mut objects = Bytes::copy_from_slice(objects.get(1..).unwrap_or_default());
    let event = Event {
        prior: cut(&mut objects, head.prior)?,
        post: cut(&mut objects, head.post)?,
        position: head.position,
        notification_id: head.notification_id,
        source: head.source,
        key: head.key,
        parent: head.parent,
        event_type: head.event_type,
        at: head.at,
    };
    if objects.is_empty() { Ok(event) } else { Err(damaged("a long event")) }
}

fn cut(objects: &mut Bytes, length: Option<usize>) -> Result<Option<Bytes>> {
    match length {
        None => Ok(None),
        Some(length) if length <= objects.len() => Ok(Some(objects.split_to(length))),
        Some(_) => Err(short()),
    }
}

fn short() -> Error {
    damaged("a short event")
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_model::Kind;

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
