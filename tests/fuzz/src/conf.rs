//! Any text as a configuration file, with no file opened: faults with their places, or a configuration whose printed form is
//! that configuration again.

use netweave::conf::load::{Loaded, Sources, load};
use netweave::conf::print::{effective, effective_json};

/// Most faults, and the line that says how many more there are.
const MAX_FAULTS: usize = 201;

/// Runs one input.
///
/// # Panics
/// There are more faults than can be read, or the printed form is another configuration.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let loaded = read(text);
    for list in [&loaded.faults, &loaded.warnings] {
        assert!(list.len() <= MAX_FAULTS, "{} faults", list.len());
        let lines = text.split(['\n', '\r']).count();
        for (line, column) in list.iter().filter_map(|fault| fault.origin.position()) {
            assert!((1..=lines as u64 + 1).contains(&line) && column > 0, "{line}:{column} of {lines}");
        }
    }
    let shown = effective_json(loaded.tree(), false);
    if loaded.faults.is_empty() {
        let printed = effective(loaded.tree(), false);
        let again = read(&printed);
        assert_eq!(again.faults, [], "{printed}");
        assert_eq!(effective_json(again.tree(), false), shown, "{printed}");
    }
}

fn read(text: &str) -> Loaded {
    load(&Sources { file: Some(text), ..Sources::default() })
}
