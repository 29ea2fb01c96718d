//! Any text as a subscription's filter: no panic, and what is taken reads back from its canonical spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netweave_model::Kind;
use netweave_model::query::{Exclusion, Indexed, Paths};

const DEPTH: usize = 8;

fuzz_target!(|text: &str| {
    let Ok(Some(exclusion)) = Exclusion::parse(text, DEPTH) else {
        return;
    };
    let again = Exclusion::parse(exclusion.canonical(), DEPTH).expect("the canonical spelling is a filter");
    assert_eq!(again.as_ref(), Some(&exclusion));
    let paths = Paths::new();
    let json = r#"{"name":"a","description":"b","tags":["a","1"],"extensions":{"a":{"b":1}}}"#;
    let object = Indexed::new(json.into(), &paths).expect("the object is valid");
    for kind in Kind::ALL {
        let _ = exclusion.bind(&paths).excludes(kind, &object);
    }
});
