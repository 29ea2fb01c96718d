//! The reference of all keys, as Markdown: the source of `docs/configuration.md`.

use super::{Schema, flow};
use crate::conf::env::{self, Key};
use crate::conf::live;
use crate::conf::schema::{self, Form};
use std::collections::BTreeMap;

const HEAD: &str = "\
# Configuration

Made by `netweave config reference`; do not edit.

One YAML 1.2 file, given with `-c`. Every key has a default that works; the file names what differs. `netweave config default`
prints all keys with their defaults, `netweave config schema` the JSON Schema for editors, `netweave check-config FILE` every
fault of a file with its line, `netweave config show --origin` the values in force and where each comes from.

- **What wins**: flags, then environment variables, then the file, then the defaults of `serve --dev` if it is given, then those of
  the topology (`environment`), then those below. `staging` and `prod` set `shutdown.delay` to 15s.
- **Strict**: an unknown key, a key given twice, a wrong type and a value out of range are faults; the nearest known key is named.
- **Environment variables**: `NETWEAVE_` and the path, as in the tables. Lists of plain values are written with commas; mappings,
  and lists of mappings, as YAML in one line. An unknown `NETWEAVE_` variable is a warning in `dev` and a fault otherwise; those
  that Kubernetes sets for Services are ignored.
- **Change**: a `live` key is taken over by a running gateway when its file changes, on SIGHUP and by `netweave reload`; a file with a
  fault changes nothing. A `restart` key counts from the next start.
- **Units**: durations `250ms`, `30s`, `5m`, `2h`, `7d`; sizes `512B`, `64KiB`, `1MiB`, `1GiB`.
- **Paths** that are relative start at the working folder.";

/// Prints the reference.
pub fn reference() -> String {
    let document = schema::document();
    let schema = Schema::new(&document);
    let variables: BTreeMap<String, String> =
        env::keys(schema).iter().map(|key| (key.path.join("."), Key::variable(key))).collect();
    let mut lines = vec![HEAD.to_owned()];
    table(schema, "", "The file", &variables, &mut lines);
    lines.push(String::new());
    lines.join("\n")
}

/// Prints the plain keys of a section as a table, then its sections.
fn table(
    schema: Schema<'_>,
    path: &str,
    title: &str,
    variables: &BTreeMap<String, String>,
    lines: &mut Vec<String>,
) {
    let keys = match schema.form() {
        Form::Section(keys) => keys,
        Form::Union(kinds) => {
            for (kind, schema) in kinds {
                table(schema, path, &format!("{title}, kind {kind}"), variables, lines);
            }
            return;
        }
        Form::Free | Form::List(_) | Form::Choice(_) | Form::Text | Form::Number | Form::Bool => return,
    };
    lines.push(format!("\n## {title}\n\n{}\n", schema.description()));
    lines.push(
        "| Key | Default | Range | Change | Variable | Meaning |\n|---|---|---|---|---|---|".to_owned(),
    );
    let mut inner = Vec::new();
    for (name, key) in keys {
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match key.form() {
            Form::Section(_) | Form::Union(_) => {
                lines.push(format!("| `{name}` | | | | | {} See below. |", escaped(key.description())));
                inner.push((key, path));
            }
            Form::List(items) if matches!(items.form(), Form::Union(_) | Form::Section(_)) => {
                lines.push(row((name, &path), key, variables.get(&path)));
                inner.push((items, format!("{path}[]")));
            }
            Form::Free | Form::List(_) | Form::Choice(_) | Form::Text | Form::Number | Form::Bool => {
                lines.push(row((name, &path), key, variables.get(&path)));
            }
        }
    }
    for (key, path) in inner {
        table(key, &path, &format!("`{path}`"), variables, lines);
    }
}

fn row((name, path): (&str, &str), key: Schema<'_>, variable: Option<&String>) -> String {
    let range = match (key.range(), key.form()) {
        ((Some(low), Some(high)), _) => format!("{low} to {high}"),
        (_, Form::Choice(words)) => {
            words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    };
    let default =
        key.keyword("default").filter(|value| !value.is_null()).map(|value| format!("`{}`", flow(value)));
    let variable = variable.map(|name| format!("`{name}`"));
    let change = if live::is_live(path) { "live" } else { "restart" };
    format!(
        "| `{name}` | {} | {range} | {change} | {} | {} |",
        escaped(&default.unwrap_or_default()),
        variable.unwrap_or_default(),
        escaped(key.description())
    )
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
