//! Reading entries of the stream `log`.
//!
//! An entry's fields are `at`, `form` (`changed` or `baseline`), `source`, `kind`, of a change `id`, `prior` and `post`, the
//! object before and after as rows hold it, or nothing, perhaps `trace`, the trace in which it was committed, and `born`, the
//! generation in which it was written. All else is derived.

use super::row;
use crate::reply::{damaged, list, number, pairs, text};
use fred::prelude::Value;
use netweave_model::{Entry, Event, Id, Kind, Object, ObjectKey, Position, Result, SourceName, Timestamp};
use std::borrow::Cow;

/// An entry as the server tells it: its sequence number and its fields.
pub(crate) type Raw = (u64, Vec<(Value, Value)>);

/// Takes entries apart.
pub(super) fn read_all(entries: Value) -> Result<Vec<Raw>> {
    entries.into_array().into_iter().map(read).collect()
}

fn read(entry: Value) -> Result<Raw> {
    let [id, fields] = list(entry)?;
    let id = text(&id)?;
    let sequence = id.strip_suffix("-0").and_then(|sequence| sequence.parse().ok());
    Ok((sequence.ok_or_else(|| damaged("the id of an entry"))?, pairs(fields).collect()))
}

/// Reads an entry at its position.
pub(super) fn decode(position: Position, fields: &[(Value, Value)]) -> Result<Entry> {
    let fields = Fields(fields);
    let source = SourceName::from(&*fields.text("source")?);
    let kind: Kind = fields.text("kind")?.parse().map_err(|()| damaged("the kind of an entry"))?;
    match &*fields.text("form")? {
        "baseline" => Ok(Entry::Baseline { position, source, kind }),
        "changed" => changed(position, &source, kind, &fields).map(Entry::Changed),
        _ => Err(damaged("the form of an entry")),
    }
}

/// Reads an event.
fn changed(position: Position, source: &SourceName, kind: Kind, fields: &Fields<'_>) -> Result<Event> {
    let key = ObjectKey { kind, id: Id::from(&*fields.text("id")?) };
    let prior = fields.object("prior", &key)?;
    let post = fields.object("post", &key)?;
    let at = Timestamp(number(fields.get("at")?)?);
    let event = Event::of((source, &key, position, at), prior.as_ref(), post.as_ref());
    // The same change is the same notification, whichever server tells it.
    let born = Position { generation: number(fields.get("born")?)?, ..position };
    // An odd trace is none: it decides nothing.
    let trace = fields.text("trace").ok().and_then(|trace| trace.parse().ok());
    Ok(Event { notification_id: Event::id_of(source, &key, born), trace, ..event })
}

/// The fields of an entry.
struct Fields<'a>(&'a [(Value, Value)]);

impl Fields<'_> {
    fn get(&self, name: &str) -> Result<&Value> {
        let field = self.0.iter().find(|(field, _)| field.as_bytes() == Some(name.as_bytes()));
        field.map(|(_, value)| value).ok_or_else(|| damaged("an entry without all its fields"))
    }

    fn text(&self, name: &str) -> Result<Cow<'_, str>> {
        text(self.get(name)?)
    }

    fn object(&self, name: &str, key: &ObjectKey) -> Result<Option<Object>> {
        match self.get(name)?.as_bytes() {
            Some([]) => Ok(None),
            Some(row) => row::decode(key.clone(), row).map(Some),
            None => Err(damaged("an object of an entry")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_model::EventType;

    fn entry(form: &str, prior: &str, post: &str) -> Value {
        let fields = [
            ("at", "7"),
            ("form", form),
            ("source", "lab"),
            ("kind", "resources"),
            ("id", "r"),
            ("prior", prior),
            ("post", post),
            ("born", "2"),
        ];
        let fields = fields.into_iter().flat_map(|(name, value)| [name, value]).map(Value::from);
        Value::Array(vec![Value::from("9-0"), Value::Array(fields.collect())])
    }

    fn decode_one(entry: Value) -> Result<Entry> {
        let (sequence, fields) = read(entry)?;
        decode(Position { generation: 3, sequence }, &fields)
    }

    fn event(entry: Value) -> Event {
        match decode_one(entry).unwrap() {
            Entry::Changed(event) => event,
            other @ (Entry::Baseline { .. } | Entry::Seen { .. }) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_type_and_the_parent_follow_from_the_objects() {
        let moved = event(entry("changed", "\"p\"\n{}", "\"q\"\n{}"));
        assert_eq!((moved.event_type, moved.parent), (EventType::Modify, Some(Id::from("q"))));
        let created = event(entry("changed", "", "\n{}"));
        assert_eq!((created.event_type, created.parent, created.prior), (EventType::Create, None, None));
        let deleted = event(entry("changed", "\"p\"\n{}", ""));
        assert_eq!((deleted.event_type, deleted.parent), (EventType::Delete, Some(Id::from("p"))));
        assert_eq!(deleted.at, Timestamp(7));
        assert_eq!(deleted.position, Position { generation: 3, sequence: 9 });
        let born = Position { generation: 2, sequence: 9 };
        assert_eq!(deleted.notification_id, Event::id_of(&deleted.source, &deleted.key, born));
    }

    #[test]
    fn what_is_not_an_entry_is_an_error() {
        assert!(decode_one(entry("other", "", "")).is_err());
        assert!(decode_one(entry("changed", "x", "")).is_err());
        assert!(decode_one(Value::Array(vec![Value::from("9-1"), Value::Array(Vec::new())])).is_err());
        assert!(decode_one(Value::Null).is_err());
    }
}
