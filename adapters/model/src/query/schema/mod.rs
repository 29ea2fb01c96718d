//! Which attributes each data type has: the one home for filter checks, selectors and the OpenAPI documents.
//!
//! The tables themselves are in `tables.rs`. They hold the attributes of both majors.

mod tables;

use crate::kind::Kind;
use std::fmt;

/// What is queried; decides which attributes exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// The O-Cloud itself.
    Cloud,
    /// Objects of one kind.
    Inventory(Kind),
    /// Subscriptions.
    Subscription,
}

impl Target {
    /// Returns the table of the target's data type.
    pub fn table(self) -> &'static Table {
        match self {
            Self::Cloud => &tables::CLOUD,
            Self::Inventory(kind) => match kind {
                Kind::Location => &tables::LOCATION,
                Kind::OCloudSite => &tables::SITE,
                Kind::ResourceType => &tables::RESOURCE_TYPE,
                Kind::ResourcePool => &tables::RESOURCE_POOL,
                Kind::Resource => &tables::RESOURCE,
                Kind::DeploymentManager => &tables::DEPLOYMENT_MANAGER,
                Kind::AlarmDictionary => &tables::ALARM_DICTIONARY,
                Kind::PerformanceDictionary => &tables::PERFORMANCE_DICTIONARY,
            },
            Self::Subscription => &tables::SUBSCRIPTION,
        }
    }
}

/// A structured data type: its name and its attributes in the order in which they are sent.
///
/// Tables are equal if their names are, and show their name alone: a type may be part of itself.
pub struct Table {
    /// The specification's name of the data type.
    pub name: &'static str,
    /// The attributes.
    pub attributes: &'static [Attribute],
}

impl Table {
    /// Returns the attribute of that name.
    pub fn get(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Table {}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Table").field(&self.name).finish()
    }
}

/// One attribute of a data type.
#[derive(Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name in JSON.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// Whether it is always there; selectors leave mandatory attributes alone.
    pub mandatory: bool,
    /// Whether the specification means to drop it.
    pub deprecated: bool,
    /// What it means, as one sentence.
    pub about: &'static str,
}

impl Attribute {
    const fn new(mandatory: bool, name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, shape, mandatory, deprecated: false, about }
    }

    /// Makes an attribute that is always there.
    const fn must(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self::new(true, name, shape, about)
    }

    /// Makes an attribute that may be absent.
    const fn may(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self::new(false, name, shape, about)
    }

    /// Marks the attribute as deprecated.
    const fn deprecated(mut self) -> Self {
        self.deprecated = true;
        self
    }

    /// Tells whether the value is one scalar.
    pub fn is_simple(&self) -> bool {
        matches!(self.shape, Shape::Simple(_))
    }
}

/// What an attribute's value looks like.
#[derive(Debug, PartialEq, Eq)]
pub enum Shape {
    /// One scalar.
    Simple(Scalar),
    /// One object.
    Object(&'static Table),
    /// An array of scalars.
    SimpleArray(Scalar),
    /// An array of objects.
    ObjectArray(&'static Table),
    /// An object with any keys and any values (`KeyValuePairs`).
    Map,
}

/// The JSON type of a scalar, with its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// Any text.
    Text,
    /// A text that identifies an object.
    Identifier,
    /// A URI.
    Uri,
    /// A UUID.
    Uuid,
    /// A number.
    Number,
    /// An integer.
    Integer,
    /// One of these texts.
    Enum(&'static [&'static str]),
}

/// Where a path of attribute names leads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// To an object, or to an array of objects, of this type.
    Table(&'static Table),
    /// To a scalar or an array of scalars.
    Leaf,
    /// To a map.
    Map,
    /// Below a map, where anything may be.
    Free,
}

impl Place {
    /// Returns where an attribute leads.
    pub(super) fn of(attribute: &Attribute) -> Self {
        match attribute.shape {
            Shape::Simple(_) | Shape::SimpleArray(_) => Self::Leaf,
            Shape::Object(table) | Shape::ObjectArray(table) => Self::Table(table),
            Shape::Map => Self::Map,
        }
    }

    /// Takes one step; `None` if there is no such attribute here.
    ///
    /// The flag says whether the step may lead to an array whose elements are objects.
    pub(super) fn step(self, name: &str) -> Option<(Self, bool)> {
        match self {
            Self::Table(table) => {
                let attribute = table.get(name)?;
                Some((Self::of(attribute), matches!(attribute.shape, Shape::ObjectArray(_))))
            }
            Self::Map | Self::Free => Some((Self::Free, true)),
            Self::Leaf => None,
        }
    }
}

#[cfg(test)]
mod tests;
