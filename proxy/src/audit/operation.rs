//! The name of what a call asked for, and the object that its path names.
//!
//! The names are ours: the specification numbers its operations, it does not name them. They follow one rule, verb and
//! collection, and are part of the log's form.

use super::record::Text;
use crate::routes::{Action, Operation, table};
use http::Method;
use netweave_model::Kind;
use netweave_model::subscription::Major;

/// What a path and a method name; everything is absent if there is no such path.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Named<'a> {
    /// The operation.
    pub operation: Option<&'static str>,
    /// The collection, as the specification spells it.
    pub collection: Option<&'static str>,
    /// The object that holds the named one.
    pub parent: Option<Text<'a>>,
    /// The object.
    pub id: Option<Text<'a>>,
}

/// Finds what a path and a method name, also in majors that are not served.
pub fn named<'a>(path: &'a str, method: &Method) -> Named<'a> {
    let Some(route) = table::resolve(path, &[Major::V1, Major::V2]) else {
        return Named::default();
    };
    let declared = route.methods.contains(method) || *method == Method::HEAD;
    let operation = declared.then(|| name(&route.operation, method)).flatten();
    let collection = collection(&route.operation);
    let (parent, id) = ids(route.operation);
    Named { operation, collection, parent, id }
}

fn name(operation: &Operation<'_>, method: &Method) -> Option<&'static str> {
    Some(match operation {
        Operation::Cloud => "GetOCloud",
        Operation::ApiVersions(_) => "GetApiVersions",
        Operation::List(kind, _) => list(*kind),
        Operation::Get(kind, ..) => get(*kind),
        Operation::TypeDictionary(Kind::PerformanceDictionary, _) => "GetPerformanceDictionaryOfResourceType",
        Operation::TypeDictionary(..) => "GetAlarmDictionaryOfResourceType",
        Operation::Subscriptions if *method == Method::POST => "CreateSubscription",
        Operation::Subscriptions => "ListSubscriptions",
        Operation::Subscription(_) | Operation::Lease(_) if *method == Method::DELETE => "DeleteSubscription",
        Operation::Lease(_) if *method == Method::PUT => "ReplaceSubscription",
        Operation::Subscription(_) | Operation::Lease(_) => "GetSubscription",
        Operation::Caller => "GetSelf",
        Operation::Sources => "ListSources",
        Operation::Refresh(_) => "RefreshSource",
        Operation::Act(_, Action::Renew) => "RenewSubscription",
        Operation::Act(_, Action::RotateSecret) => "RotateSubscriptionSecret",
        Operation::Act(_, Action::Test) => "TestSubscription",
        Operation::Act(_, Action::Replay) => "ReplaySubscription",
        Operation::Act(_, Action::DryRun) | Operation::DryRun => "DryRunSubscription",
        Operation::Act(_, Action::Deliveries) => "ListDeliveries",
        Operation::OpenApi => "GetOpenApi",
        Operation::Health(_) => return None,
    })
}

fn list(kind: Kind) -> &'static str {
    match kind {
        Kind::Location => "ListLocations",
        Kind::OCloudSite => "ListOCloudSites",
        Kind::ResourceType => "ListResourceTypes",
        Kind::ResourcePool => "ListResourcePools",
        Kind::Resource => "ListResources",
        Kind::DeploymentManager => "ListDeploymentManagers",
        Kind::AlarmDictionary => "ListAlarmDictionaries",
        Kind::PerformanceDictionary => "ListPerformanceDictionaries",
    }
}

fn get(kind: Kind) -> &'static str {
    match kind {
        Kind::Location => "GetLocation",
        Kind::OCloudSite => "GetOCloudSite",
        Kind::ResourceType => "GetResourceType",
        Kind::ResourcePool => "GetResourcePool",
        Kind::Resource => "GetResource",
        Kind::DeploymentManager => "GetDeploymentManager",
        Kind::AlarmDictionary => "GetAlarmDictionary",
        Kind::PerformanceDictionary => "GetPerformanceDictionary",
    }
}

fn collection(operation: &Operation<'_>) -> Option<&'static str> {
    match operation {
        Operation::List(kind, _) | Operation::Get(kind, ..) => Some(spelled(*kind)),
        Operation::TypeDictionary(..) => Some(spelled(Kind::ResourceType)),
        Operation::Subscriptions
        | Operation::Subscription(_)
        | Operation::Lease(_)
        | Operation::Act(..)
        | Operation::DryRun => Some("subscriptions"),
        Operation::Sources | Operation::Refresh(_) => Some("sources"),
        Operation::Cloud
        | Operation::ApiVersions(_)
        | Operation::Caller
        | Operation::OpenApi
        | Operation::Health(_) => None,
    }
}

fn spelled(kind: Kind) -> &'static str {
    match kind {
        Kind::Location => "locations",
        Kind::OCloudSite => "oCloudSites",
        Kind::ResourceType => "resourceTypes",
        Kind::ResourcePool => "resourcePools",
        Kind::Resource => "resources",
        Kind::DeploymentManager => "deploymentManagers",
        Kind::AlarmDictionary => "alarmDictionaries",
        Kind::PerformanceDictionary => "performanceDictionaries",
    }
}

fn ids(operation: Operation<'_>) -> (Option<Text<'_>>, Option<Text<'_>>) {
    match operation {
        Operation::List(_, parent) => (parent, None),
        Operation::Get(_, parent, id) => (parent, Some(id)),
        Operation::TypeDictionary(_, id)
        | Operation::Subscription(id)
        | Operation::Refresh(id)
        | Operation::Lease(id)
        | Operation::Act(id, _) => (None, Some(id)),
        Operation::Cloud
        | Operation::ApiVersions(_)
        | Operation::Subscriptions
        | Operation::Caller
        | Operation::Sources
        | Operation::DryRun
        | Operation::OpenApi
        | Operation::Health(_) => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_a_method_have_an_operation_a_collection_and_an_object() {
        let api = "/o2ims-infrastructureInventory/v2";
        for (method, path, operation, collection, parent, id) in [
            (
                Method::GET,
                "/resourcePools/p%201/resources/r",
                Some("GetResource"),
                Some("resources"),
                Some("p 1"),
                Some("r"),
            ),
            (Method::HEAD, "/resourcePools", Some("ListResourcePools"), Some("resourcePools"), None, None),
            (Method::POST, "/subscriptions", Some("CreateSubscription"), Some("subscriptions"), None, None),
            (
                Method::DELETE,
                "/subscriptions/s",
                Some("DeleteSubscription"),
                Some("subscriptions"),
                None,
                Some("s"),
            ),
            (Method::PATCH, "/subscriptions/s", None, Some("subscriptions"), None, Some("s")),
            (Method::GET, "/nothing", None, None, None, None),
        ] {
            let path = format!("{api}{path}");
            let found = named(&path, &method);
            let found = (found.operation, found.collection, found.parent.as_deref(), found.id.as_deref());
            assert_eq!(found, (operation, collection, parent, id), "{method} {path}");
        }
    }
}
