//! Any text as the inventory file of the file backend: objects that refer to each other, or bounded faults.

use netweave_file::read;
use netweave_model::query::{Indexed, Paths};
use netweave_model::{Id, Kind, ObjectKey, SourceName};

/// Most faults that are kept.
const MAX_FAULTS: usize = 100;

/// Runs one input.
///
/// # Panics
/// Two readings differ, an object cannot be used, or there are more faults than can be read.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (source, cloud) = (SourceName::from("lab"), Id::from("cloud"));
    let inventory = match read(text, &source, &cloud) {
        Ok(inventory) => inventory,
        Err(faults) => {
            assert!((1..=MAX_FAULTS).contains(&faults.list().len()), "{} faults", faults.list().len());
            let lines = text.split(['\n', '\r']).count();
            for fault in faults.list() {
                assert!(fault.line as usize <= lines + 1, "line {} of {lines}", fault.line);
            }
            return;
        }
    };
    assert_eq!(read(text, &source, &cloud).as_ref(), Ok(&inventory), "two readings differ");
    for kind in Kind::ALL {
        for object in inventory.objects(kind) {
            assert!(!object.key.id.as_str().is_empty(), "an object without an id");
            Indexed::new(object.json.clone(), &Paths::new()).expect("an object can be indexed");
            let parent = object.parent.clone().map(|id| ObjectKey { kind: Kind::ResourcePool, id });
            assert!(parent.is_none_or(|key| inventory.get(&key).is_some()), "its pool is not there");
        }
    }
}
