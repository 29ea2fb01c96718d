//! Any text as a filter and as a URL's query: no panic, and what is taken reads back from its canonical spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netweave_model::Kind;
use netweave_model::query::{Filter, Indexed, Paths, Query, Target};

const DEPTH: usize = 8;

fuzz_target!(|text: &str| {
    let target = Target::Inventory(Kind::Resource);
    let _ = Query::parse(target, "resources", text, DEPTH);
    let Ok(Some(filter)) = Filter::parse(target, [text], DEPTH) else {
        return;
    };
    let again =
        Filter::parse(target, [filter.canonical()], DEPTH).expect("the canonical spelling is a filter");
    assert_eq!(again.as_ref(), Some(&filter));
    let paths = Paths::new();
    let json = r#"{"description":"2026-01-01T00:00:00Z","tags":["a","1"],"elements":[{"tags":[]}],"extensions":{"a":{"b":1}}}"#;
    let early = filter.bind(&paths);
    let object = Indexed::new(json.into(), &paths).expect("the object is valid");
    assert_eq!(early.matches(&object), filter.bind(&paths).matches(&object));
});
