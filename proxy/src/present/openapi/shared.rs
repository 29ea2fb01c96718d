//! What many operations share: parameters, headers and the answer to what is refused.

use super::schemas::reference;
use netweave_model::query::MAX_LIMIT;
use serde_json::{Value, json};

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
        "X-Cache": header("HIT, HIT-SHARED (another pod had made it), MISS, or STALE: a source fails or was not heard of for longer than it should."),
        "X-O2IMS-Webhook-Secret": header("The secret that signs notifications; shown this once."),
        "Version": header("The version of the interface that answers."),
    })
}

/// Returns the shared answers.
pub(super) fn responses() -> Value {
    json!({
        "Problem": {
            "description": "The request is refused or cannot be answered.",
            "headers": { "Retry-After": { "description": "Seconds to wait, with 429 and 503.", "schema": { "type": "integer" } } },
            "content": { "application/problem+json": { "schema": reference("ProblemDetails") } },
        },
    })
}
