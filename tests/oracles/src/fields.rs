//! What must be compared: the fields of `fields.txt`, among them all that the documentation promises.

use crate::table::{THERE, Table};
use std::collections::BTreeSet;

/// Backend, object, field.
type Field = (&'static str, &'static str, String);

const FIELDS: &str = include_str!("../fields.txt");
const DOCUMENT: &str = include_str!("../../../docs/api-mapping.md");
/// Where the document names the keys of a backend: from a text to another.
const PROMISES: [(&str, &str, &str); 3] = [
    ("aws", "Keys of `extensions`; what is not set", "Left out: what is gone"),
    ("gcp", "### Keys of `extensions`\n\n| Object | Keys |", "Left out, and not asked for"),
    ("vmware", "| `extensions`, all |", "Left out: notes"),
];
/// Words in these places that are no keys: values, and names of Google.
const OTHERS: [&str; 3] = ["poweredOn", "resourceId", "id"];

/// Finds what is wrong with the comparison itself, so that it cannot hold by comparing nothing.
pub(crate) fn judge(table: &mut Table) -> Vec<String> {
    let listed = listed();
    let seen: BTreeSet<_> = table.rows.keys().filter(|(_, _, field)| field != THERE).cloned().collect();
    let mut faults = Vec::new();
    for (backend, object, field) in seen.difference(&listed) {
        faults.push(format!("{backend} {object} {field}: is read, but not listed"));
    }
    for field in listed.difference(&seen) {
        table.rows.entry(field.clone()).or_default().note.push_str("not exercised");
        faults.push(format!("{} {} {}: no object on any peer has it", field.0, field.1, field.2));
    }
    faults.extend(unlisted(&listed));
    faults
}

fn listed() -> BTreeSet<Field> {
    let mut fields = BTreeSet::new();
    let mut of = ("", "");
    for line in FIELDS.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix(' ') {
            Some(names) => fields.extend(names.split_whitespace().map(|name| (of.0, of.1, full(name)))),
            None => of = line.split_once(": ").unwrap_or_default(),
        }
    }
    fields
}

fn full(name: &str) -> String {
    name.strip_prefix('.').map_or_else(|| name.to_owned(), |key| format!("extensions.{key}"))
}

/// Finds keys that the document promises and nobody compares.
fn unlisted(listed: &BTreeSet<Field>) -> Vec<String> {
    let mut faults = Vec::new();
    for (backend, from, to) in PROMISES {
        let (_, rest) = DOCUMENT.split_once(from).expect("where the keys of a backend begin");
        let (keys, _) = rest.split_once(to).expect("where the keys of a backend end");
        let fields = listed.iter().filter(|(of, _, _)| *of == backend);
        let known: BTreeSet<_> = fields
            .flat_map(|(_, _, field)| field.split('.'))
            .map(|part| part.trim_end_matches("[]"))
            .collect();
        let missing = keys
            .split('`')
            .skip(1)
            .step_by(2)
            .flat_map(words)
            .filter(|word| !known.contains(word) && !OTHERS.contains(word));
        faults.extend(missing.map(|word| format!("{backend}: {word} is promised, but not compared")));
    }
    faults
}

/// Returns the keys of a quotation: `key`, `key: value`, or `{key, key}`.
fn words(quoted: &str) -> Vec<&str> {
    let is_key = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(|c| c.is_ascii_alphanumeric())
    };
    match quoted.strip_prefix('{').and_then(|list| list.strip_suffix('}')) {
        Some(list) => list.split(", ").filter(is_key).collect(),
        None => quoted.split(": ").take(1).filter(is_key).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Row;

    #[test]
    fn nothing_compared_is_nothing_that_holds() {
        let faults = judge(&mut Table::default());
        assert_eq!(faults.len(), listed().len());
        assert!(faults.len() > 400, "{}", faults.len());
    }

    #[test]
    fn what_is_read_is_listed() {
        let mut table = Table::default();
        table.rows = listed().into_iter().map(|field| (field, Row::default())).collect();
        assert_eq!(judge(&mut table), [""; 0], "all of it, and all that is promised");
        table.rows.insert(("aws", "instance", "extensions.new".to_owned()), Row::default());
        assert_eq!(judge(&mut table), ["aws instance extensions.new: is read, but not listed"]);
    }

    #[test]
    fn keys_are_what_is_quoted() {
        assert_eq!(words("name"), ["name"]);
        assert_eq!(words("profile: vsphere"), ["profile"]);
        assert_eq!(words("{id, mac}"), ["id", "mac"]);
        assert_eq!(words("%2f"), [""; 0]);
    }
}
