//! Syntax, checks and the canonical spelling of filters.

use super::*;
use crate::error::ErrorKind;
use crate::kind::Kind;
use proptest::prelude::*;

const RESOURCE: Target = Target::Inventory(Kind::Resource);

fn parse(text: &str) -> Result<Option<Filter>> {
    Filter::parse(RESOURCE, [text], 8)
}

fn canonical(text: &str) -> String {
    parse(text).unwrap().unwrap().canonical().to_owned()
}

#[test]
fn every_operator_is_read_with_its_number_of_values() {
    for operator in ["eq", "neq", "gt", "lt", "gte", "lte", "in", "nin", "cont", "ncont"] {
        let text = format!("({operator},description,b)");
        assert_eq!(canonical(&text), text);
        let several = parse(&format!("({operator},description,b,a)"));
        assert_eq!(several.is_ok(), operator.ends_with("in") || operator.ends_with("cont"), "{operator}");
    }
}

#[test]
fn equal_filters_have_one_spelling() {
    assert_eq!(
        canonical("(neq,tags,x);(in,description,b,a,b);(eq,description,c);(neq,tags,x)"),
        "(eq,description,c);(in,description,a,b);(neq,tags,x)"
    );
    let repeated = Filter::parse(RESOURCE, ["(neq,tags,x)", "", "(eq,description,c)"], 8).unwrap();
    assert_eq!(repeated, parse("(eq,description,c);(neq,tags,x)").unwrap());
    assert_eq!(canonical("(eq,description,'plain')"), "(eq,description,plain)");
    assert_eq!(canonical("(eq,description,'it''s, (a) quote')"), "(eq,description,'it''s, (a) quote')");
    assert_eq!(canonical("(eq,description,it's)"), "(eq,description,it's)");
    assert_eq!(canonical("(eq,extensions/a~1b~0c~bd/@key,v)"), "(eq,extensions/a~1b~0c~bd/@key,v)");
}

#[test]
fn an_empty_filter_is_none() {
    assert_eq!(parse("").unwrap(), None);
    assert_eq!(Filter::parse(RESOURCE, [], 8).unwrap(), None);
    assert_eq!(Filter::parse(RESOURCE, ["", ""], 8).unwrap(), None);
}

#[test]
fn an_empty_value_is_a_value() {
    assert_eq!(canonical("(eq,description,)"), "(eq,description,)");
    assert_eq!(canonical("(eq,description,'')"), "(eq,description,)");
    assert_eq!(canonical("(in,description,,a)"), "(in,description,,a)");
}

#[test]
fn every_attribute_of_a_type_and_of_its_types_can_be_filtered() {
    let mut paths = 0;
    for target in Kind::ALL.map(Target::Inventory).into_iter().chain([Target::Subscription]) {
        let mut open: Vec<(String, &'static Table, usize)> = vec![(String::new(), target.table(), 0)];
        while let Some((prefix, table, depth)) = open.pop() {
            for attribute in table.attributes {
                let path = format!("{prefix}{}", attribute.name);
                match Place::of(attribute) {
                    Place::Table(inner) if depth < 2 => open.push((format!("{path}/"), inner, depth + 1)),
                    Place::Table(_) | Place::Free => {}
                    Place::Leaf => {
                        Filter::parse(target, [&*format!("(eq,{path},x)")], 8).unwrap().unwrap();
                        paths += 1;
                    }
                    Place::Map => {
                        for below in ["any.key/x_y-z", "@key", "a~1b/@key"] {
                            Filter::parse(target, [&*format!("(eq,{path}/{below},x)")], 8).unwrap().unwrap();
                        }
                        paths += 1;
                    }
                }
            }
        }
    }
    assert!(paths > 90, "{paths}");
}

#[test]
fn errors_name_the_parameter_and_the_byte() {
    let cases = [
        ("eq,description,x", 0),
        ("(equals,description,x)", 1),
        ("(EQ,description,x)", 1),
        ("( eq,description,x)", 1),
        ("(,description,x)", 1),
        ("(eq)", 3),
        ("(eq", 3),
        ("(eq,)", 4),
        ("(eq,description)", 15),
        ("(eq,description", 15),
        ("(eq,description,x", 17),
        ("(eq,description,x,y)", 17),
        ("(eq,description,x)x", 18),
        ("(eq,description,x)(eq,description,x)", 18),
        ("(eq,description,x);", 19),
        ("(eq,description,x);;(eq,description,x)", 19),
        ("(eq,description,x) ;(eq,description,x)", 18),
        ("(eq,descriptio,x)", 4),
        ("(eq,description/x,y)", 16),
        ("(eq,elements,y)", 4),
        ("(eq,elements/elements,y)", 4),
        ("(eq,elements/unknown,y)", 13),
        ("(eq,extensions,y)", 4),
        ("(eq,extensions/,y)", 15),
        ("(eq,/extensions/a,y)", 4),
        ("(eq,extensions//a,y)", 15),
        ("(eq,extensions/a~2b,y)", 16),
        ("(eq,extensions/a~,y)", 16),
        ("(eq,extensions/a@b,y)", 16),
        ("(eq,extensions/@kez,y)", 15),
        ("(eq,extensions/@key/a,y)", 20),
        ("(eq,@key,y)", 4),
        ("(eq,tags/@key,y)", 9),
        ("(eq,elements/@key,y)", 13),
        ("(eq,extensions/b/c/d/e/f/g/h/i,y)", 29),
        ("(eq,description,'a'b)", 18),
        ("(eq,description,'ab'", 19),
        ("(eq,description,'a);(eq,description,'b')", 36),
    ];
    for (text, at) in cases {
        let Err(error) = parse(text) else { panic!("{text} was taken") };
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
        assert_eq!(error.params()[0].name, "filter", "{text}");
        assert_eq!(error.params()[0].position, Some(at), "{text}: {error}");
    }
}

#[test]
fn errors_do_not_repeat_the_text() {
    for text in ["(eq,zebra,x)", "(zebra,description,x)", "(eq,description,'zebra'zebra)", "zebra"] {
        assert!(!parse(text).unwrap_err().to_string().contains("zebra"), "{text}");
    }
}

#[test]
fn length_expressions_and_values_are_bounded() {
    let long = format!("(eq,description,{})", "x".repeat(MAX_TEXT - 18));
    assert_eq!(long.len(), MAX_TEXT - 1);
    assert!(parse(&long).is_ok());
    assert!(Filter::parse(RESOURCE, [&*long, "()"], 8).is_err(), "the bound is for all together");

    let many = |count| vec!["(eq,tags,x)"; count].join(";");
    assert!(parse(&many(MAX_EXPRESSIONS)).is_ok());
    assert_eq!(
        parse(&many(MAX_EXPRESSIONS + 1)).unwrap_err().params()[0].position,
        Some(12 * MAX_EXPRESSIONS)
    );

    let values = |count| format!("(in,tags{})", ",x".repeat(count));
    assert!(parse(&values(MAX_VALUES)).is_ok());
    assert!(parse(&values(MAX_VALUES + 1)).is_err());
}

#[test]
fn depth_is_bounded_as_the_caller_says() {
    assert!(Filter::parse(RESOURCE, ["(eq,extensions/a,x)"], 2).is_ok());
    assert!(Filter::parse(RESOURCE, ["(eq,extensions/a/b,x)"], 2).is_err());
    assert!(Filter::parse(RESOURCE, ["(eq,extensions/a/@key,x)"], 2).is_err());
}

proptest! {
    #[test]
    fn the_canonical_spelling_reads_back(
        expressions in prop::collection::vec((0..10_usize, 0..6_usize, prop::collection::vec("[ab',)(;|~@/ é\\]]{0,6}", 1..4)), 1..6)
    ) {
        let paths = ["description", "tags", "extensions/a~1b", "extensions/é/@key", "elements/groups", "elements/extensions/x/y"];
        let mut texts = Vec::new();
        for (operator, path, values) in &expressions {
            let (name, operator) = Operator::ALL[*operator];
            let count = if operator.takes_many() { values.len() } else { 1 };
            let values: Vec<_> = values[..count].iter().map(|value| format!("'{}'", value.replace('\'', "''"))).collect();
            texts.push(format!("({name},{},{})", paths[*path], values.join(",")));
        }
        let filter = parse(&texts.join(";")).unwrap().unwrap();
        let again = parse(filter.canonical()).unwrap().unwrap();
        prop_assert_eq!(&again, &filter);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*", near in "[(]?(eq|in|cont)?[,()';/~@a-z|]{0,30}[)]?") {
        for text in [text, near] {
            if let Ok(Some(filter)) = parse(&text) {
                prop_assert_eq!(parse(filter.canonical()).unwrap().unwrap(), filter);
            }
        }
    }
}
