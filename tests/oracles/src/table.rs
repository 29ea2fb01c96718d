//! Two listings of one peer, side by side: which field of which object says the same.

use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What one client says of a peer: JSON objects by the word for what they are, and a name that both clients know.
pub(crate) type Stock = BTreeMap<(&'static str, String), Value>;

/// Attributes whose own keys are not ours but those of whoever owns the object.
const FREE: [&str; 2] = ["extensions.tags", "extensions.labels"];
/// The field that says that an object is there at all.
pub(crate) const THERE: &str = "(object)";

/// What came of one field of one sort of object, over all objects that have it.
#[derive(Default)]
pub(crate) struct Row {
    pub(crate) equal: usize,
    pub(crate) different: usize,
    /// The first difference.
    pub(crate) note: String,
}

impl Row {
    pub(crate) fn compared(&self) -> usize {
        self.equal + self.different
    }
}

/// Rows by backend, object and field.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) rows: BTreeMap<(&'static str, &'static str, String), Row>,
    pub(crate) objects: usize,
    /// Objects with a difference.
    pub(crate) failed: usize,
}

impl Table {
    /// Compares what a backend says with what another client says of the same peer.
    pub(crate) fn compare(&mut self, backend: &'static str, ours: &Stock, theirs: &Stock) {
        let keys: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        for key in keys {
            let (object, name) = key;
            self.objects += 1;
            let before = self.different();
            let there = (ours.contains_key(key), theirs.contains_key(key));
            let said = |there: bool| if there { "listed" } else { "missing" };
            self.count(backend, object, THERE, there.0 == there.1, || {
                format!("{name}: {} here, {} there", said(there.0), said(there.1))
            });
            if let (Some(ours), Some(theirs)) = (ours.get(key), theirs.get(key)) {
                self.values(backend, object, name, &flat(ours), &flat(theirs));
            }
            self.failed += usize::from(self.different() > before);
        }
    }

    fn values(
        &mut self,
        backend: &'static str,
        object: &'static str,
        name: &str,
        ours: &BTreeMap<String, Value>,
        theirs: &BTreeMap<String, Value>,
    ) {
        let fields: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        for field in fields {
            let (here, there) = (ours.get(field), theirs.get(field));
            let said = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
            self.count(backend, object, field, here == there, || {
                format!("{name}: {} here, {} there", said(here), said(there))
            });
        }
    }

    fn count(
        &mut self,
        backend: &'static str,
        object: &'static str,
        field: &str,
        equal: bool,
        note: impl FnOnce() -> String,
    ) {
        let row = self.rows.entry((backend, object, field.to_owned())).or_default();
        if equal {
            row.equal += 1;
        } else {
            row.different += 1;
            if row.note.is_empty() {
                row.note = note();
            }
        }
    }

    /// Returns how many values differ.
    pub(crate) fn different(&self) -> usize {
        self.rows.values().map(|row| row.different).sum()
    }

    /// Returns how many fields were compared.
    pub(crate) fn fields(&self) -> usize {
        self.rows.iter().filter(|((_, _, field), row)| field != THERE && row.compared() > 0).count()
    }

    /// Writes the rows as aligned text.
    pub(crate) fn text(&self) -> String {
        let mut text = line("backend", "object", "field", ["compared", "equal", "different"], "note");
        for ((backend, object, field), row) in &self.rows {
            let counts = [row.compared(), row.equal, row.different].map(|count| count.to_string());
            text += &line(backend, object, field, counts.each_ref().map(String::as_str), &row.note);
        }
        text
    }
}

fn line(backend: &str, object: &str, field: &str, [a, b, c]: [&str; 3], note: &str) -> String {
    let mut line = String::new();
    write!(line, "{backend:<8}{object:<24}{field:<50}{a:>9}{b:>9}{c:>10}  {note}").expect("text takes text");
    line.truncate(line.trim_end().len());
    line + "\n"
}

/// Spreads an object to one value per field; `list[].part` has a value for each item. What is empty is absent.
fn flat(value: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    spread("", value, &mut found);
    found
}

fn spread(path: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(pairs) if !FREE.contains(&path) => spread_pairs(path, pairs, found),
        Value::Array(items) if items.iter().any(Value::is_object) => spread_items(path, items, found),
        Value::String(text) if path.ends_with("At") => {
            let time = text.parse::<Timestamp>().map_or_else(|_| text.clone(), |time| time.to_string());
            found.insert(path.to_owned(), time.into());
        }
        _ if is_empty(value) => {}
        _ => drop(found.insert(path.to_owned(), value.clone())),
    }
}

fn spread_pairs(path: &str, pairs: &Map<String, Value>, found: &mut BTreeMap<String, Value>) {
    for (key, value) in pairs {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        spread(&path, value, found);
    }
}

fn spread_items(path: &str, items: &[Value], found: &mut BTreeMap<String, Value>) {
    let items: Vec<_> = items.iter().map(flat).collect();
    let parts: BTreeSet<_> = items.iter().flat_map(BTreeMap::keys).collect();
    for part in parts {
        let column = items.iter().map(|item| item.get(part).cloned().unwrap_or_default());
        found.insert(format!("{path}[].{part}"), column.collect());
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(pairs) => pairs.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stock(value: Value) -> Stock {
        BTreeMap::from([(("thing", "a".to_owned()), value)])
    }

    fn compared(ours: Value, theirs: Value) -> Table {
        let mut table = Table::default();
        table.compare("x", &stock(ours), &stock(theirs));
        table
    }

    #[test]
    fn every_field_is_a_row_and_one_that_differs_is_told() {
        let ours = json!({ "a": 1, "list": [{ "b": 2 }, { "b": 3, "c": "" }], "none": [], "madeAt": "2026-01-02T03:04:05.000Z" });
        let theirs =
            json!({ "a": 1, "list": [{ "b": 2 }, { "b": 4 }], "madeAt": "2026-01-02T04:04:05+01:00" });
        let table = compared(ours, theirs);
        let rows: Vec<_> =
            table.rows.iter().map(|((_, _, field), row)| (field.as_str(), row.different)).collect();
        assert_eq!(rows, [(THERE, 0), ("a", 0), ("list[].b", 1), ("madeAt", 0)]);
        assert_eq!((table.objects, table.failed, table.different()), (1, 1, 1));
        assert!(table.text().contains("a: [2,3] here, [2,4] there"));
    }

    #[test]
    fn what_one_side_lacks_is_a_difference() {
        assert_eq!(compared(json!({ "a": 1 }), json!({})).different(), 1);
        let mut table = Table::default();
        table.compare("x", &stock(json!({})), &Stock::new());
        assert_eq!((table.failed, table.different()), (1, 1));
    }

    #[test]
    fn tags_are_one_field() {
        let table = compared(
            json!({ "extensions": { "tags": { "k": "v" } } }),
            json!({ "extensions": { "tags": { "k": "v" } } }),
        );
        assert!(table.rows.contains_key(&("x", "thing", "extensions.tags".to_owned())));
    }
}
