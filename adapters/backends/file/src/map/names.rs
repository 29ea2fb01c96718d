//! The keys of all entries and the ids they stand for.

use crate::fields::Fields;
use netweave_model::{Id, Kind, SourceName};
use std::collections::BTreeMap;

/// Keys by kind, filled in the first pass and asked in the second.
pub(super) struct Names {
    source: SourceName,
    ids: BTreeMap<Kind, BTreeMap<String, (Id, u32)>>,
    count: usize,
}

impl Names {
    pub(super) fn new(source: &SourceName) -> Self {
        Self { source: source.clone(), ids: BTreeMap::new(), count: 0 }
    }

    /// Returns how many entries were declared.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Names an entry by its `key`, with its given `id` or a derived one; a key that is taken is a fault.
    pub(super) fn declare(&mut self, kind: Kind, fields: &Fields<'_>) -> Id {
        let key = fields.name("key");
        let id = self.id_of(kind, fields, &key);
        let taken = self.ids.entry(kind).or_default().insert(key.clone(), (id.clone(), fields.at.line));
        if let Some((_, line)) = taken.filter(|_| !key.is_empty()) {
            fields.fault_of("key", format!("{key:?} is already the key of the entry at line {line}"));
        }
        id
    }

    /// Returns the id of an entry that no reference can name.
    pub(super) fn id_of(&mut self, kind: Kind, fields: &Fields<'_>, native: &str) -> Id {
        self.count += 1;
        fields.opt_id("id").map_or_else(|| Id::stable(&self.source, kind, native), Id::from)
    }

    /// Resolves a reference that must be there.
    pub(super) fn find(&self, kind: Kind, fields: &Fields<'_>, key: &'static str) -> Id {
        let text = fields.text(key);
        self.resolve(kind, fields, key, &text)
    }

    /// Resolves a reference that may be absent.
    pub(super) fn find_opt(&self, kind: Kind, fields: &Fields<'_>, key: &'static str) -> Option<Id> {
        let text = fields.opt_text(key)?;
        Some(self.resolve(kind, fields, key, &text))
    }

    /// Resolves a list of references.
    pub(super) fn find_all(&self, kind: Kind, fields: &Fields<'_>, key: &'static str) -> Vec<Id> {
        fields.texts(key).iter().map(|text| self.resolve(kind, fields, key, text)).collect()
    }

    fn resolve(&self, kind: Kind, fields: &Fields<'_>, key: &'static str, text: &str) -> Id {
        if let Some((id, _)) = self.ids.get(&kind).and_then(|keys| keys.get(text)) {
            return id.clone();
        }
        if !text.is_empty() {
            fields.fault_of(key, format!("there is no {text:?} among the {kind} of this file"));
        }
        Id::from("")
    }
}
