//! Any text as a subscription's filter: what is taken reads back from its canonical spelling.

use netweave_model::query::{Exclusion, Indexed, Paths};
use netweave_model::{ErrorKind, Kind};

const DEPTH: usize = 8;
const OBJECT: &str = r#"{"name":"a","description":"b","tags":["a","1"],"extensions":{"a":{"b":1}}}"#;

/// Runs one input.
///
/// # Panics
/// What is taken does not read back, or a refusal is no fault of the client.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let exclusion = match Exclusion::parse(text, DEPTH) {
        Ok(Some(exclusion)) => exclusion,
        Ok(None) => return,
        Err(error) => return assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}"),
    };
    let again = Exclusion::parse(exclusion.canonical(), DEPTH).expect("the canonical spelling is a filter");
    assert_eq!(again.as_ref(), Some(&exclusion));
    let paths = Paths::new();
    let object = Indexed::new(OBJECT.into(), &paths).expect("the object is valid");
    for kind in Kind::ALL {
        let _ = exclusion.bind(&paths).excludes(kind, &object);
    }
}
