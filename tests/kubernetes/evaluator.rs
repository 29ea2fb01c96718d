//! An evaluator of subscription filters that shares nothing with the gateway's: it makes random filters as trees, writes
//! them down, and decides on the tree and the parsed JSON which notifications must come.

use proptest::prelude::*;
use serde_json::Value;

/// One comparison.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    operator: &'static str,
    attribute: Attribute,
    values: Vec<String>,
}

/// What is compared, with its spelling in a filter and its place in the JSON.
#[derive(Clone, Copy, Debug)]
enum Attribute {
    Description,
    Tier,
    Number,
    Arch,
    Absent,
}

/// Alternatives; what any of them matches is not sent.
#[derive(Clone, Debug)]
pub(crate) struct Exclusion(Vec<Alternative>);

/// Object types, and terms that must all hold.
#[derive(Clone, Debug)]
struct Alternative {
    /// Only resources if `None`.
    types: Option<Vec<&'static str>>,
    terms: Vec<Term>,
}

impl Attribute {
    fn spelling(self) -> &'static str {
        match self {
            Self::Description => "description",
            Self::Tier => "extensions/labels/example.com~1tier",
            Self::Number => "extensions/labels/example.com~1number",
            Self::Arch => "extensions/labels/kubernetes.io~1arch",
            Self::Absent => "extensions/labels/example.com~1absent",
        }
    }

    fn read(self, state: &Value) -> Option<&str> {
        let labels = &state["extensions"]["labels"];
        match self {
            Self::Description => &state["description"],
            Self::Tier => &labels["example.com/tier"],
            Self::Number => &labels["example.com/number"],
            Self::Arch => &labels["kubernetes.io/arch"],
            Self::Absent => &labels["example.com/absent"],
        }
        .as_str()
    }
}

impl Term {
    fn text(&self) -> String {
        format!("({},{},{})", self.operator, self.attribute.spelling(), self.values.join(","))
    }

    /// An absent attribute equals nothing and contains nothing; numbers in labels compare as numbers where order counts.
    fn holds(&self, state: &Value) -> bool {
        let found = self.attribute.read(state);
        let is = |value: &String| found == Some(value.as_str());
        let has = |value: &String| found.is_some_and(|found| found.contains(value.as_str()));
        let order = || {
            let (found, value) = (found?, self.values.first()?);
            match (found.parse::<f64>(), value.parse::<f64>()) {
                (Ok(found), Ok(value)) => found.partial_cmp(&value),
                _ => Some(found.cmp(value.as_str())),
            }
        };
        match self.operator {
            "eq" | "in" => self.values.iter().any(is),
            "neq" | "nin" => !self.values.iter().any(is),
            "cont" => self.values.iter().any(has),
            "ncont" => !self.values.iter().any(has),
            "gt" => order().is_some_and(std::cmp::Ordering::is_gt),
            "gte" => order().is_some_and(std::cmp::Ordering::is_ge),
            "lt" => order().is_some_and(std::cmp::Ordering::is_lt),
            "lte" => order().is_some_and(std::cmp::Ordering::is_le),
            other => panic!("no operator {other}"),
        }
    }
}

impl Exclusion {
    /// Writes the filter down as a subscription carries it.
    pub(crate) fn text(&self) -> String {
        let alternatives = self.0.iter().map(|alternative| {
            let types = alternative.types.iter().map(|types| format!("(in,objectType,{})", types.join(",")));
            types.chain(alternative.terms.iter().map(Term::text)).collect::<Vec<_>>().join(";")
        });
        alternatives.collect::<Vec<_>>().join("|")
    }

    /// Whether a notification must not be sent: a deletion is judged by the state before, all else by the state after.
    pub(crate) fn excludes(&self, notification: &Value) -> bool {
        let state = match notification["notificationEventType"].as_u64() {
            Some(2) => &notification["priorObjectState"],
            _ => &notification["postObjectState"],
        };
        let kind = notification["objectType"].as_str().expect("an object type");
        self.0.iter().any(|alternative| {
            let types = alternative.types.as_deref().unwrap_or(&["ResourceInfo"]);
            types.contains(&kind) && alternative.terms.iter().all(|term| term.holds(state))
        })
    }
}

/// Random filters. Terms are only about resources, since other types lack most of the attributes.
pub(crate) fn exclusions() -> impl Strategy<Value = Exclusion> {
    let about_resources =
        prop::collection::vec(terms(), 1..4).prop_map(|terms| Alternative { types: None, terms });
    let names = [
        "ResourceInfo",
        "ResourceTypeInfo",
        "ResourcePoolInfo",
        "DeploymentManagerInfo",
        "LocationInfo",
        "OCloudSiteInfo",
    ];
    let whole_types = prop::sample::subsequence(names.to_vec(), 1..4)
        .prop_map(|types| Alternative { types: Some(types), terms: Vec::new() });
    prop::collection::vec(prop_oneof![3 => about_resources, 1 => whole_types], 1..4).prop_map(Exclusion)
}

fn terms() -> impl Strategy<Value = Term> {
    let tiers =
        prop::sample::select(vec!["gold", "silver", "lead", "platinum", "ol"]).prop_map(str::to_owned);
    let numbers = (0..120_u32).prop_map(|number| number.to_string());
    let words = prop::sample::select(vec!["amd64", "node", "1", "e"]).prop_map(str::to_owned);
    let any_text = prop_oneof![tiers.clone(), words];
    let one = prop::sample::select(vec!["eq", "neq"]);
    let order = prop::sample::select(vec!["gt", "gte", "lt", "lte"]);
    let many = prop::sample::select(vec!["in", "nin", "cont", "ncont"]);
    let texts = || {
        prop::sample::select(vec![
            Attribute::Tier,
            Attribute::Arch,
            Attribute::Description,
            Attribute::Absent,
        ])
    };
    prop_oneof![
        (one, texts(), tiers.prop_map(|value| vec![value])).prop_map(term),
        (many, texts(), prop::collection::vec(any_text, 1..4)).prop_map(term),
        (order, Just(Attribute::Number), numbers.prop_map(|value| vec![value])).prop_map(term),
    ]
}

fn term((operator, attribute, values): (&'static str, Attribute, Vec<String>)) -> Term {
    Term { operator, attribute, values }
}

#[test]
fn the_evaluator_knows_absence_order_and_types() {
    let state = serde_json::json!({ "extensions": { "labels": { "example.com/number": "9" } } });
    let number =
        |operator, value: &str| term((operator, Attribute::Number, vec![value.to_owned()])).holds(&state);
    assert!(number("lt", "10") && !number("gt", "10") && number("lte", "9"));
    let absent = |operator| term((operator, Attribute::Absent, vec!["x".to_owned()])).holds(&state);
    assert!(absent("neq") && absent("ncont") && !absent("eq") && !absent("cont") && !absent("gt"));
    let alternative = Alternative { types: Some(vec!["ResourcePoolInfo"]), terms: Vec::new() };
    let told = serde_json::json!({ "notificationEventType": 0, "objectType": "ResourceInfo", "postObjectState": state });
    assert!(!Exclusion(vec![alternative]).excludes(&told));
}
