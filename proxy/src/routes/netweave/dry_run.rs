//! The dry run: would a given change be sent? For a stored subscription, or for a filter that is not stored yet.
//!
//! Body: `{"objectType": "ResourceInfo", "eventType": "MODIFY", "prior": {..}, "post": {..}}`; for a filter that is not stored
//! also `filter` and, if it is not 2.x, `major`. `eventType` may be left out: it follows from which states are there.

use super::NetweaveRoutes;
use crate::reply::Reply;
use crate::routes::Call;
use crate::routes::subscriptions::represent::json;
use crate::routes::subscriptions::request;
use crate::services::dispatcher::matcher::{Verdict, decisive, judge, stored_exclusion};
use http::StatusCode;
use netweave_model::query::{Exclusion, Indexed, Paths};
use netweave_model::subscription::Major;
use netweave_model::{Error, EventType, Kind, Result, Subscription};
use serde::Serialize;
use serde_json::{Map, Value};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    sent: bool,
    reason: &'static str,
    detail: &'static str,
}

/// A change that might happen.
struct Supposed<'a> {
    kind: Kind,
    /// The pool, if it is a resource or a pool.
    pool: Option<&'a str>,
    state: Indexed,
}

impl NetweaveRoutes {
    pub(super) fn dry_run(call: &Call<'_>, subscription: &Subscription) -> Result<Reply> {
        let members = request::object(&call.body)?;
        answer(&members, call, subscription.major, stored_exclusion(subscription)?)
    }

    pub(super) fn dry_run_unstored(&self, call: &Call<'_>) -> Result<Reply> {
        let members = request::object(&call.body)?;
        let filter = request::text(&members, "filter")?.unwrap_or_default();
        let major = match request::text(&members, "major")? {
            None | Some("v2") => Major::V2,
            Some("v1") => Major::V1,
            Some(_) => return Err(Error::invalid("/major", "must be \"v1\" or \"v2\"")),
        };
        answer(&members, call, major, Exclusion::parse(filter, self.parts.limits.filter_depth)?)
    }
}

fn answer(
    members: &Map<String, Value>,
    call: &Call<'_>,
    major: Major,
    exclusion: Option<Exclusion>,
) -> Result<Reply> {
    let paths = Paths::new();
    let exclusion = exclusion.map(|exclusion| exclusion.bind(&paths));
    let Supposed { kind, pool, state } = supposed(members, &paths)?;
    let scope = &call.grant.scope;
    let seen = scope.covers(kind) && pool.is_none_or(|pool| scope.covers_pool(pool));
    let verdict = if seen { Some(judge(major, exclusion.as_ref(), kind, &state)) } else { None };
    let (reason, detail) = match verdict {
        None => ("outOfScope", "you may not see this object"),
        Some(Verdict::Sent) => ("notExcluded", "the filter does not match, so the change is sent"),
        Some(Verdict::Excluded) => ("excluded", "the filter matches, and says what must not be sent"),
        Some(Verdict::NotCovered) => ("notCovered", "this major has no notifications of this object type"),
    };
    let body = Answer { sent: verdict == Some(Verdict::Sent), reason, detail };
    Ok(Reply::json(StatusCode::OK, json(&body)?))
}

fn supposed<'a>(members: &'a Map<String, Value>, paths: &Paths) -> Result<Supposed<'a>> {
    let name = request::text(members, "objectType")?;
    let name = name.ok_or_else(|| Error::invalid("/objectType", "the object type is missing"))?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.type_name() == name);
    let kind = kind.ok_or_else(|| Error::invalid("/objectType", "there is no such object type"))?;
    let prior = state(members, "prior")?;
    let post = state(members, "post")?;
    let event_type = match (event_type(members)?, &prior, &post) {
        (Some(event_type), ..) => event_type,
        (None, Some(_), Some(_)) => EventType::Modify,
        (None, None, Some(_)) => EventType::Create,
        (None, Some(_), None) => EventType::Delete,
        (None, None, None) => {
            return Err(Error::invalid("/post", "a change needs a state before or after it"));
        }
    };
    let needed = if event_type == EventType::Delete { "/prior" } else { "/post" };
    let state = decisive(event_type, prior, post);
    let state = state.ok_or_else(|| Error::invalid(needed, "the state that decides is missing"))?;
    let pool = matches!(kind, Kind::Resource | Kind::ResourcePool)
        .then(|| state.get("resourcePoolId").and_then(Value::as_str).unwrap_or_default());
    Ok(Supposed { kind, pool, state: Indexed::new(json(state)?.into(), paths)? })
}

fn state<'a>(members: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a Map<String, Value>>> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(state)) => Ok(Some(state)),
        Some(_) => Err(Error::invalid(request::pointer(name), "must be an object")),
    }
}

fn event_type(members: &Map<String, Value>) -> Result<Option<EventType>> {
    match members.get("eventType") {
        None | Some(Value::Null) => Ok(None),
        Some(given) => match (given.as_str(), given.as_u64()) {
            (Some("CREATE"), _) | (_, Some(0)) => Ok(Some(EventType::Create)),
            (Some("MODIFY"), _) | (_, Some(1)) => Ok(Some(EventType::Modify)),
            (Some("DELETE"), _) | (_, Some(2)) => Ok(Some(EventType::Delete)),
            (_, _) => Err(Error::invalid("/eventType", "must be CREATE (0), MODIFY (1) or DELETE (2)")),
        },
    }
}
