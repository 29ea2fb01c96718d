//! The JSON Schema of the configuration, derived from its types, and a typed view of it.
//!
//! Doc comments, defaults, ranges and examples are written once, beside the fields; the checks of a file's form, the printed
//! default, the reference and the environment variables all read them here.

use super::tree::Conf;
use serde_json::Value;

/// Makes the JSON Schema (2020-12) of the configuration file.
///
/// `x-minimum` and `x-maximum` bound durations and sizes, which are text.
pub fn document() -> Value {
    let mut schema = schemars::schema_for!(Conf).to_value();
    if let Some(top) = schema.as_object_mut() {
        top.insert("title".to_owned(), "netweave configuration".into());
    }
    schema
}

/// One place of the schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schema<'a> {
    root: &'a Value,
    site: &'a Value,
}

/// What a value must look like.
#[derive(Debug)]
pub(super) enum Form<'a> {
    /// A mapping with known keys.
    Section(Vec<(&'a str, Schema<'a>)>),
    /// A mapping whose `kind` decides its other keys.
    Union(Vec<(&'a str, Schema<'a>)>),
    /// A mapping with any keys and values.
    Free,
    /// A sequence of such values.
    List(Schema<'a>),
    /// One of these words.
    Choice(Vec<&'a str>),
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Bool,
}

impl<'a> Schema<'a> {
    /// Views a whole document.
    pub(super) fn new(root: &'a Value) -> Self {
        Self { root, site: root }
    }

    fn at(self, site: &'a Value) -> Self {
        Self { root: self.root, site }
    }

    /// Returns a keyword of this place, or of the definition it refers to.
    pub(super) fn keyword(self, name: &str) -> Option<&'a Value> {
        self.site.get(name).or_else(|| self.definition()?.get(name)).or_else(|| self.present()?.keyword(name))
    }

    /// Returns what a section that may be absent is when it is there.
    fn present(self) -> Option<Self> {
        self.nullable()?.iter().find(|form| !is_null(form)).map(|form| self.at(form))
    }

    /// Returns the two forms of a section that may be absent: it, and nothing.
    fn nullable(self) -> Option<&'a Vec<Value>> {
        self.site.get("anyOf")?.as_array().filter(|forms| forms.iter().any(is_null))
    }

    fn definition(self) -> Option<&'a Value> {
        let pointer = self.site.get("$ref")?.as_str()?.strip_prefix('#')?;
        self.root.pointer(pointer)
    }

    /// Returns the text of a keyword.
    pub(super) fn word(self, name: &str) -> Option<&'a str> {
        self.keyword(name)?.as_str()
    }

    /// Returns what the value means.
    pub(super) fn description(self) -> &'a str {
        self.word("description").unwrap_or_default()
    }

    /// Returns the first example.
    pub(super) fn example(self) -> Option<&'a Value> {
        self.keyword("examples")?.get(0)
    }

    /// Tells whether the value may be absent.
    pub(super) fn optional(self) -> bool {
        self.types().contains(&"null") || self.nullable().is_some()
    }

    /// Tells whether the value is a secret, which is never shown.
    pub(super) fn secret(self) -> bool {
        self.keyword("writeOnly").and_then(Value::as_bool).unwrap_or(false)
    }

    fn types(self) -> Vec<&'a str> {
        match self.keyword("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    fn list(self, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.keyword(name).and_then(Value::as_array).into_iter().flatten()
    }

    /// Returns the keys that must be given, in the order of the fields.
    pub(super) fn required(self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.list("required").filter_map(Value::as_str)
    }

    /// Returns a key's place in a section.
    pub(super) fn property(self, name: &str) -> Option<Self> {
        self.keyword("properties")?.get(name).map(|site| self.at(site))
    }

    /// Returns lowest and highest value as the file would spell them.
    pub(super) fn range(self) -> (Option<String>, Option<String>) {
        let bound = |number: &str, unit: &str| {
            let number = self.keyword(number).map(Value::to_string);
            number.or_else(|| self.word(unit).map(str::to_owned))
        };
        (bound("minimum", "x-minimum"), bound("maximum", "x-maximum"))
    }

    /// Returns what a value here must look like.
    pub(super) fn form(self) -> Form<'a> {
        if let Some(word) = self.word("const") {
            return Form::Choice(vec![word]);
        }
        let forms: Vec<Self> = self.list("oneOf").map(|site| self.at(site)).collect();
        if !forms.is_empty() {
            let kinds = |form: &Self| form.property("kind")?.word("const").map(|kind| (kind, *form));
            let union: Vec<_> = forms.iter().filter_map(kinds).collect();
            if union.is_empty() {
                return Form::Choice(forms.iter().filter_map(|form| form.word("const")).collect());
            }
            return Form::Union(union);
        }
        let types = self.types();
        if types.contains(&"array") {
            Form::List(self.at(self.keyword("items").unwrap_or(&Value::Null)))
        } else if types.contains(&"integer") {
            Form::Number
        } else if types.contains(&"boolean") {
            Form::Bool
        } else if types.contains(&"object") {
            self.mapping()
        } else {
            Form::Text
        }
    }

    fn mapping(self) -> Form<'a> {
        match self.keyword("properties").and_then(Value::as_object) {
            Some(keys) => {
                Form::Section(keys.iter().map(|(key, site)| (key.as_str(), self.at(site))).collect())
            }
            None => Form::Free,
        }
    }
}

fn is_null(form: &Value) -> bool {
    form.get("type").and_then(Value::as_str) == Some("null")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Visits every key of every section.
    fn visit(schema: Schema<'_>, path: &str, seen: &mut Vec<(String, bool)>) {
        let mut key = |name: &str, inner: Schema<'_>| {
            let path = format!("{path}.{name}");
            let text = inner.description();
            seen.push((path.clone(), !text.is_empty() && text.len() < 250 || name == "kind"));
            visit(inner, &path, seen);
        };
        match schema.form() {
            Form::Section(keys) => keys.into_iter().for_each(|(name, inner)| key(name, inner)),
            Form::Union(kinds) => {
                for (_, kind) in kinds {
                    visit(kind, path, seen);
                }
            }
            Form::List(items) => visit(items, path, seen),
            Form::Free | Form::Choice(_) | Form::Text | Form::Number | Form::Bool => {}
        }
    }

    #[test]
    fn every_key_says_what_it_means() {
        let document = document();
        let mut seen = Vec::new();
        visit(Schema::new(&document), "", &mut seen);
        assert!(seen.len() > 60, "{}", seen.len());
        let silent: Vec<_> = seen.iter().filter(|(_, documented)| !documented).collect();
        assert!(silent.is_empty(), "{silent:?}");
    }

    #[test]
    fn numbers_durations_and_sizes_have_a_range() {
        let document = document();
        let limits = Schema::new(&document).property("limits").unwrap();
        let Form::Section(keys) = limits.form() else { panic!() };
        let measured = |form: &Form<'_>| !matches!(form, Form::Section(_) | Form::Bool);
        for (name, key) in keys.iter().filter(|(_, key)| measured(&key.form())) {
            let (low, high) = key.range();
            assert!(low.is_some() && high.is_some(), "{name}");
        }
    }
}
