//! Syntax, object types and meaning of subscription filters.

use super::*;
use crate::error::ErrorKind;
use crate::query::Filter;
use proptest::prelude::*;

fn exclusion(text: &str) -> Exclusion {
    Exclusion::parse(text, 8).unwrap_or_else(|error| panic!("{text}: {error}")).unwrap()
}

fn excludes(text: &str, kind: Kind, json: &'static str) -> bool {
    let paths = Paths::new();
    let object = Indexed::new(json.as_bytes().into(), &paths).unwrap();
    exclusion(text).bind(&paths).excludes(kind, &object)
}

#[test]
fn an_alternative_without_object_type_is_about_resources() {
    assert!(excludes("(eq,description,x)", Kind::Resource, r#"{"description":"x"}"#));
    assert!(!excludes("(eq,description,x)", Kind::Resource, r#"{"description":"y"}"#));
    assert!(!excludes("(eq,description,x)", Kind::ResourcePool, r#"{"description":"x"}"#));
}

#[test]
fn object_types_can_be_named_and_ruled_out() {
    let json = r#"{"name":"edge","description":"x"}"#;
    for (text, pool, site, resource) in [
        ("(eq,objectType,ResourcePoolInfo)", true, false, false),
        ("(in,objectType,ResourcePoolInfo,OCloudSiteInfo)", true, true, false),
        ("(neq,objectType,ResourcePoolInfo)", false, true, true),
        ("(nin,objectType,ResourcePoolInfo,ResourceInfo)", false, true, false),
        (
            "(in,objectType,ResourcePoolInfo,OCloudSiteInfo);(neq,objectType,OCloudSiteInfo)",
            true,
            false,
            false,
        ),
        ("(eq,objectType,ResourcePoolInfo);(eq,name,edge)", true, false, false),
        ("(eq,objectType,ResourcePoolInfo);(eq,name,core)", false, false, false),
        ("(eq,objectType,ResourcePoolInfo);(eq,name,core)|(eq,description,x)", false, false, true),
        (
            "[(eq,objectType,ResourcePoolInfo);(eq,name,edge)]|[(eq,objectType,OCloudSiteInfo)]",
            true,
            true,
            false,
        ),
        ("[(eq,objectType,CloudInfo)]", false, false, false),
    ] {
        assert_eq!(excludes(text, Kind::ResourcePool, json), pool, "{text}");
        assert_eq!(excludes(text, Kind::OCloudSite, json), site, "{text}");
        assert_eq!(excludes(text, Kind::Resource, json), resource, "{text}");
    }
}

#[test]
fn every_kind_has_an_object_type() {
    for kind in Kind::ALL {
        assert!(excludes(&format!("(eq,objectType,{})", kind.type_name()), kind, "{}"));
    }
}

#[test]
fn marks_inside_values_do_not_split() {
    assert!(excludes("(eq,description,'a|b]')", Kind::Resource, r#"{"description":"a|b]"}"#));
    assert!(excludes("(eq,description,a|b])", Kind::Resource, r#"{"description":"a|b]"}"#));
    assert!(excludes("[(eq,description,'x)|(y')]", Kind::Resource, r#"{"description":"x)|(y"}"#));
}

#[test]
fn an_empty_text_is_none() {
    assert_eq!(Exclusion::parse("", 8).unwrap(), None);
}

#[test]
fn equal_filters_have_one_spelling() {
    let spelling = "(eq,tags,x)|(in,objectType,LocationInfo,OCloudSiteInfo)";
    for text in [
        spelling,
        "(in,objectType,OCloudSiteInfo,LocationInfo)|(eq,tags,x)",
        "[(eq,tags,'x');(eq,objectType,ResourceInfo)]|[(in,objectType,OCloudSiteInfo,LocationInfo)]|(eq,tags,x)",
    ] {
        assert_eq!(exclusion(text).canonical(), spelling, "{text}");
        assert_eq!(exclusion(text), exclusion(spelling));
    }
}

#[test]
fn object_types_have_the_shortest_spelling() {
    for (text, spelling) in [
        ("(eq,objectType,ResourceInfo)", "(eq,objectType,ResourceInfo)"),
        ("(in,objectType,ResourceInfo);(neq,tags,x)", "(neq,tags,x)"),
        ("(nin,objectType,CloudInfo)", "(neq,objectType,CloudInfo)"),
        (
            "(neq,objectType,CloudInfo);(neq,objectType,ResourceInfo)",
            "(nin,objectType,CloudInfo,ResourceInfo)",
        ),
    ] {
        assert_eq!(exclusion(text).canonical(), spelling);
    }
    let all = TYPES.map(|target| target.table().name).join(",");
    assert_eq!(exclusion(&format!("(in,objectType,{all})")).alternatives[0].types.len(), TYPES.len());
}

#[test]
fn the_canonical_spelling_has_no_more_expressions_than_the_text() {
    let text = (0..MAX_EXPRESSIONS).map(|number| format!("(eq,tags,{number})")).collect::<Vec<_>>().join("|");
    let first = exclusion(&text);
    assert_eq!(exclusion(first.canonical()), first);
}

#[test]
fn errors_name_the_member_and_the_byte() {
    let cases = [
        ("x", 0),
        (" (eq,tags,x)", 0),
        ("[", 1),
        ("[(eq,tags,x)", 12),
        ("(eq,tags,x)]", 11),
        ("[(eq,tags,x)|(eq,tags,y)]", 12),
        ("(eq,tags,x)|", 12),
        ("(eq,tags,x)||(eq,tags,y)", 12),
        ("(eq,tags,x) | (eq,tags,y)", 11),
        ("(eq,tags,x);", 12),
        ("(eq,name,x)", 4),
        ("(eq,objectType,Resource)", 15),
        ("(gt,objectType,ResourceInfo)", 4),
        ("(cont,objectType,ResourceInfo)", 6),
        ("(eq,objectType/x,ResourceInfo)", 4),
        ("(eq,tags,x)|(eq,objectType,ResourceInfo);(eq,objectType,CloudInfo)", 12),
        ("(neq,objectType,ResourceInfo);(eq,name,x)", 34),
        ("(in,objectType,ResourcePoolInfo,ResourceInfo);(eq,name,x)", 50),
    ];
    for (text, at) in cases {
        let Err(error) = Exclusion::parse(text, 8) else { panic!("{text} was taken") };
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
        assert_eq!(error.params()[0].name, "/filter", "{text}");
        assert_eq!(error.params()[0].position, Some(at), "{text}: {error}");
    }
}

#[test]
fn length_and_expressions_are_bounded() {
    let many = |count| vec!["(eq,tags,x)"; count].join("|");
    assert!(Exclusion::parse(&many(MAX_EXPRESSIONS), 8).is_ok());
    assert!(Exclusion::parse(&many(MAX_EXPRESSIONS + 1), 8).is_err());
    assert!(Exclusion::parse(&format!("(eq,tags,{})", "x".repeat(MAX_TEXT)), 8).is_err());
    let almost = format!("(eq,tags,'{}it's,b')", "x".repeat(MAX_TEXT - 18));
    assert_eq!(almost.len(), MAX_TEXT);
    assert!(Exclusion::parse(&almost, 8).is_err(), "it would not read back from its canonical spelling");
}

#[test]
fn a_filter_that_is_kept_is_right_for_new_attributes_and_knows_that_it_is_old() {
    let paths = Paths::new();
    let bound = exclusion("(eq,extensions/site,a)").bind(&paths);
    assert!(bound.is_current(&paths));
    let object = Indexed::new(r#"{"extensions":{"site":"a"}}"#.into(), &paths).unwrap();
    assert!(bound.excludes(Kind::Resource, &object));
    assert!(!bound.is_current(&paths));
}

proptest! {
    #[test]
    fn the_canonical_spelling_reads_back_and_means_the_same(
        alternatives in prop::collection::vec(
            (prop::option::of(0..TYPES.len()), prop::collection::vec("[ab,)|'\\];]{0,4}", 0..3), any::<bool>()), 1..4),
        description in "[ab,)|'\\];]{0,4}",
    ) {
        let mut texts = Vec::new();
        for (object_type, values, bracket) in &alternatives {
            let mut parts: Vec<_> =
                values.iter().map(|value| format!("(neq,description,'{}')", value.replace('\'', "''"))).collect();
            let object_type = if values.is_empty() { Some(object_type.unwrap_or(0)) } else { *object_type };
            if let Some(object_type) = object_type {
                let described = |target: &Target| target.table().get("description").is_some();
                let target = Some(TYPES[object_type]).filter(|target| values.is_empty() || described(target));
                parts.push(format!("(eq,objectType,{})", target.unwrap_or(TYPES[1]).table().name));
            }
            let text = parts.join(";");
            texts.push(if *bracket { format!("[{text}]") } else { text });
        }
        let first = exclusion(&texts.join("|"));
        let again = exclusion(first.canonical());
        prop_assert_eq!(&first, &again);
        let paths = Paths::new();
        let json = serde_json::to_vec(&serde_json::json!({"description": description})).unwrap();
        let object = Indexed::new(json.into(), &paths).unwrap();
        for kind in Kind::ALL {
            prop_assert_eq!(first.bind(&paths).excludes(kind, &object), again.bind(&paths).excludes(kind, &object));
        }
    }

    #[test]
    fn one_alternative_about_resources_is_a_filter(text in "[(]?(eq|in)?,(tags|description),[(),;'|a-z]{0,20}[)]?") {
        if let Ok(Some(filter)) = Filter::parse(Target::Inventory(Kind::Resource), [&*text], 8) {
            let same = exclusion(filter.canonical());
            prop_assert_eq!(same.canonical(), filter.canonical());
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*", near in "[\\[(]?(eq|in)?,(tags|objectType),[(),;'|\\[\\]a-z]{0,20}[)\\]]?") {
        for text in [text, near] {
            if let Ok(Some(exclusion)) = Exclusion::parse(&text, 8) {
                prop_assert_eq!(Exclusion::parse(exclusion.canonical(), 8).unwrap().unwrap(), exclusion);
            }
        }
    }
}
