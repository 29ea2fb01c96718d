//! Any bytes as an object: no panic, valid JSON is indexed, and selectors leave valid JSON of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netweave_model::Kind;
use netweave_model::query::{Filter, Indexed, Paths, Query, Target};

fuzz_target!(|bytes: &[u8]| {
    let target = Target::Inventory(Kind::Resource);
    let paths = Paths::new();
    let Ok(object) = Indexed::new(bytes.to_vec().into(), &paths) else {
        return;
    };
    for text in ["(eq,extensions/a/b,1);(neq,extensions/a/c,1)", "(gt,tags,1)", "(cont,extensions/@key,a)"] {
        let filter =
            Filter::parse(target, [text], 8).expect("the filter is valid").expect("the filter is not empty");
        let _ = filter.bind(&paths).matches(&object);
    }
    for raw in ["fields=extensions/a", "exclude_fields=tags,extensions/a/b,elements/tags"] {
        let selectors = Query::parse_single(target, raw).expect("the selectors are valid");
        let cut = selectors.apply(bytes).expect("an object that can be indexed can be cut");
        Indexed::new(cut.into(), &paths).expect("what is cut can be indexed");
    }
});
