//! Parameters: decoding, bounds, unknown ones, and what queries share.

use super::*;
use crate::kind::Kind;
use proptest::prelude::*;

const RESOURCE: Target = Target::Inventory(Kind::Resource);

fn parse(raw: &str) -> Result<Query> {
    Query::parse(RESOURCE, "resources", raw, 8)
}

#[test]
fn all_parameters_are_read_in_any_order() {
    let query = parse("limit=5&&exclude_default&filter=(eq,tags,a%2Cb)&fields=tags&nextpage_opaque_marker=3")
        .unwrap_err();
    assert_eq!(query.params()[0].name, "filter");
    let raw = "limit=5&&exclude_default&filter=(eq,tags,%27a%2Cb%27)&fields=tags&nextpage_opaque_marker=3&filter=(gt,description,x)";
    let query = parse(raw).unwrap();
    assert_eq!(query.limit.unwrap().get(), 5);
    assert_eq!(query.filter.as_ref().unwrap().canonical(), "(gt,description,x);(eq,tags,'a,b')");
    assert_eq!(query.selectors.canonical(), "fields=tags");
    assert!(matches!(query.marker, Some(Marker::Page(page)) if page.get() == 3));
    let none = parse("").unwrap();
    assert_eq!((none.filter, none.marker, none.limit), (None, None, None));
    assert!(none.selectors.is_identity());
}

#[test]
fn names_and_values_are_percent_decoded_and_plus_is_a_space() {
    let query = parse("fil%74er=%28eq%2cdescription,a+b%2Bc%C3%A9%26%3D%29%3B(neq,tags,x)").unwrap();
    assert_eq!(query.filter.unwrap().canonical(), "(eq,description,a b+cé&=);(neq,tags,x)");
}

#[test]
fn what_cannot_be_decoded_is_refused() {
    for raw in ["filter=%", "filter=%2", "filter=%zz", "filter=%+1", "%ff=1", "filter=%c3", "a%0=1"] {
        assert_eq!(parse(raw).unwrap_err().params()[0].name, "query", "{raw}");
    }
}

#[test]
fn flags_count_by_their_presence() {
    for raw in [
        "all_fields",
        "all_fields=",
        "all_fields=true",
        "all_fields=false",
        "all_fields&all_fields=1&fields=tags",
    ] {
        assert!(parse(raw).unwrap().selectors.is_identity(), "{raw}");
    }
}

#[test]
fn unknown_parameters_are_refused_and_the_known_ones_named() {
    for raw in ["fliter=x", "Filter=x", "=x", "=", "offset=3", "profile=native_k8sapi"] {
        let error = parse(raw).unwrap_err();
        for known in [
            "filter",
            "fields",
            "exclude_fields",
            "all_fields",
            "exclude_default",
            "nextpage_opaque_marker",
            "limit",
        ] {
            assert!(error.public().contains(known), "{raw}: {known}");
        }
        assert!(!error.to_string().contains("fliter"));
    }
    let error = Query::parse_single(RESOURCE, "filter=(eq,tags,x)").unwrap_err();
    assert!(error.public().contains("exclude_default") && !error.public().contains("filter"));
}

#[test]
fn single_objects_take_selectors() {
    assert!(Query::parse_single(Target::Cloud, "all_fields").unwrap().is_identity());
    assert_eq!(
        Query::parse_single(Target::Cloud, "exclude_fields=extensions").unwrap().canonical(),
        "exclude_fields=extensions"
    );
    assert!(Query::parse_single(Target::Cloud, "fields=tags").is_err());
    for raw in ["limit=1", "nextpage_opaque_marker=1"] {
        assert!(Query::parse_single(Target::Cloud, raw).is_err());
    }
}

#[test]
fn limits_are_numbers_from_1_to_1000() {
    for (raw, limit) in [("limit=1", 1), ("limit=1000", 1000), ("limit=007", 7)] {
        assert_eq!(parse(raw).unwrap().limit.unwrap().get(), limit);
    }
    for raw in [
        "limit",
        "limit=",
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=%2B1",
        "limit=1.0",
        "limit=99999999999999999999",
    ] {
        assert_eq!(parse(raw).unwrap_err().params()[0].name, "limit", "{raw}");
    }
}

#[test]
fn what_may_be_given_once_is_refused_twice() {
    assert_eq!(parse("limit=1&limit=1").unwrap_err().params()[0].name, "limit");
    let error = parse("nextpage_opaque_marker=1&nextpage_opaque_marker=1").unwrap_err();
    assert_eq!(error.params()[0].name, "nextpage_opaque_marker");
    assert!(parse(&"all_fields&".repeat(MAX_PARAMETERS + 1)).is_err());
}

#[test]
fn a_marker_belongs_to_filter_selectors_and_collection_but_to_no_limit() {
    let filter = "filter=(eq,tags,x)&fields=tags";
    let marker = Marker::after("resources", "key", parse(filter).unwrap().hash());
    let with = |raw: &str| parse(&format!("{raw}&nextpage_opaque_marker={marker}"));
    assert_eq!(with(filter).unwrap().marker, Some(Marker::After { key: "key".into() }));
    assert!(
        with("limit=7&fields=(tags)&filter=(eq,tags,%27x%27)").is_ok(),
        "equal queries share their markers"
    );
    for other in ["filter=(eq,tags,y)&fields=tags", "filter=(eq,tags,x)", "fields=tags", "all_fields"] {
        assert_eq!(with(other).unwrap_err().params()[0].name, "nextpage_opaque_marker", "{other}");
    }
    let elsewhere =
        Query::parse(RESOURCE, "resources/p", &format!("{filter}&nextpage_opaque_marker={marker}"), 8);
    assert!(elsewhere.is_err());
}

#[test]
fn the_hash_does_not_change_by_accident() {
    // Pinned: pods of two releases read each other's markers during a roll-out.
    assert_eq!(parse("filter=(eq,tags,x)&fields=tags").unwrap().hash(), 6_871_551_529_073_794_395);
}

#[test]
fn queries_that_differ_have_different_spellings() {
    let raws = [
        "",
        "limit=1",
        "limit=10",
        "nextpage_opaque_marker=1",
        "nextpage_opaque_marker=10",
        "fields=tags",
        "exclude_fields=tags",
        "filter=(eq,tags,x)",
        "filter=(eq,tags,x)&limit=1",
        "filter=(eq,tags,x)&fields=tags",
        "filter=(eq,tags,x)%3B(eq,tags,fields=tags)",
    ];
    let mut spellings: Vec<_> = raws.iter().map(|raw| parse(raw).unwrap().canonical()).collect();
    spellings.sort();
    spellings.dedup();
    assert_eq!(spellings.len(), raws.len());
    assert_eq!(
        parse("filter=(eq,tags,x)&all_fields").unwrap().canonical(),
        parse("filter=(eq,tags,%78)").unwrap().canonical()
    );
}

#[test]
fn the_parameters_of_a_query_read_as_the_same_query() {
    for raw in [
        "",
        "limit=5",
        "filter=(eq,tags,'a%26b%2Bc%20%C3%A9%3B(')&exclude_fields=tags",
        "fields=tags,groups&limit=7",
    ] {
        let query = parse(raw).unwrap();
        assert_eq!(parse(&query.parameters()).unwrap().canonical(), query.canonical(), "{raw}");
    }
}

proptest! {
    #[test]
    fn no_query_makes_the_parser_panic(raw in "\\PC*", near in "(filter|fields|limit|all_fields)?[=&%+(),0-9a-f]{0,30}") {
        for raw in [raw, near] {
            if let Ok(query) = parse(&raw) {
                prop_assert!(query.limit.is_none_or(|limit| limit.get() <= MAX_LIMIT));
            }
            prop_assert!(Query::parse_single(RESOURCE, &raw).is_err() || parse(&raw).is_ok());
        }
    }
}
