//! What one key means.

use super::flow;
use crate::conf::env::{self, Key};
use crate::conf::live;
use crate::conf::load::{Sources, load};
use crate::conf::node::TAG;
use crate::conf::schema::{self, Form, Schema};
use crate::conf::words;
use serde::Serialize;
use serde_json::Value as Json;

/// The topologies, as a file names them.
const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];

/// All that is known of a key.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The key, as it was found.
    pub key: String,
    /// What it means.
    pub meaning: String,
    /// What a value must look like.
    pub form: String,
    /// The default of each topology, in the order `dev`, `staging`, `prod`; empty for what has none.
    pub defaults: Vec<Default>,
    /// The environment variable that sets it, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
    /// Whether a running gateway takes a change of it over; else it counts from the next start.
    pub live: bool,
    /// The keys below it, each with its meaning.
    pub keys: Vec<(String, String)>,
}

/// The default of one topology.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Default {
    /// The topology.
    pub environment: &'static str,
    /// The value.
    pub value: Json,
}

/// Explains a key, `limits.perIdentity.rate`, `backends[].path` or `state`.
///
/// # Errors
/// There is no such key: the sentence names what is near.
pub fn explain(key: &str) -> Result<Explained, String> {
    let document = schema::document();
    let top = Schema::new(&document);
    let mut places = vec![top];
    let mut path = String::new();
    for step in key.split('.').filter(|step| !step.is_empty()) {
        let (name, item) = step.split_once('[').map_or((step, false), |(name, _)| (name, true));
        places = below(&places, name).ok_or_else(|| unknown(&path, name, &places))?;
        path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        if item || matches!(places.first().map(|place| place.form()), Some(Form::List(_))) {
            path = items(path, &mut places, item || !key.ends_with(step));
        }
    }
    let place = places.first().copied().unwrap_or(top);
    let variables = env::keys(top);
    let variable = variables.iter().find(|known| known.path.join(".") == path).map(Key::variable);
    Ok(Explained {
        defaults: defaults(&path),
        meaning: place.description().to_owned(),
        form: form(place, path.ends_with(TAG).then_some(places.as_slice())),
        variable,
        live: live::is_live(&path),
        keys: inner(&places),
        key: path,
    })
}

/// Goes on to the items of a list, if what is asked for lies in them.
fn items(path: String, places: &mut Vec<Schema<'_>>, into: bool) -> String {
    let item = places
        .first()
        .and_then(|place| if let Form::List(items) = place.form() { Some(items) } else { None });
    let item = item.filter(|_| into);
    match item {
        Some(item) => {
            *places = vec![item];
            format!("{path}[]")
        }
        None => path,
    }
}

/// Returns the places of a key in some sections; in one whose form its kind decides, each kind may have it.
fn below<'a>(places: &[Schema<'a>], name: &str) -> Option<Vec<Schema<'a>>> {
    let found: Vec<Schema<'a>> = places
        .iter()
        .flat_map(|place| {
            if let Form::Union(kinds) = place.form() {
                kinds.into_iter().map(|(_, kind)| kind).collect()
            } else {
                vec![*place]
            }
        })
        .filter_map(|place| place.property(name))
        .collect();
    (!found.is_empty()).then_some(found)
}

/// Returns the keys of some sections with their meanings.
fn inner(places: &[Schema<'_>]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for place in places {
        let sections = match place.form() {
            Form::Section(keys) => vec![keys],
            Form::Union(kinds) => kinds
                .into_iter()
                .filter_map(|(_, kind)| if let Form::Section(keys) = kind.form() { Some(keys) } else { None })
                .collect(),
            Form::List(items) => return inner(&[items]),
            Form::Free | Form::Choice(_) | Form::Text | Form::Number | Form::Bool => Vec::new(),
        };
        for (name, schema) in sections.into_iter().flatten() {
            if !all.iter().any(|(known, _)| known == name) {
                all.push((name.to_owned(), schema.description().to_owned()));
            }
        }
    }
    all
}

fn unknown(path: &str, name: &str, places: &[Schema<'_>]) -> String {
    let keys = inner(places);
    let known: Vec<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
    let place = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
    format!("{place} has no key `{name}`; {}", words::advice(name, &known))
}

/// Says what a value must look like; `kinds` are the places of a key that decides the form of its section.
fn form(place: Schema<'_>, kinds: Option<&[Schema<'_>]>) -> String {
    if let Some(kinds) = kinds {
        let words: Vec<&str> = kinds.iter().filter_map(|kind| kind.word("const")).collect();
        return words::one_of(&words).replacen("must be ", "", 1);
    }
    let range = match place.range() {
        (Some(low), Some(high)) => format!(", {low} to {high}"),
        _ => String::new(),
    };
    let optional = if place.optional() { ", may be left out" } else { "" };
    let text = match place.form() {
        Form::Section(_) => "a section".to_owned(),
        Form::Union(kinds) => {
            let words: Vec<&str> = kinds.iter().map(|(kind, _)| *kind).collect();
            format!("a section whose `{TAG}` is {}", words::one_of(&words).replacen("must be ", "", 1))
        }
        Form::Free => "a section with keys of your own".to_owned(),
        Form::List(items) => format!("a list; each item: {}", form(items, None)),
        Form::Choice(words) => words::one_of(&words).replacen("must be ", "", 1),
        Form::Text => match place.word("format") {
            Some("span") => "a duration, such as 250ms, 30s, 5m, 2h, 7d".to_owned(),
            Some("size") => "a size, such as 512B, 64KiB, 1MiB".to_owned(),
            Some("socket-address") => "an address and a port".to_owned(),
            _ => "text".to_owned(),
        },
        Form::Number => "a whole number".to_owned(),
        Form::Bool => "`true` or `false`".to_owned(),
    };
    format!("{text}{range}{optional}")
}

/// Returns the defaults of all topologies; none for what is only in the items of a list, or has no value.
fn defaults(path: &str) -> Vec<Default> {
    let of = |environment: &'static str| {
        let file = format!("environment: {environment}\n");
        let loaded = load(&Sources { file: Some(&file), ..Sources::default() });
        let node = path.split('.').try_fold(loaded.tree(), |node, step| node.get(step))?;
        Some(Default { environment, value: Json::from(node) })
    };
    ENVIRONMENTS.into_iter().filter_map(of).collect()
}

impl Explained {
    /// Lays it out for people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{}: {}", self.key, self.meaning), format!("  form      {}", self.form)];
        let same = self.defaults.windows(2).all(|pair| match pair {
            [one, other] => one.value == other.value,
            _ => true,
        });
        let shown = if same { self.defaults.get(..1).unwrap_or_default() } else { &self.defaults };
        for one in shown.iter().filter(|_| self.keys.is_empty()) {
            let of = if same { String::new() } else { format!(" ({})", one.environment) };
            lines.push(format!("  default   {}{of}", flow(&one.value)));
        }
        if self.keys.is_empty() {
            lines.push(format!("  change    {}", if self.live { "live" } else { "restart" }));
        }
        lines.extend(self.variable.iter().map(|name| format!("  variable  {name}")));
        let width = self.keys.iter().map(|(key, _)| key.len()).max().unwrap_or_default();
        lines.extend(self.keys.iter().map(|(key, meaning)| format!("  {key:width$}  {meaning}")));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_says_meaning_form_default_and_variable() {
        let found = explain("limits.perIdentity.rate").unwrap();
        assert_eq!(
            (found.meaning.as_str(), found.form.as_str()),
            ("Requests per second.", "a whole number, 1 to 1000000")
        );
        assert_eq!(found.variable.as_deref(), Some("NETWEAVE_LIMITS_PER_IDENTITY_RATE"));
        assert!(found.lines().contains(&"  default   100".to_owned()), "{:?}", found.lines());
    }

    #[test]
    fn defaults_of_topologies_are_told_apart_where_they_differ() {
        let found = explain("shutdown.delay").unwrap();
        let values: Vec<&Json> = found.defaults.iter().map(|one| &one.value).collect();
        assert_eq!(values, [&json!("5s"), &json!("15s"), &json!("15s")]);
        assert!(found.lines().contains(&"  default   15s (prod)".to_owned()), "{:?}", found.lines());
    }

    #[test]
    fn keys_of_lists_and_of_kinds_are_found() {
        for key in ["backends[].path", "backends.path", "backends[0].path"] {
            assert_eq!(explain(key).unwrap().key, "backends[].path", "{key}");
        }
        let kind = explain("state.kind").unwrap();
        assert!(kind.form.contains("`redis`") && kind.form.contains("`memory`"), "{kind:?}");
        assert!(explain("state.sentinels").unwrap().form.starts_with("a list"));
        assert!(explain("backends").unwrap().keys.iter().any(|(key, _)| key == "kubeconfig"));
        assert!(explain("limits").unwrap().keys.len() > 10);
    }

    #[test]
    fn an_unknown_key_names_what_is_near() {
        let found = explain("limits.boddy").unwrap_err();
        assert_eq!(found, "`limits` has no key `boddy`; did you mean `body`?");
        assert!(explain("lmits").unwrap_err().contains("did you mean `limits`"));
    }

    #[test]
    fn every_key_with_a_variable_is_explained() {
        let document = schema::document();
        for key in env::keys(Schema::new(&document)) {
            let path = key.path.join(".");
            let found = explain(&path).unwrap();
            assert_eq!(found.variable, Some(key.variable()), "{path}");
            assert!(!found.form.is_empty(), "{path}");
        }
    }
}
