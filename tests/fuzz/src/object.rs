//! Any bytes as an object: valid JSON is indexed, and selectors leave valid JSON of it, no longer than it was.

use netweave_model::Kind;
use netweave_model::query::{Filter, Indexed, Paths, Query, Target};

const FILTERS: [&str; 3] =
    ["(eq,extensions/a/b,1);(neq,extensions/a/c,1)", "(gt,tags,1)", "(cont,extensions/@key,a)"];
const SELECTORS: [&str; 2] = ["fields=extensions/a", "exclude_fields=tags,extensions/a/b,elements/tags"];

/// Runs one input.
///
/// # Panics
/// What is left of an object is none, or is longer.
pub fn run(bytes: &[u8]) {
    let target = Target::Inventory(Kind::Resource);
    let paths = Paths::new();
    let Ok(object) = Indexed::new(bytes.to_vec().into(), &paths) else { return };
    for text in FILTERS {
        let filter = Filter::parse(target, [text], 8).expect("the filter is valid");
        let _ = filter.expect("the filter is not empty").bind(&paths).matches(&object);
    }
    for raw in SELECTORS {
        let selectors = Query::parse_single(target, raw).expect("the selectors are valid");
        let cut = selectors.apply(bytes).expect("an object that can be indexed can be cut");
        assert!(cut.len() <= bytes.len(), "cutting makes it longer");
        Indexed::new(cut.into(), &paths).expect("what is cut can be indexed");
    }
}
