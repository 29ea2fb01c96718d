//! What a call asks for, taken from its operation without owning anything.

use crate::inventory::cache::{KeyRef, Spelling, Subject};
use crate::inventory::catalog::Part;
use crate::inventory::class::Class;
use crate::inventory::version::Version;
use crate::inventory::view;
use crate::present::link::push_segment;
use crate::present::spelling::base;
use crate::routes::{Call, Operation};
use netweave_model::Kind;
use netweave_model::subscription::Major;

/// A read of the inventory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// What is read.
    pub(super) subject: Subject,
    /// The pool, for resources.
    pub(super) parent: Option<&'a str>,
    /// The object, if one is read.
    pub(super) id: Option<&'a str>,
    /// The kinds that the answer depends on; it is as fresh as they are.
    pub(super) kinds: &'static [Kind],
    /// How long the answer may live.
    pub(super) class: Class,
}

impl<'a> Asked<'a> {
    /// Reads what a call asks for; `None` if it is no read of the inventory.
    pub(super) fn of(operation: &'a Operation<'_>, major: Major) -> Option<Self> {
        let (subject, kind, parent, id) = match operation {
            Operation::Cloud => {
                let (kinds, class) = (&[] as &[Kind], Class::Capabilities);
                return Some(Self { subject: Subject::Cloud, parent: None, id: None, kinds, class });
            }
            Operation::List(kind, parent) => (Subject::List(*kind), *kind, parent.as_deref(), None),
            Operation::Get(kind, parent, id) => (Subject::Get(*kind), *kind, parent.as_deref(), Some(&**id)),
            Operation::TypeDictionary(kind, id) => (Subject::Dictionary(*kind), *kind, None, Some(&**id)),
            Operation::ApiVersions(_)
            | Operation::Subscriptions
            | Operation::Subscription(_)
            | Operation::Caller
            | Operation::Sources
            | Operation::Refresh(_)
            | Operation::Lease(_)
            | Operation::Act(..)
            | Operation::DryRun
            | Operation::OpenApi
            | Operation::Health(_) => return None,
        };
        Some(Self { subject, parent, id, kinds: kinds(subject, major), class: Class::of(kind, id.is_some()) })
    }

    /// Returns what the answer is made of; its version is that of this part.
    pub(super) fn part(&self) -> Part<'a> {
        match (self.subject, self.parent, self.id, self.kinds) {
            (Subject::List(Kind::Resource), Some(pool), ..) => Part::Pool(pool),
            (Subject::Get(kind), parent, Some(id), [_]) => Part::Object(kind, view::KeyRef { parent, id }),
            (Subject::Cloud | Subject::List(_) | Subject::Get(_) | Subject::Dictionary(_), .., kinds) => {
                Part::Kinds(kinds)
            }
        }
    }

    /// Names the answer in the caches.
    pub(super) fn key<'k>(
        &'k self,
        call: &'k Call<'_>,
        version: Version,
        spelling: Spelling,
        query: &'k str,
    ) -> KeyRef<'k> {
        KeyRef {
            major: call.route.major,
            scope: call.grant.scope.key(),
            version,
            subject: self.subject,
            parent: self.parent,
            id: self.id,
            spelling,
            query,
        }
    }
}

/// Returns the path of a collection below its major; it also names the collection in markers.
pub(super) fn path(kind: Kind, parent: Option<&str>) -> String {
    let mut path = String::new();
    if let Some(pool) = parent {
        path.push('/');
        path.push_str(Kind::ResourcePool.collection());
        path.push('/');
        push_segment(&mut path, pool);
    }
    path.push('/');
    path.push_str(kind.collection());
    path
}

/// Returns the path of a collection in links.
pub(super) fn full_path(major: Major, kind: Kind, parent: Option<&str>) -> String {
    format!("{}{}", base(major), path(kind, parent))
}

/// Returns the kinds whose changes may change an answer.
fn kinds(subject: Subject, major: Major) -> &'static [Kind] {
    match (subject, major) {
        (Subject::Cloud, _) => &[],
        // The list of an unknown pool is 404.
        (Subject::List(Kind::Resource), _) => &[Kind::Resource, Kind::ResourcePool],
        // Version 1 carries a copy of the dictionary.
        (Subject::List(Kind::ResourceType) | Subject::Get(Kind::ResourceType), Major::V1)
        | (Subject::Dictionary(Kind::AlarmDictionary), _) => &[Kind::ResourceType, Kind::AlarmDictionary],
        (Subject::Dictionary(_), _) => &[Kind::ResourceType, Kind::PerformanceDictionary],
        (Subject::List(kind) | Subject::Get(kind), _) => match kind {
            Kind::Location => &[Kind::Location],
            Kind::OCloudSite => &[Kind::OCloudSite],
            Kind::ResourceType => &[Kind::ResourceType],
            Kind::ResourcePool => &[Kind::ResourcePool],
            Kind::Resource => &[Kind::Resource],
            Kind::DeploymentManager => &[Kind::DeploymentManager],
            Kind::AlarmDictionary => &[Kind::AlarmDictionary],
            Kind::PerformanceDictionary => &[Kind::PerformanceDictionary],
        },
    }
}
