//! The query language of the interface: filters, attribute selectors, page markers and subscription filters.
//!
//! Everything here is pure. A text is parsed and checked once ([`Query`], [`Filter`], [`Exclusion`]), bound once per
//! query to the numbers that attribute paths have ([`Paths`]), and then asked of many objects ([`Indexed`]) without
//! parsing or allocating. Which attributes exist is said in [`schema`] alone.
//!
//! # Filters
//! `(op,attribute[/attribute...],value[,value...])`; several are joined by `;` and must all hold.
//!
//! | operator | values | holds if |
//! |---|---|---|
//! | `eq`, `neq` | one | the value is, is not, the given one |
//! | `gt`, `gte`, `lt`, `lte` | one | the value is greater, greater or equal, less, less or equal |
//! | `in`, `nin` | one or more | the value is one, is none, of the given ones |
//! | `cont`, `ncont` | one or more | the value's text contains any, contains none, of the given ones |
//!
//! **Names.** Within a name `~` is written `~0`, `/` is `~1` and `@` is `~b`. The keys of a map are named like
//! attributes, so a Kubernetes label is `(eq,extensions/labels/topology.kubernetes.io~1zone,zone-a)`. The name `@key` stands
//! for the keys of a map: `(eq,extensions/labels/@key,example.com/rack)` finds objects that have the label at all.
//!
//! **Values.** A value that holds `,` or `)`, or starts with `'`, stands in single quotes, a quote inside is doubled:
//! `(eq,description,'rack 7, it''s cold')`. White space counts. Two spellings that clients use against the rule are
//! read as they are meant, as long as there is only one way to read them: a quote inside a quoted value that is not
//! doubled and not followed by `,` or `)`; and a quote that starts a value when the text has no second one.
//!
//! **Comparison.** A JSON number and a value that is a decimal number compare as numbers: integers exactly, others as
//! 64-bit floating point; a number and anything else are unequal and in no order. Booleans equal `true` or `false` and
//! have no order. Two RFC 3339 times compare as times. All else is text, compared by code point; only for `gt`, `gte`, `lt`
//! and `lte` two texts that are both decimal numbers compare as numbers. Kubernetes quantities (`64Gi`) are text.
//!
//! **Absent attributes.** An attribute that is absent, `null`, or an empty array or object equals nothing: `neq`, `nin` and
//! `ncont` hold, all others do not.
//!
//! **Arrays.** An array satisfies expressions if one single element satisfies all expressions that share its path, so
//! `(eq,civicAddress/caType,24);(eq,civicAddress/caValue,10115)` asks for one element with both. That rule holds for `neq`, `nin`
//! and `ncont` too: `(neq,tags,spare)` asks for a tag other than `spare`.
//!
//! # Subscription filters
//! See [`Exclusion`]: they say what must *not* be sent.
//!
//! Source: ETSI GS NFV-SOL 013, clauses 5.2 to 5.4; unverified, not opened.

mod eval;
mod exclusion;
mod filter;
mod index;
mod leaf;
mod lexer;
mod marker;
mod names;
mod params;
mod paths;
mod scan;
pub mod schema;
mod selectors;
mod value;

pub use eval::Bound;
pub use exclusion::{BoundExclusion, Exclusion};
pub use filter::{Filter, MAX_EXPRESSIONS, MAX_TEXT, MAX_VALUES};
pub use index::{Indexed, MAX_OBJECT};
pub use marker::Marker;
pub use params::{MAX_LIMIT, Query};
pub use paths::{MAX_PATHS, Paths};
pub use schema::Target;
pub use selectors::{MAX_NAMES, Selectors};
