//! The forms of values: trees -> text, numbers, references, and the parts of larger values that are served.
//!
//! A value that is absent is none; one of another form is an error, never none.

use crate::soap::xml::Node;
use crate::soap::{Family, Ref};
use netweave_model::{Error, Result};
use serde_json::{Map, Value, json};

/// The form of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Flag,
    /// A whole number.
    Count,
    /// `HostHardwareSummary`.
    Hardware,
    /// `HostSystemInfo`.
    System,
    /// `HostBIOSInfo`.
    Bios,
    /// `AboutInfo`.
    Software,
    /// `PhysicalNic[]`.
    Nics,
}

impl Form {
    /// Reads a value.
    pub(super) fn read(self, value: Option<&Node>) -> Result<Option<Value>> {
        let Some(node) = value else { return Ok(None) };
        match self {
            Self::Text => Ok(text(value)?.map(Value::String)),
            Self::Flag => flag(node),
            Self::Count => count(node),
            Self::Hardware => parts(node, HARDWARE),
            Self::System => system(node),
            Self::Bios => parts(node, BIOS),
            Self::Software => parts(node, SOFTWARE),
            Self::Nics => nics(node),
        }
    }
}

/// An element of a larger value, the key under which it is served, and its form.
type Part = (&'static str, &'static str, Form);

const HARDWARE: &[Part] = &[
    ("vendor", "vendor", Form::Text),
    ("model", "model", Form::Text),
    ("uuid", "uuid", Form::Text),
    ("memorySize", "memoryBytes", Form::Count),
    ("cpuModel", "cpuModel", Form::Text),
    ("cpuMhz", "cpuMhz", Form::Count),
    ("numCpuPkgs", "cpuPackages", Form::Count),
    ("numCpuCores", "cpuCores", Form::Count),
    ("numCpuThreads", "cpuThreads", Form::Count),
    ("numNics", "nicCount", Form::Count),
    ("numHBAs", "storageAdapterCount", Form::Count),
];
const BIOS: &[Part] = &[("biosVersion", "version", Form::Text), ("releaseDate", "releaseDate", Form::Text)];
const SOFTWARE: &[Part] =
    &[("name", "name", Form::Text), ("version", "version", Form::Text), ("build", "build", Form::Text)];
const NIC: &[Part] = &[
    ("device", "device", Form::Text),
    ("mac", "mac", Form::Text),
    ("driver", "driver", Form::Text),
    ("pci", "pci", Form::Text),
];
/// Marks that makers put on their machines, by the server's key.
const MARKS: &[(&str, &str)] = &[
    ("ServiceTag", "serviceTag"),
    ("AssetTag", "assetTag"),
    ("EnclosureSerialNumberTag", "enclosureSerialNumber"),
    ("SerialNumberTag", "serialNumber"),
];

fn odd(why: &'static str) -> Error {
    Error::internal(why)
}

/// Reads text; empty text is none.
pub(super) fn text(value: Option<&Node>) -> Result<Option<String>> {
    let Some(node) = value else { return Ok(None) };
    if !node.kids.is_empty() {
        return Err(odd("a text has parts"));
    }
    Ok(Some(node.text.trim()).filter(|text| !text.is_empty()).map(str::to_owned))
}

/// Undoes the server's own escapes in names.
///
/// Source: vSphere Web Services API 8.0, `ManagedEntity.name`: `%`, `/` and `\` are told as `%25`, `%2f` and `%5c`.
pub(super) fn name(escaped: &str) -> String {
    let slashes = escaped.replace("%2f", "/").replace("%2F", "/").replace("%5c", "\\").replace("%5C", "\\");
    slashes.replace("%25", "%")
}

fn flag(node: &Node) -> Result<Option<Value>> {
    match text(Some(node))?.as_deref() {
        None => Ok(None),
        Some("true" | "1") => Ok(Some(json!(true))),
        Some("false" | "0") => Ok(Some(json!(false))),
        Some(_) => Err(odd("a truth value is neither")),
    }
}

fn count(node: &Node) -> Result<Option<Value>> {
    let Some(text) = text(Some(node))? else { return Ok(None) };
    let number: i64 = text.parse().map_err(|error| odd("a number is none").with_source(error))?;
    Ok(Some(json!(number)))
}

/// Reads a reference; one to something that is not looked at is none.
pub(super) fn reference(value: Option<&Node>) -> Result<Option<Ref>> {
    let Some(text) = text(value)? else { return Ok(None) };
    let of = value.and_then(|node| node.of.as_deref()).ok_or_else(|| odd("a reference has no type"))?;
    Ok(Family::of(of).map(|family| Ref { family, value: text.into() }))
}

/// Reads a list of references; the order does not matter.
pub(super) fn references(value: Option<&Node>) -> Result<Vec<Ref>> {
    let mut all = Vec::new();
    for node in value.into_iter().flat_map(|node| &node.kids) {
        all.extend(reference(Some(node))?);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// Takes parts of a value by name, so that nothing else slips through.
fn parts(node: &Node, parts: &[Part]) -> Result<Option<Value>> {
    let mut taken = Map::new();
    for (element, key, form) in parts {
        if let Some(part) = form.read(node.kid(element))? {
            taken.insert((*key).to_owned(), part);
        }
    }
    Ok((!taken.is_empty()).then_some(Value::Object(taken)))
}

fn system(node: &Node) -> Result<Option<Value>> {
    let mut taken = Map::new();
    for mark in node.all("otherIdentifyingInfo") {
        let key = mark.kid("identifierType").and_then(|kind| kind.text_of("key"));
        let known = MARKS.iter().find(|(theirs, _)| Some(*theirs) == key);
        if let (Some((_, ours)), Some(value)) = (known, text(mark.kid("identifierValue"))?) {
            taken.entry((*ours).to_owned()).or_insert(Value::String(value));
        }
    }
    if let Some(serial) = text(node.kid("serialNumber"))? {
        taken.insert("serialNumber".to_owned(), Value::String(serial));
    }
    Ok((!taken.is_empty()).then_some(Value::Object(taken)))
}

fn nics(node: &Node) -> Result<Option<Value>> {
    let mut all = Vec::new();
    for nic in &node.kids {
        all.extend(parts(nic, NIC)?);
    }
    all.sort_by_cached_key(|nic| nic.get("device").map(Value::to_string));
    Ok(Some(Value::Array(all)))
}
