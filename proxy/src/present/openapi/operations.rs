//! What each operation takes and gives: summary, parameters, body and answers.

use super::schemas::reference;
use crate::routes::{Action, Health, Operation, Route};
use http::Method;
use netweave_model::query::{MAX_LIMIT, Target};
use serde_json::{Map, Value, json};

/// Refusals that every operation may answer with a problem.
const REFUSALS: [&str; 9] = ["400", "401", "403", "404", "405", "406", "429", "500", "503"];

/// What one method of an operation is.
struct About {
    id: &'static str,
    summary: &'static str,
    /// Names of shared query parameters.
    query: &'static [&'static str],
    /// The schema of the body that is taken, if one is.
    takes: Option<Value>,
    /// Status and schema of the answer, if it has a body.
    gives: (&'static str, Option<Value>),
}

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
pub(super) fn describe(route: &Route<'_>, method: &Method) -> Value {
    let about = about(&route.operation, method);
    let prefix = if *method == Method::HEAD { "head" } else { "" };
    let suffix = if route.template.contains("/v1/") && !route.template.starts_with("/netweave") {
        "V1"
    } else {
        ""
    };
    let (status, schema) = about.gives;
    let mut responses = Map::new();
    responses.insert(status.to_owned(), success(&route.operation, method, schema));
    if matches!(*method, Method::GET | Method::HEAD) {
        responses.insert(
            "304".to_owned(),
            json!({ "description": "The client has the answer already." }),
        );
    }
    for refusal in REFUSALS {
        responses.insert(
            refusal.to_owned(),
            json!({ "$ref": "#/components/responses/Problem" }),
        );
    }
    let mut described = json!({
        "operationId": format!("{prefix}{}{suffix}", about.id),
        "summary": about.summary,
        "tags": [tag(&route.operation)],
        "parameters": about.query.iter().map(|name| parameter_reference(name)).collect::<Vec<_>>(),
        "responses": responses,
    });
    if let Some(described) = described.as_object_mut() {
        if let Some(schema) = about.takes {
            let body = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
            described.insert("requestBody".to_owned(), body);
        }
        if matches!(route.operation, Operation::Health(_)) {
            described.insert("security".to_owned(), json!([]));
        }
    }
    described
}

fn parameter_reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

fn success(operation: &Operation<'_>, method: &Method, schema: Option<Value>) -> Value {
    let mut response = json!({ "description": "Done." });
    let Some(fields) = response.as_object_mut() else {
        return response;
    };
    if let Some(schema) = schema.filter(|_| *method != Method::HEAD) {
        fields.insert(
            "content".to_owned(),
            json!({ "application/json": { "schema": schema } }),
        );
    }
    let names: &[&str] = match operation {
        Operation::List(..) => &["ETag", "Link", "Cache-Control", "Age", "X-Cache", "Version"],
        Operation::Cloud | Operation::Get(..) | Operation::TypeDictionary(..) => {
            &["ETag", "Cache-Control", "Age", "X-Cache", "Version"]
        }
        Operation::Subscription(_) | Operation::Lease(_) => &["ETag"],
        Operation::Subscriptions if *method == Method::POST => &["ETag", "Location"],
        Operation::Subscriptions => &["ETag", "Link"],
        Operation::ApiVersions(_)
        | Operation::Caller
        | Operation::Sources
        | Operation::Act(..)
        | Operation::DryRun
        | Operation::OpenApi
        | Operation::Health(_) => &[],
    };
    if !names.is_empty() {
        let header = |name: &&str| {
            (
                (*name).to_owned(),
                json!({ "$ref": format!("#/components/headers/{name}") }),
            )
        };
        fields.insert(
            "headers".to_owned(),
            Value::Object(names.iter().map(header).collect()),
        );
    }
    response
}

fn tag(operation: &Operation<'_>) -> &'static str {
    match operation {
        Operation::Cloud | Operation::List(..) | Operation::Get(..) | Operation::TypeDictionary(..) => {
            "inventory"
        }
        Operation::Subscriptions | Operation::Subscription(_) => "subscriptions",
        Operation::Caller
        | Operation::Sources
        | Operation::Lease(_)
        | Operation::Act(..)
        | Operation::DryRun => "netweave",
        Operation::ApiVersions(_) | Operation::OpenApi => "interface",
        Operation::Health(_) => "health",
    }
}

fn about(operation: &Operation<'_>, method: &Method) -> About {
    let read = |id, summary, query, schema| About {
        id,
        summary,
        query,
        takes: None,
        gives: ("200", Some(schema)),
    };
    match operation {
        Operation::Cloud => read("getCloud", "Describes the O-Cloud.", SELECTORS, of(Target::Cloud)),
        Operation::ApiVersions(None) => read(
            "getAllApiVersions",
            "Names the versions of the API.",
            &[],
            reference("ApiVersionInformation"),
        ),
        Operation::ApiVersions(Some(_)) => read(
            "getApiVersions",
            "Names the versions of this major.",
            &[],
            reference("ApiVersionInformation"),
        ),
        Operation::List(kind, _) => {
            let schema = json!({ "type": "array", "items": of(Target::Inventory(*kind)) });
            read(list_id(*kind), "Lists a collection, ordered by id.", LIST, schema)
        }
        Operation::Get(kind, ..) => read(
            get_id(*kind),
            "Describes one object.",
            SELECTORS,
            of(Target::Inventory(*kind)),
        ),
        Operation::TypeDictionary(kind, _) => {
            let id = if *kind == netweave_model::Kind::AlarmDictionary {
                "getTypeAlarms"
            } else {
                "getTypeMeasurements"
            };
            read(
                id,
                "Describes the dictionary of a resource type.",
                SELECTORS,
                of(Target::Inventory(*kind)),
            )
        }
        Operation::OpenApi => read(
            "getOpenApi",
            "Describes the interface: this document.",
            &[],
            json!({ "type": "object" }),
        ),
        Operation::Health(Health::Live) => read(
            "getLive",
            "Says whether the process turns.",
            &[],
            reference("Health"),
        ),
        Operation::Health(Health::Healthy) => read(
            "getHealth",
            "Says whether the process serves.",
            &[],
            reference("Health"),
        ),
        Operation::Health(Health::Ready) => read(
            "getReady",
            "Says whether requests should be sent here.",
            &[],
            reference("Health"),
        ),
        Operation::Subscriptions
        | Operation::Subscription(_)
        | Operation::Caller
        | Operation::Sources
        | Operation::Lease(_)
        | Operation::Act(..)
        | Operation::DryRun => subscriptions(operation, method),
    }
}

/// Describes what is about subscriptions and the gateway itself.
fn subscriptions(operation: &Operation<'_>, method: &Method) -> About {
    let done = |id, summary, takes: Option<&str>, gives: &str| About {
        id,
        summary,
        query: &[],
        takes: takes.map(reference),
        gives: ("200", Some(reference(gives))),
    };
    let one = || of(Target::Subscription);
    match (operation, method) {
        (Operation::Subscriptions, &Method::POST) => About {
            id: "createSubscription",
            summary: "Subscribes to changes of the inventory.",
            query: &[],
            takes: Some(reference("SubscriptionRequest")),
            gives: ("201", Some(one())),
        },
        (Operation::Subscriptions, _) => About {
            id: "listSubscriptions",
            summary: "Lists the caller's subscriptions, ordered by id.",
            query: LIST,
            takes: None,
            gives: ("200", Some(json!({ "type": "array", "items": one() }))),
        },
        (Operation::Subscription(_), &Method::DELETE) => gone("deleteSubscription"),
        (Operation::Subscription(_), _) => About {
            id: "getSubscription",
            summary: "Describes one subscription.",
            query: SELECTORS,
            takes: None,
            gives: ("200", Some(one())),
        },
        (Operation::Lease(_), &Method::DELETE) => gone("endSubscription"),
        (Operation::Lease(_), &Method::PUT) => done(
            "replaceSubscription",
            "Replaces a subscription.",
            Some("SubscriptionRequest"),
            "SubscriptionState",
        ),
        (Operation::Lease(_), _) => done(
            "getSubscriptionState",
            "Describes a subscription with lease, state and backlog.",
            None,
            "SubscriptionState",
        ),
        (Operation::Act(_, Action::Renew), _) => done(
            "renewSubscription",
            "Prolongs the lease.",
            Some("Renewal"),
            "SubscriptionState",
        ),
        (Operation::Act(_, Action::Test), _) => {
            done("testSubscription", "Queues a test notice.", None, "Outcome")
        }
        (Operation::Act(_, Action::Replay), _) => done(
            "replaySubscription",
            "Queues dead letters or recent changes again.",
            Some("Replay"),
            "Outcome",
        ),
        (Operation::Act(_, Action::DryRun), _) => done(
            "trySubscription",
            "Says whether a change would be sent.",
            Some("Change"),
            "Verdict",
        ),
        (Operation::Act(_, Action::Deliveries), _) => done(
            "listDeliveries",
            "Lists the latest attempts and the dead letters.",
            None,
            "Deliveries",
        ),
        (Operation::DryRun, _) => done(
            "tryFilter",
            "Says whether a change would be sent under a filter.",
            Some("Change"),
            "Verdict",
        ),
        (Operation::Caller, _) => done("getCaller", "Describes the caller.", None, "Caller"),
        _ => done(
            "getSources",
            "Describes the backends and their health.",
            None,
            "Sources",
        ),
    }
}

fn gone(id: &'static str) -> About {
    About {
        id,
        summary: "Ends a subscription.",
        query: &[],
        takes: None,
        gives: ("204", None),
    }
}

fn of(target: Target) -> Value {
    reference(target.table().name)
}

fn list_id(kind: netweave_model::Kind) -> &'static str {
    use netweave_model::Kind;
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

fn get_id(kind: netweave_model::Kind) -> &'static str {
    use netweave_model::Kind;
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

/// Describes an id in a path.
pub(super) fn path_parameter(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } })
}

/// Returns the shared query parameters.
pub(super) fn parameters() -> Value {
    let query = |name: &str, about: &str, schema: Value| json!({ "name": name, "in": "query", "description": about, "schema": schema });
    let text = || json!({ "type": "string" });
    json!({
        "filter": query("filter", "Which objects: (op,attribute[/attribute...],value[,value...]), several joined by ';'. \
            Operators: eq, neq, gt, gte, lt, lte, in, nin, cont, ncont. May be repeated.", text()),
        "fields": query("fields", "Which optional attributes are sent.", text()),
        "exclude_fields": query("exclude_fields", "Which optional attributes are left out.", text()),
        "all_fields": flag("all_fields", "All attributes are sent."),
        "exclude_default": flag("exclude_default", "Attributes that are left out by default are left out."),
        "nextpage_opaque_marker": query("nextpage_opaque_marker", "Which page: the marker of a Link header, or a number \
            from 1.", text()),
        "limit": query("limit", "How many items a page has at most.",
            json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT })),
    })
}

fn flag(name: &str, about: &str) -> Value {
    json!({ "name": name, "in": "query", "description": about, "allowEmptyValue": true, "schema": { "type": "string" } })
}

/// Returns the shared headers of answers.
pub(super) fn headers() -> Value {
    let header = |about: &str| json!({ "description": about, "schema": { "type": "string" } });
    json!({
        "ETag": header("Names exactly this body."),
        "Link": header("Leads to the next page, with rel=\"next\"; absent on the last one."),
        "Location": header("Where the new object is."),
        "Cache-Control": header("How long the answer may be used without asking again."),
        "Age": header("Seconds since the source confirmed what is answered; absent while it is watched live."),
        "X-Cache": header("HIT, MISS, or STALE: a source fails or was not heard of for longer than it should."),
        "Version": header("The version of the interface that answers."),
    })
}

/// Returns the shared answers.
pub(super) fn shared_responses() -> Value {
    json!({
        "Problem": {
            "description": "The request is refused or cannot be answered.",
            "headers": { "Retry-After": { "description": "Seconds to wait, with 429 and 503.", "schema": { "type": "integer" } } },
            "content": { "application/problem+json": { "schema": reference("ProblemDetails") } },
        },
    })
}
