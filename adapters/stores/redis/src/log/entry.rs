//! Reading entries of the stream `log`.
//!
//! An entry's fields are `at`, `form` (`changed` or `baseline`), `source`, `kind`, and of a change `id`, `prior` and
//! `post`, the object before and after as rows hold it, or nothing. All else is derived.

use super::row;
use crate::reply::{damaged, list, number, pairs, text};
use fred::prelude::Value;
use netweave_model::{Entry, Event, Id, Kind, Object, ObjectKey, Position, Result, SourceName, Timestamp};
use std::borrow::Cow;

/// Reads entries of one generation.
pub(super) fn decode_all(entries: Value, generation: u64) -> Result<Vec<Entry>> {
    entries.into_array().into_iter().map(|entry| decode(entry, generation)).collect()
}

fn decode(entry: Value, generation: u64) -> Result<Entry> {
    let [id, fields] = list(entry)?;
    let id = text(&id)?;
    let sequence = id.strip_suffix("-0").and_then(|sequence| sequence.parse().ok());
    let position = Position { generation, sequence: sequence.ok_or_else(|| damaged("the id of an entry"))? };
    let fields = Fields(pairs(fields).collect());
    let source = SourceName::from(&*fields.text("source")?);
    let kind: Kind = fields.text("kind")?.parse().map_err(|()| damaged("the kind of an entry"))?;
    match &*fields.text("form")? {
        "baseline" => Ok(Entry::Baseline { position, source, kind }),
        "changed" => changed(position, &source, kind, &fields).map(Entry::Changed),
        _ => Err(damaged("the form of an entry")),
    }
}

/// Reads an event.
fn changed(position: Position, source: &SourceName, kind: Kind, fields: &Fields) -> Result<Event> {
    let key = ObjectKey { kind, id: Id::from(&*fields.text("id")?) };
    let prior = fields.object("prior", &key)?;
    let post = fields.object("post", &key)?;
    let at = Timestamp(number(fields.get("at")?)?);
    Ok(Event::of((source, &key, position, at), prior.as_ref(), post.as_ref()))
}

/// The fields of an entry.
struct Fields(Vec<(Value, Value)>);

impl Fields {
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
        ];
        let fields = fields.into_iter().flat_map(|(name, value)| [name, value]).map(Value::from);
        Value::Array(vec![Value::from("9-0"), Value::Array(fields.collect())])
    }

    fn read(entry: Value) -> Event {
        match decode(entry, 3).unwrap() {
            Entry::Changed(event) => event,
            other @ (Entry::Baseline { .. } | Entry::Seen { .. }) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_type_and_the_parent_follow_from_the_objects() {
        let moved = read(entry("changed", "\"p\"\n{}", "\"q\"\n{}"));
        assert_eq!((moved.event_type, moved.parent), (EventType::Modify, Some(Id::from("q"))));
        let created = read(entry("changed", "", "\n{}"));
        assert_eq!((created.event_type, created.parent, created.prior), (EventType::Create, None, None));
        let deleted = read(entry("changed", "\"p\"\n{}", ""));
        assert_eq!((deleted.event_type, deleted.parent), (EventType::Delete, Some(Id::from("p"))));
        assert_eq!(deleted.at, Timestamp(7));
        assert_eq!(deleted.position, Position { generation: 3, sequence: 9 });
        assert_eq!(deleted.notification_id.get_version_num(), 5);
    }

    #[test]
    fn what_is_not_an_entry_is_an_error() {
        assert!(decode(entry("other", "", ""), 3).is_err());
        assert!(decode(entry("changed", "x", ""), 3).is_err());
        assert!(decode(Value::Array(vec![Value::from("9-1"), Value::Array(Vec::new())]), 3).is_err());
        assert!(decode(Value::Null, 3).is_err());
    }
}
