//! What each operation takes and gives: summary, parameters, body and answers.

use super::schemas::reference;
use crate::conf::tree::Compatibility;
use crate::routes::{Action, Health, Operation, Route};
use http::Method;
use netweave_model::Kind;
use netweave_model::query::Target;
use netweave_model::subscription::Major;
use serde_json::{Map, Value, json};

/// Refusals that every operation may answer with a problem.
const REFUSALS: [&str; 11] = ["400", "401", "403", "404", "405", "406", "414", "429", "500", "503", "504"];
/// Further refusals of operations that write.
const WRITE_REFUSALS: [&str; 5] = ["409", "412", "413", "415", "422"];

const SELECTORS: &[&str] = &["fields", "exclude_fields", "all_fields", "exclude_default"];
const LIST: &[&str] = &[
    "filter",
    "fields",
    "exclude_fields",
    "all_fields",
    "exclude_default",
    "nextpage_opaque_marker",
    "limit",
];

/// Describes one method of a route.
pub(super) fn describe(route: &Route<'_>, method: &Method, dialect: Compatibility) -> Value {
    let operation = &route.operation;
    let (id, summary) = name(operation, method);
    let mut described = Map::new();
    described.insert("operationId".to_owned(), operation_id(route, id).into());
    described.insert("summary".to_owned(), summary.into());
    described.insert("tags".to_owned(), json!([tag(operation)]));
    let parameters = query(operation, method).iter().map(|name| refer("parameters", name));
    described.insert("parameters".to_owned(), parameters.collect());
    described.insert("responses".to_owned(), responses(route, method, dialect));
    if let Some(schema) = takes(operation, method) {
        let body =
            json!({ "required": true, "content": { "application/json": { "schema": reference(schema) } } });
        described.insert("requestBody".to_owned(), body);
    }
    if matches!(operation, Operation::Health(_)) {
        described.insert("security".to_owned(), json!([]));
    }
    Value::Object(described)
}

fn refer(section: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{section}/{name}") })
}

/// Makes an id that no other operation has: the majors share names.
fn operation_id(route: &Route<'_>, id: &str) -> String {
    let own = route.template.starts_with("/netweave/");
    let major = if !own && route.template.contains("/v1/") { "_v1" } else { "" };
    format!("{id}{major}")
}

fn responses(route: &Route<'_>, method: &Method, dialect: Compatibility) -> Value {
    let operation = &route.operation;
    let (mut status, schema) = gives(operation, method);
    let field = route.major == Major::V1 && dialect == Compatibility::Field;
    if field && matches!(operation, Operation::Subscription(_)) && *method == Method::DELETE {
        status = "200";
    }
    let mut success = json!({ "description": "Done." });
    if let Some(success) = success.as_object_mut() {
        if let Some(schema) = schema {
            success.insert("content".to_owned(), json!({ "application/json": { "schema": schema } }));
        }
        let headers = headers(operation, method).iter();
        let headers: Map<_, _> = headers.map(|name| ((*name).to_owned(), refer("headers", name))).collect();
        success.insert("headers".to_owned(), Value::Object(headers));
    }
    let mut responses = Map::new();
    responses.insert(status.to_owned(), success);
    if *method == Method::GET && headers(operation, method).contains(&"ETag") {
        responses.insert("304".to_owned(), json!({ "description": "The client has the answer already." }));
    }
    let writes = if *method == Method::GET { &[] as &[_] } else { &WRITE_REFUSALS };
    for refusal in REFUSALS.iter().chain(writes) {
        responses.insert((*refusal).to_owned(), refer("responses", "Problem"));
    }
    Value::Object(responses)
}

fn headers(operation: &Operation<'_>, method: &Method) -> &'static [&'static str] {
    match operation {
        Operation::List(..) => &["ETag", "Link", "Cache-Control", "Age", "X-Cache", "Version"],
        Operation::Cloud | Operation::Get(..) | Operation::TypeDictionary(..) => {
            &["ETag", "Cache-Control", "Age", "X-Cache", "Version"]
        }
        Operation::Subscription(_) | Operation::Lease(_) => &["ETag"],
        Operation::Subscriptions if *method == Method::POST => {
            &["ETag", "Location", "X-O2IMS-Webhook-Secret"]
        }
        Operation::Act(_, Action::RotateSecret) => &["ETag", "X-O2IMS-Webhook-Secret"],
        Operation::Subscriptions => &["ETag", "Link"],
        Operation::ApiVersions(_) | Operation::OpenApi => &["ETag", "Cache-Control", "Version"],
        Operation::Caller
        | Operation::Sources
        | Operation::Refresh(_)
        | Operation::Act(..)
        | Operation::DryRun
        | Operation::Health(_) => &[],
    }
}

fn tag(operation: &Operation<'_>) -> &'static str {
    match operation {
        Operation::Cloud | Operation::List(..) | Operation::Get(..) | Operation::TypeDictionary(..) => {
            "inventory"
        }
        Operation::Subscriptions | Operation::Subscription(_) => "subscriptions",
        Operation::Caller
        | Operation::Sources
        | Operation::Refresh(_)
        | Operation::Lease(_)
        | Operation::Act(..)
        | Operation::DryRun => "netweave",
        Operation::ApiVersions(_) | Operation::OpenApi => "interface",
        Operation::Health(_) => "health",
    }
}

/// Returns the names of the query parameters.
fn query(operation: &Operation<'_>, method: &Method) -> &'static [&'static str] {
    if *method != Method::GET {
        return &[];
    }
    match operation {
        Operation::List(..) | Operation::Subscriptions => LIST,
        Operation::Cloud
        | Operation::Get(..)
        | Operation::TypeDictionary(..)
        | Operation::Subscription(_) => SELECTORS,
        Operation::ApiVersions(_)
        | Operation::Caller
        | Operation::Sources
        | Operation::Refresh(_)
        | Operation::Lease(_)
        | Operation::Act(..)
        | Operation::DryRun
        | Operation::OpenApi
        | Operation::Health(_) => &[],
    }
}

/// Returns the schema of the body that is taken, if one is.
fn takes(operation: &Operation<'_>, method: &Method) -> Option<&'static str> {
    match (operation, method) {
        (Operation::Subscriptions, &Method::POST) | (Operation::Lease(_), &Method::PUT) => {
            Some("SubscriptionRequest")
        }
        (Operation::Act(_, Action::Renew), _) => Some("Renewal"),
        (Operation::Act(_, Action::RotateSecret), _) => Some("SecretRotation"),
        (Operation::Act(_, Action::Replay), _) => Some("ReplayRequest"),
        (Operation::Act(_, Action::DryRun) | Operation::DryRun, _) => Some("SupposedChange"),
        _ => None,
    }
}

/// Returns status and schema of the answer.
fn gives(operation: &Operation<'_>, method: &Method) -> (&'static str, Option<Value>) {
    let of = |target: Target| reference(target.table().name);
    let list = |items: Value| json!({ "type": "array", "items": items });
    let schema = match (operation, method) {
        (Operation::Subscription(_) | Operation::Lease(_), &Method::DELETE) => return ("204", None),
        (Operation::Subscriptions, &Method::POST) => return ("201", Some(of(Target::Subscription))),
        (Operation::Subscriptions, _) => list(of(Target::Subscription)),
        (Operation::Subscription(_), _) => of(Target::Subscription),
        (Operation::Cloud, _) => of(Target::Cloud),
        (Operation::List(kind, _), _) => list(of(Target::Inventory(*kind))),
        (Operation::Get(kind, ..) | Operation::TypeDictionary(kind, _), _) => of(Target::Inventory(*kind)),
        (Operation::ApiVersions(_), _) => reference("ApiVersionInformation"),
        (Operation::OpenApi, _) => json!({ "type": "object" }),
        (Operation::Health(_), _) => reference("Health"),
        (Operation::Lease(_) | Operation::Act(_, Action::Renew | Action::RotateSecret), _) => {
            reference("SubscriptionState")
        }
        (Operation::Refresh(_), _) => return ("202", None),
        (Operation::Act(_, Action::Test), _) => return ("202", Some(reference("QueuedNotice"))),
        (Operation::Act(_, Action::Replay), _) => return ("202", Some(reference("Replayed"))),
        (Operation::Act(_, Action::DryRun) | Operation::DryRun, _) => reference("Verdict"),
        (Operation::Act(_, Action::Deliveries), _) => reference("Deliveries"),
        (Operation::Caller, _) => reference("Caller"),
        (Operation::Sources, _) => list(reference("Source")),
    };
    ("200", Some(schema))
}

/// Returns id and summary.
fn name(operation: &Operation<'_>, method: &Method) -> (&'static str, &'static str) {
    match (operation, method) {
        (Operation::Cloud, _) => ("getCloud", "Describes the O-Cloud."),
        (Operation::ApiVersions(None), _) => ("getAllApiVersions", "Names the versions of the API."),
        (Operation::ApiVersions(Some(_)), _) => ("getApiVersions", "Names the versions of this major."),
        (Operation::List(kind, _), _) => (list_id(*kind), "Lists a collection, ordered by id."),
        (Operation::Get(kind, ..), _) => (get_id(*kind), "Describes one object."),
        (Operation::TypeDictionary(Kind::AlarmDictionary, _), _) => {
            ("getAlarmsOfType", "Describes the alarms a resource type can raise.")
        }
        (Operation::TypeDictionary(..), _) => {
            ("getMeasurementsOfType", "Describes the measurements a resource type can deliver.")
        }
        (Operation::OpenApi, _) => ("getOpenApi", "Describes the interface: this document."),
        (Operation::Health(Health::Live), _) => ("getLive", "Says whether the process turns."),
        (Operation::Health(Health::Healthy), _) => ("getHealth", "Says whether the process serves."),
        (Operation::Health(Health::Ready), _) => ("getReady", "Says whether requests should be sent here."),
        (Operation::Subscriptions, &Method::POST) => {
            ("createSubscription", "Subscribes to changes of the inventory.")
        }
        (Operation::Subscriptions, _) => {
            ("listSubscriptions", "Lists the caller's subscriptions, ordered by id.")
        }
        (Operation::Subscription(_), &Method::DELETE) => ("deleteSubscription", "Ends a subscription."),
        (Operation::Subscription(_), _) => ("getSubscription", "Describes one subscription."),
        (Operation::Lease(_), &Method::DELETE) => ("endSubscription", "Ends a subscription."),
        (Operation::Lease(_), &Method::PUT) => ("replaceSubscription", "Replaces a subscription."),
        (Operation::Lease(_), _) => ("getLease", "Describes a subscription with lease, state and backlog."),
        (Operation::Act(_, action), _) => action_name(*action),
        (Operation::DryRun, _) => ("tryFilter", "Says whether a change would be sent under a filter."),
        (Operation::Caller, _) => ("getCaller", "Describes the caller."),
        (Operation::Sources, _) => ("getSources", "Describes the backends and their health."),
        (Operation::Refresh(_), _) => ("refreshSource", "Has a backend be read anew, as a whole."),
    }
}

fn action_name(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::Renew => ("renewSubscription", "Prolongs the lease."),
        Action::RotateSecret => ("rotateSecret", "Hands out a new signing secret."),
        Action::Test => ("testSubscription", "Queues a test notice."),
        Action::Replay => ("replaySubscription", "Queues dead letters or recent changes again."),
        Action::DryRun => ("trySubscription", "Says whether a change would be sent."),
        Action::Deliveries => ("listDeliveries", "Lists the latest attempts and the dead letters."),
    }
}

fn list_id(kind: Kind) -> &'static str {
    match kind {
        Kind::Location => "listLocations",
        Kind::OCloudSite => "listOCloudSites",
        Kind::ResourceType => "listResourceTypes",
        Kind::ResourcePool => "listResourcePools",
        Kind::Resource => "listResources",
        Kind::DeploymentManager => "listDeploymentManagers",
        Kind::AlarmDictionary => "listAlarmDictionaries",
        Kind::PerformanceDictionary => "listPerformanceDictionaries",
    }
}

fn get_id(kind: Kind) -> &'static str {
    match kind {
        Kind::Location => "getLocation",
        Kind::OCloudSite => "getOCloudSite",
        Kind::ResourceType => "getResourceType",
        Kind::ResourcePool => "getResourcePool",
        Kind::Resource => "getResource",
        Kind::DeploymentManager => "getDeploymentManager",
        Kind::AlarmDictionary => "getAlarmDictionary",
        Kind::PerformanceDictionary => "getPerformanceDictionary",
    }
}
