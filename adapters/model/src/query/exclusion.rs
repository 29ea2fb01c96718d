//! A subscription's filter: which changes must *not* be sent.
//!
//! Its text is one or more alternatives joined by `|`, each optionally in square brackets; each is a filter. A change is
//! excluded if any alternative matches the object. The name `objectType` (with `eq`, `neq`, `in`, `nin`) says objects
//! of which types an alternative is about; without it an alternative is about `ResourceInfo`.
//!
//! | text | what is not sent |
//! |---|---|
//! | `(eq,resourcePoolId,pool-7)` | changes of the resources of one pool |
//! | `(eq,objectType,ResourceTypeInfo)` | changes of resource types |
//! | `[(eq,objectType,ResourcePoolInfo);(neq,name,edge)]\|[(in,objectType,LocationInfo,OCloudSiteInfo)]` | changes of all pools that are not named `edge`, of locations and of sites |
//! | `(neq,extensions/labels/site,a)` | changes of the resources at any other site than `a`, or without a site |

use super::eval::Bound;
use super::filter::{Expression, MAX_EXPRESSIONS, MAX_TEXT, Operator, Raw, too_long, write_all};
use super::index::Indexed;
use super::lexer::{Fault, Lexer, Parsed};
use super::paths::Paths;
use super::schema::{Table, Target};
use crate::error::Result;
use crate::kind::Kind;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What errors name: the filter is a member of a subscription's body.
const PARAMETER: &str = "/filter";
const OBJECT_TYPE: &str = "objectType";

/// All object types, in the order of the error message.
const TYPES: [Target; 9] = [
    Target::Inventory(Kind::ResourceType),
    Target::Inventory(Kind::ResourcePool),
    Target::Inventory(Kind::Resource),
    Target::Inventory(Kind::DeploymentManager),
    Target::Inventory(Kind::Location),
    Target::Inventory(Kind::OCloudSite),
    Target::Inventory(Kind::AlarmDictionary),
    Target::Inventory(Kind::PerformanceDictionary),
    Target::Cloud,
];

/// A parsed and checked subscription filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    alternatives: Arc<[Alternative]>,
    canonical: Arc<str>,
}

/// One alternative: objects of these types that match all expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Alternative {
    types: BTreeSet<&'static str>,
    expressions: Arc<[Expression]>,
}

impl Exclusion {
    /// Parses a subscription's filter; `None` if it is empty.
    ///
    /// # Errors
    /// `Invalid`, naming `/filter` and the byte: as [`super::Filter::parse`], for every type that an alternative is about;
    /// an object type that does not exist, or an alternative that no type is left for.
    pub fn parse(text: &str, max_depth: usize) -> Result<Option<Self>> {
        if text.is_empty() {
            return Ok(None);
        }
        let mut alternatives = parse(text, max_depth).map_err(|fault| fault.into_error(PARAMETER))?;
        alternatives.sort_by_cached_key(Alternative::canonical);
        alternatives.dedup();
        let spellings: Vec<_> = alternatives.iter().map(Alternative::canonical).collect();
        let canonical = spellings.join("|");
        if canonical.len() > MAX_TEXT {
            return Err(too_long(text.len()).into_error(PARAMETER));
        }
        Ok(Some(Self { alternatives: alternatives.into(), canonical: canonical.into() }))
    }

    /// Returns the one spelling that filters with the same alternatives share.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Prepares the filter for objects that were indexed with `paths`.
    pub fn bind(&self, paths: &Paths) -> BoundExclusion {
        let bind = |alternative: &Alternative| {
            let bound = Bound::new(Arc::clone(&alternative.expressions), paths);
            (alternative.types.clone(), bound)
        };
        BoundExclusion { alternatives: self.alternatives.iter().map(bind).collect() }
    }
}

/// A subscription's filter whose paths are resolved to numbers, once for many objects.
#[derive(Clone, Debug)]
pub struct BoundExclusion {
    alternatives: Box<[(BTreeSet<&'static str>, Bound)]>,
}

impl BoundExclusion {
    /// Tells whether a change of this object must not be sent.
    pub fn excludes(&self, kind: Kind, object: &Indexed) -> bool {
        let name = kind.type_name();
        self.alternatives.iter().any(|(types, bound)| types.contains(name) && bound.matches(object))
    }

    /// Tells whether nothing would be gained by binding afresh. The answers are right in any case.
    pub fn is_current(&self, paths: &Paths) -> bool {
        self.alternatives.iter().all(|(_, bound)| bound.is_current(paths))
    }
}

impl Alternative {
    /// Writes the alternative in its canonical spelling, which is no longer than any other.
    fn canonical(&self) -> String {
        let types = write_types(&self.types);
        let expressions = write_all(&self.expressions);
        if expressions.is_empty() {
            types
        } else if self.types.iter().eq([&Kind::Resource.type_name()]) {
            expressions
        } else {
            format!("{types};{expressions}")
        }
    }

    /// Checks the expressions of one alternative; `at` is where it starts.
    fn check(raws: Vec<Raw>, at: usize) -> Parsed<Self> {
        let (about, raws): (Vec<_>, Vec<_>) = raws.into_iter().partition(is_about_type);
        let types: Vec<_> = if about.is_empty() {
            vec![Target::Inventory(Kind::Resource)]
        } else {
            let tests = about.iter().map(TypeTest::new).collect::<Parsed<Vec<_>>>()?;
            TYPES.into_iter().filter(|target| tests.iter().all(|test| test.holds(*target))).collect()
        };
        if types.is_empty() {
            return Err(Fault::new(at, "no object type is left for these expressions"));
        }
        let tables: Vec<&'static Table> = types.iter().map(|target| target.table()).collect();
        let mut expressions = raws.into_iter().map(|raw| raw.check(&tables)).collect::<Parsed<Vec<_>>>()?;
        expressions.sort_unstable();
        expressions.dedup();
        Ok(Self { types: tables.iter().map(|table| table.name).collect(), expressions: expressions.into() })
    }
}

/// Writes the expression about `objectType`: those that are meant, or those that are not, whichever is shorter.
fn write_types(types: &BTreeSet<&'static str>) -> String {
    let all: BTreeSet<_> = TYPES.iter().map(|target| target.table().name).collect();
    let write = |names: Vec<&'static str>, one: &str, many: &str| {
        let operator = if names.len() == 1 { one } else { many };
        format!("({operator},{OBJECT_TYPE},{})", names.join(","))
    };
    let others: Vec<_> = all.difference(types).copied().collect();
    let positive = write(types.iter().copied().collect(), "eq", "in");
    if others.is_empty() {
        return positive;
    }
    let negative = write(others, "neq", "nin");
    if negative.len() < positive.len() { negative } else { positive }
}

fn is_about_type(raw: &Raw) -> bool {
    raw.names.key().is_none() && raw.names.names().eq([OBJECT_TYPE])
}

/// An expression about `objectType`.
struct TypeTest<'a> {
    values: &'a [String],
    negative: bool,
}

impl<'a> TypeTest<'a> {
    fn new(raw: &'a Raw) -> Parsed<Self> {
        if !matches!(raw.operator, Operator::Eq | Operator::Neq | Operator::In | Operator::Nin) {
            return Err(Fault::new(raw.names.at(), "objectType takes the operators eq, neq, in and nin"));
        }
        let known = |value: &String| TYPES.iter().any(|target| target.table().name == *value);
        if !raw.values.iter().all(known) {
            return Err(Fault::new(
                raw.values_at,
                "objectType must be one of ResourceTypeInfo, ResourcePoolInfo, ResourceInfo, DeploymentManagerInfo, \
                 LocationInfo, OCloudSiteInfo, AlarmDictionary, PerformanceDictionary, CloudInfo",
            ));
        }
        Ok(Self { values: &raw.values, negative: raw.operator.is_negative() })
    }

    fn holds(&self, target: Target) -> bool {
        self.values.iter().any(|value| *value == target.table().name) != self.negative
    }
}

fn parse(text: &str, max_depth: usize) -> Parsed<Vec<Alternative>> {
    if text.len() > MAX_TEXT {
        return Err(too_long(MAX_TEXT));
    }
    let mut lexer = Lexer::new(text);
    let mut alternatives = Vec::new();
    let mut left = MAX_EXPRESSIONS;
    loop {
        let at = lexer.at();
        let bracket = lexer.eat(b'[');
        let raws = parse_conjunction(&mut lexer, max_depth, &mut left)?;
        if bracket {
            lexer.expect(b']', "a closing bracket is missing")?;
        }
        alternatives.push(Alternative::check(raws, at)?);
        if lexer.is_done() {
            return Ok(alternatives);
        }
        lexer.expect(b'|', "expressions must be joined by `;`, alternatives by `|`")?;
    }
}

fn parse_conjunction(lexer: &mut Lexer<'_>, max_depth: usize, left: &mut usize) -> Parsed<Vec<Raw>> {
    let mut raws = Vec::new();
    loop {
        *left = left.checked_sub(1).ok_or(Fault::new(lexer.at(), "the filter has too many expressions"))?;
        raws.push(Raw::parse(lexer, max_depth)?);
        if !lexer.eat(b';') {
            return Ok(raws);
        }
    }
}

#[cfg(test)]
mod tests;
