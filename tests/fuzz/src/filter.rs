//! Any text as a filter and as a URL's query: what is taken reads back from its canonical spelling, and means the same.

use netweave_model::query::{Filter, Indexed, Paths, Query, Target};
use netweave_model::{ErrorKind, Kind};

const DEPTH: usize = 8;
const OBJECT: &str = r#"{"description":"2026-01-01T00:00:00Z","tags":["a","1"],"elements":[{"tags":[]}],"extensions":{"a":{"b":1}}}"#;

/// Runs one input.
///
/// # Panics
/// What is taken does not read back, or a refusal is no fault of the client.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let target = Target::Inventory(Kind::Resource);
    if let Err(error) = Query::parse(target, "resources", text, DEPTH) {
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    }
    let filter = match Filter::parse(target, [text], DEPTH) {
        Ok(Some(filter)) => filter,
        Ok(None) => return,
        Err(error) => return assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}"),
    };
    let again =
        Filter::parse(target, [filter.canonical()], DEPTH).expect("the canonical spelling is a filter");
    assert_eq!(again.as_ref(), Some(&filter));
    let paths = Paths::new();
    let early = filter.bind(&paths);
    let object = Indexed::new(OBJECT.into(), &paths).expect("the object is valid");
    assert_eq!(early.matches(&object), filter.bind(&paths).matches(&object));
}
