//! The file's text -> inventory objects. Two passes: all entries are named first, so that references may point forward.

mod dictionaries;
mod managers;
mod names;
mod places;
mod resources;

use crate::fault::Faults;
use crate::fields::Fields;
use crate::inventory::Inventory;
use crate::node::Node;
use names::Names;
use netweave_model::domain::{Info, KeyValuePairs};
use netweave_model::{Id, Object, SourceName};
use std::cell::RefCell;

/// The form of the file that is understood.
const API_VERSION: &str = "netweave-inventory/v1";
/// Objects in one file, nested ones included.
const MAX_OBJECTS: usize = 200_000;

const SECTIONS: &[&str] = &[
    "apiVersion",
    "locations",
    "sites",
    "alarmDictionaries",
    "performanceDictionaries",
    "resourceTypes",
    "resourcePools",
    "resources",
    "deploymentManagers",
];

/// What the entries of a file have in common.
struct Reader<'a> {
    source: &'a SourceName,
    o_cloud_id: &'a Id,
    names: Names,
    inventory: RefCell<Inventory>,
}

impl Reader<'_> {
    /// Adds an object. One that comes from a faulty entry does no harm: the faults refuse the whole file.
    fn add<T: Info>(&self, fields: &Fields<'_>, info: &T) {
        match Object::encode(info) {
            Ok(object) => {
                if !self.inventory.borrow_mut().add(object) {
                    fields.fault("another entry has the same id");
                }
            }
            Err(error) => fields.fault(error.to_string()),
        }
    }
}

/// Reads an inventory file; ids are derived from the source's name and each entry's key unless given.
///
/// # Errors
/// All faults at once, each with its place. Nothing of a faulty file is used.
pub fn read(text: &str, source: &SourceName, o_cloud_id: &Id) -> Result<Inventory, Faults> {
    let root = Node::parse(text)?;
    let noted = RefCell::new(Faults::default());
    let top = Fields::open(&root, String::new(), SECTIONS, &noted);
    let version = top.text("apiVersion");
    if !version.is_empty() && version != API_VERSION {
        top.fault_of("apiVersion", format!("must be {API_VERSION}"));
    }
    let reader = Reader { source, o_cloud_id, names: Names::new(source), inventory: RefCell::default() };
    let inventory = read_sections(reader, &top);
    drop(top);
    let faults = noted.into_inner();
    if faults.is_empty() { Ok(inventory) } else { Err(faults) }
}

fn read_sections(mut reader: Reader<'_>, top: &Fields<'_>) -> Inventory {
    let places = places::open(&mut reader, top);
    let dictionaries = dictionaries::open(&mut reader, top);
    let resources = resources::open(&mut reader, top, &places);
    let managers = managers::open(&mut reader, top);
    if reader.names.count() > MAX_OBJECTS {
        top.fault(format!("at most {MAX_OBJECTS} objects are read from one file"));
        return Inventory::default();
    }
    places::build(&reader, &places);
    dictionaries::build(&reader, &dictionaries);
    resources::build(&reader, &resources);
    managers::build(&reader, &managers);
    reader.inventory.into_inner()
}

/// Returns an entry's extensions with the key of the file as `nativeId`.
fn extensions(fields: &Fields<'_>) -> KeyValuePairs {
    let mut pairs = fields.pairs("extensions");
    if let Some(key) = fields.opt_text("key") {
        pairs.entry("nativeId").or_insert(key.into());
    }
    pairs
}

#[cfg(test)]
mod tests;
