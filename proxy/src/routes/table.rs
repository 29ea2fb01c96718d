//! From a path to an operation: every path that exists, and nothing else.
//!
//! Paths are matched as they were sent; only ids are percent-decoded, once, and are opaque after that. A trailing slash
//! is ignored; empty and dot segments do not exist.
//! Source: O-RAN.WG6.TS.O2IMS-INTERFACE-R004-v10.00, inventory methods, as summarised in `docs/o2ims-coverage.md`.

use super::{Action, Health, Operation, Route};
use http::Method;
use netweave_model::Kind;
use netweave_model::subscription::Major;
use std::borrow::Cow;

/// The name of the API in links, as servers of the field spell it.
pub const API: &str = "o2ims-infrastructureInventory";
/// The name of the API as the specification spells it; the same operations.
pub const API_ALIAS: &str = "O2ims_infrastructureInventory";

/// Longest path that exists, in segments.
const MAX_SEGMENTS: usize = 6;

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const GET_POST: &[Method] = &[Method::GET, Method::POST];
const GET_DELETE: &[Method] = &[Method::GET, Method::DELETE];
const GET_PUT_DELETE: &[Method] = &[Method::GET, Method::PUT, Method::DELETE];

macro_rules! o2 {
    ($rest:literal) => {
        [
            concat!("/o2ims-infrastructureInventory/v1", $rest),
            concat!("/o2ims-infrastructureInventory/v2", $rest),
        ]
    };
}

macro_rules! own {
    ($path:literal) => {
        [$path, $path]
    };
}

/// The path of every operation with placeholders, for v1 and v2; `shape` gives the row.
const TEMPLATES: [[&str; 2]; 38] = [
    o2!("/"),
    own!("/o2ims-infrastructureInventory/api_versions"),
    o2!("/api_versions"),
    o2!("/locations"),
    o2!("/oCloudSites"),
    o2!("/resourceTypes"),
    o2!("/resourcePools"),
    o2!("/resourcePools/{resourcePoolId}/resources"),
    o2!("/deploymentManagers"),
    o2!("/alarmDictionaries"),
    o2!("/performanceDictionaries"),
    o2!("/locations/{globalLocationId}"),
    o2!("/oCloudSites/{oCloudSiteId}"),
    o2!("/resourceTypes/{resourceTypeId}"),
    o2!("/resourcePools/{resourcePoolId}"),
    o2!("/resourcePools/{resourcePoolId}/resources/{resourceId}"),
    o2!("/deploymentManagers/{deploymentManagerId}"),
    o2!("/alarmDictionaries/{alarmDictionaryId}"),
    o2!("/performanceDictionaries/{performanceDictionaryId}"),
    o2!("/resourceTypes/{resourceTypeId}/alarmDictionary"),
    o2!("/resourceTypes/{resourceTypeId}/performanceDictionary"),
    o2!("/subscriptions"),
    o2!("/subscriptions/{subscriptionId}"),
    own!("/netweave/v1/self"),
    own!("/netweave/v1/sources"),
    own!("/netweave/v1/sources/{source}/refresh"),
    own!("/netweave/v1/subscriptions/{subscriptionId}"),
    own!("/netweave/v1/subscriptions/{subscriptionId}/renew"),
    own!("/netweave/v1/subscriptions/{subscriptionId}/test"),
    own!("/netweave/v1/subscriptions/{subscriptionId}/replay"),
    own!("/netweave/v1/subscriptions/{subscriptionId}/dry-run"),
    own!("/netweave/v1/subscriptions/{subscriptionId}/deliveries"),
    own!("/netweave/v1/subscriptions/{subscriptionId}/rotate-secret"),
    own!("/netweave/v1/subscriptions/dry-run"),
    own!("/openapi.json"),
    own!("/livez"),
    own!("/healthz"),
    own!("/readyz"),
];

/// How many slots there are for routes; [`slot`] is always below.
pub const SLOTS: usize = TEMPLATES.len() * 2;

/// Numbers a route by template and major, for tables that are indexed without hashing.
pub fn slot(route: &Route<'_>) -> usize {
    shape(&route.operation) * 2 + side(route.major)
}

/// Returns the template of a slot; empty if there is no such slot.
pub fn template_of(slot: usize) -> &'static str {
    TEMPLATES.get(slot / 2).and_then(|row| row.get(slot % 2)).copied().unwrap_or("")
}

/// Finds what a path names; `None` if there is no such path among the majors that are served.
pub fn resolve<'a>(path: &'a str, majors: &[Major]) -> Option<Route<'a>> {
    let mut segments = [""; MAX_SEGMENTS];
    let segments = split(path, &mut segments)?;
    let (major, operation) = match segments {
        [API | API_ALIAS, rest @ ..] => inventory(rest, majors)?,
        ["netweave", "v1", rest @ ..] => (Major::V2, own_path(rest)?),
        ["openapi.json"] => (Major::V2, Operation::OpenApi),
        [name] => (Major::V2, Operation::Health(health_name(name)?)),
        _ => return None,
    };
    let template = template_of(shape(&operation) * 2 + side(major));
    let methods = methods(&operation);
    Some(Route { operation, major, template, methods })
}

/// Finds the health question of a path, without looking at anything else.
pub fn health(path: &str) -> Option<Health> {
    let name = path.strip_prefix('/')?;
    health_name(name.strip_suffix('/').unwrap_or(name))
}

fn health_name(name: &str) -> Option<Health> {
    match name {
        "livez" => Some(Health::Live),
        "healthz" | "health" => Some(Health::Healthy),
        "readyz" | "ready" => Some(Health::Ready),
        _ => None,
    }
}

/// Splits an absolute path; `None` for an empty or dot segment, and for more segments than any path has.
fn split<'a, 'b>(path: &'a str, segments: &'b mut [&'a str; MAX_SEGMENTS]) -> Option<&'b [&'a str]> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut count = 0;
    for segment in path.split('/') {
        if matches!(segment, "" | "." | "..") {
            return None;
        }
        *segments.get_mut(count)? = segment;
        count += 1;
    }
    segments.get(..count)
}

fn inventory<'a>(segments: &[&'a str], majors: &[Major]) -> Option<(Major, Operation<'a>)> {
    let (first, rest) = segments.split_first()?;
    let major = match *first {
        "v1" => Major::V1,
        "v2" => Major::V2,
        "api_versions" if rest.is_empty() => return Some((Major::V2, Operation::ApiVersions(None))),
        _ => return None,
    };
    if !majors.contains(&major) {
        return None;
    }
    let operation = match *rest {
        [] => Operation::Cloud,
        ["api_versions"] => Operation::ApiVersions(Some(major)),
        ["openapi.json"] => Operation::OpenApi,
        ["subscriptions"] => Operation::Subscriptions,
        ["subscriptions", subscription] => Operation::Subscription(id(subscription)?),
        ["resourceTypes", of, "alarmDictionary"] => Operation::TypeDictionary(Kind::AlarmDictionary, id(of)?),
        ["resourceTypes", of, "performanceDictionary"] => {
            Operation::TypeDictionary(Kind::PerformanceDictionary, id(of)?)
        }
        ["resourcePools", pool, "resources"] => Operation::List(Kind::Resource, Some(id(pool)?)),
        ["resourcePools", pool, "resources", resource] => {
            Operation::Get(Kind::Resource, Some(id(pool)?), id(resource)?)
        }
        [collection] => Operation::List(kind(collection, major)?, None),
        [collection, object] => Operation::Get(kind(collection, major)?, None, id(object)?),
        _ => return None,
    };
    Some((major, operation))
}

/// Finds the collections that stand at the root of a major.
fn kind(collection: &str, major: Major) -> Option<Kind> {
    match collection.parse::<Kind>().ok()? {
        Kind::Resource => None,
        Kind::Location | Kind::OCloudSite if major == Major::V1 => None,
        kind @ (Kind::Location
        | Kind::OCloudSite
        | Kind::ResourceType
        | Kind::ResourcePool
        | Kind::DeploymentManager
        | Kind::AlarmDictionary
        | Kind::PerformanceDictionary) => Some(kind),
    }
}

fn own_path<'a>(segments: &[&'a str]) -> Option<Operation<'a>> {
    Some(match *segments {
        ["self"] => Operation::Caller,
        ["sources"] => Operation::Sources,
        ["sources", source, "refresh"] => Operation::Refresh(id(source)?),
        ["subscriptions", "dry-run"] => Operation::DryRun,
        ["subscriptions", subscription] => Operation::Lease(id(subscription)?),
        ["subscriptions", subscription, action] => Operation::Act(id(subscription)?, action_name(action)?),
        _ => return None,
    })
}

fn action_name(name: &str) -> Option<Action> {
    match name {
        "renew" => Some(Action::Renew),
        "rotate-secret" => Some(Action::RotateSecret),
        "test" => Some(Action::Test),
        "replay" => Some(Action::Replay),
        "dry-run" => Some(Action::DryRun),
        "deliveries" => Some(Action::Deliveries),
        _ => None,
    }
}

/// Decodes an id; `None` if its escapes are broken, or if it cannot be an id of ours (controls, dot segments).
fn id(segment: &str) -> Option<Cow<'_, str>> {
    let decoded = if segment.contains('%') { Cow::Owned(unescape(segment)?) } else { Cow::Borrowed(segment) };
    let refused = decoded.chars().any(char::is_control) || matches!(decoded.as_ref(), "" | "." | "..");
    (!refused).then_some(decoded)
}

fn unescape(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(if byte == b'%' { nibble(bytes.next()?)? << 4 | nibble(bytes.next()?)? } else { byte });
    }
    String::from_utf8(out).ok()
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn methods(operation: &Operation<'_>) -> &'static [Method] {
    match operation {
        Operation::Subscriptions => GET_POST,
        Operation::Subscription(_) => GET_DELETE,
        Operation::Lease(_) => GET_PUT_DELETE,
        Operation::DryRun
        | Operation::Refresh(_)
        | Operation::Act(
            _,
            Action::Renew | Action::RotateSecret | Action::Test | Action::Replay | Action::DryRun,
        ) => POST,
        Operation::Cloud
        | Operation::ApiVersions(_)
        | Operation::List(..)
        | Operation::Get(..)
        | Operation::TypeDictionary(..)
        | Operation::Caller
        | Operation::Sources
        | Operation::Act(_, Action::Deliveries)
        | Operation::OpenApi
        | Operation::Health(_) => GET,
    }
}

/// Numbers an operation by the form of its path: the row of `TEMPLATES`.
fn shape(operation: &Operation<'_>) -> usize {
    match operation {
        Operation::Cloud => 0,
        Operation::ApiVersions(None) => 1,
        Operation::ApiVersions(Some(_)) => 2,
        Operation::List(kind, _) => 3 + column(*kind),
        Operation::Get(kind, ..) => 11 + column(*kind),
        Operation::TypeDictionary(Kind::PerformanceDictionary, _) => 20,
        Operation::TypeDictionary(..) => 19,
        Operation::Subscriptions => 21,
        Operation::Subscription(_) => 22,
        Operation::Caller => 23,
        Operation::Sources => 24,
        Operation::Refresh(_) => 25,
        Operation::Lease(_) => 26,
        Operation::Act(_, Action::Renew) => 27,
        Operation::Act(_, Action::Test) => 28,
        Operation::Act(_, Action::Replay) => 29,
        Operation::Act(_, Action::DryRun) => 30,
        Operation::Act(_, Action::Deliveries) => 31,
        Operation::Act(_, Action::RotateSecret) => 32,
        Operation::DryRun => 33,
        Operation::OpenApi => 34,
        Operation::Health(Health::Live) => 35,
        Operation::Health(Health::Healthy) => 36,
        Operation::Health(Health::Ready) => 37,
    }
}

fn column(kind: Kind) -> usize {
    match kind {
        Kind::Location => 0,
        Kind::OCloudSite => 1,
        Kind::ResourceType => 2,
        Kind::ResourcePool => 3,
        Kind::Resource => 4,
        Kind::DeploymentManager => 5,
        Kind::AlarmDictionary => 6,
        Kind::PerformanceDictionary => 7,
    }
}

fn side(major: Major) -> usize {
    match major {
        Major::V1 => 0,
        Major::V2 => 1,
    }
}

#[cfg(test)]
mod tests;
