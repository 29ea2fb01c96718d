//! What a subscriber is told of a change: an object that leaves what it may see is gone for it, and one that enters is new.

use super::Scope;
use bytes::Bytes;
use netweave_model::{Event, EventType, Kind, Result};
use serde::Deserialize;
use std::borrow::Cow;

impl Scope {
    /// Returns a change as who has this scope may be told of it; `None` if it may not.
    ///
    /// # Errors
    /// `Internal`: a state is no JSON.
    pub fn told<'a>(&self, event: &'a Event) -> Result<Option<Cow<'a, Event>>> {
        let kind = event.key.kind;
        if self.limits_nothing() && !self.alters(kind) {
            return Ok(Some(Cow::Borrowed(event)));
        }
        let seen = |json: &Bytes| -> Result<Option<Bytes>> {
            let pool = self.pool_of(kind, json)?;
            let pool = pool.as_deref().or(event.parent.as_ref().map(netweave_model::Id::as_str));
            if !self.sees(&event.source, kind, pool, event.key.id.as_str()) {
                return Ok(None);
            }
            self.shown(kind, json).map(Some)
        };
        let prior = event.prior.as_ref().map(seen).transpose()?.flatten();
        let post = event.post.as_ref().map(seen).transpose()?.flatten();
        let event_type = match (&prior, &post) {
            (None, None) => return Ok(None),
            // What changed is not shown.
            (Some(prior), Some(post)) if prior == post => return Ok(None),
            (Some(_), Some(_)) => EventType::Modify,
            (None, Some(_)) => EventType::Create,
            (Some(_), None) => EventType::Delete,
        };
        if prior == event.prior && post == event.post {
            return Ok(Some(Cow::Borrowed(event)));
        }
        Ok(Some(Cow::Owned(Event { prior, post, event_type, ..event.clone() })))
    }

    /// Returns the pool of a state of a resource, if it matters: it may have been another one before.
    fn pool_of(&self, kind: Kind, json: &Bytes) -> Result<Option<String>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Pooled {
            resource_pool_id: String,
        }
        if kind != Kind::Resource || self.pools().is_none() {
            return Ok(None);
        }
        let unreadable =
            |error| netweave_model::Error::internal("a resource names no pool").with_source(error);
        serde_json::from_slice::<Pooled>(json).map(|state| Some(state.resource_pool_id)).map_err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::tree::ScopeConf;
    use netweave_model::{Id, ObjectKey, Position, SourceName, Timestamp};
    use serde_json::{Value, json};
    use uuid::Uuid;

    fn event(kind: Kind, prior: Option<Value>, post: Option<Value>) -> Event {
        let bytes = |state: Option<Value>| state.map(|state| Bytes::from(state.to_string()));
        let event_type = match (&prior, &post) {
            (None, _) => EventType::Create,
            (Some(_), Some(_)) => EventType::Modify,
            (Some(_), None) => EventType::Delete,
        };
        Event {
            position: Position::default(),
            notification_id: Uuid::nil(),
            source: SourceName::from("lab"),
            key: ObjectKey { kind, id: Id::from("o") },
            parent: None,
            event_type,
            prior: bytes(prior),
            post: bytes(post),
            at: Timestamp(0),
            trace: None,
        }
    }

    fn scope(pools: &[&str]) -> Scope {
        let pools = Some(pools.iter().map(|&pool| pool.to_owned()).collect());
        Scope::new(&ScopeConf { pools, ..ScopeConf::default() }, &[])
    }

    fn resource(pool: &str, tag: u32) -> Value {
        json!({ "resourcePoolId": pool, "tag": tag })
    }

    #[test]
    fn leaving_what_may_be_seen_is_a_delete_and_entering_it_is_a_create() {
        let told = |prior, post| {
            let event = event(Kind::Resource, prior, post);
            let told = scope(&["mine"]).told(&event).unwrap().map(Cow::into_owned);
            told.map(|told| (told.event_type, told.prior.is_some(), told.post.is_some()))
        };
        assert_eq!(
            told(Some(resource("mine", 1)), Some(resource("theirs", 1))),
            Some((EventType::Delete, true, false))
        );
        assert_eq!(
            told(Some(resource("theirs", 1)), Some(resource("mine", 1))),
            Some((EventType::Create, false, true))
        );
        assert_eq!(
            told(Some(resource("mine", 1)), Some(resource("mine", 2))),
            Some((EventType::Modify, true, true))
        );
        assert_eq!(told(Some(resource("theirs", 1)), Some(resource("theirs", 2))), None);
        assert_eq!(told(None, Some(resource("theirs", 1))), None);
        assert_eq!(told(Some(resource("theirs", 1)), None), None);
        assert_eq!(told(Some(resource("mine", 1)), None), Some((EventType::Delete, true, false)));
    }

    #[test]
    fn a_site_changes_only_by_pools_that_may_be_seen() {
        let site = |pools: &[&str]| Some(json!({ "resourcePools": pools }));
        let told = |prior, post| {
            let event = event(Kind::OCloudSite, prior, post);
            scope(&["mine"]).told(&event).unwrap().map(Cow::into_owned)
        };
        assert_eq!(told(site(&["mine"]), site(&["mine", "theirs"])), None);
        let told = told(site(&["theirs"]), site(&["theirs", "mine"])).unwrap();
        assert_eq!(told.post.unwrap(), site(&["mine"]).unwrap().to_string());
        assert_eq!(told.prior.unwrap(), site(&[]).unwrap().to_string());
    }

    #[test]
    fn credentials_are_told_to_nobody_who_may_not_read_them() {
        let manager = |token: &str| Some(json!({ "extensions": { "token": token } }));
        let event = event(Kind::DeploymentManager, manager("one"), manager("two"));
        assert_eq!(Scope::default().told(&event).unwrap(), None, "nothing that is shown has changed");
        let deployer = Scope::new(&ScopeConf::default(), &[crate::conf::tree::Role::Deployer]);
        assert_eq!(deployer.told(&event).unwrap().unwrap().post, event.post);
    }

    #[test]
    fn who_may_see_everything_is_told_the_change_itself() {
        let event = event(Kind::Resource, None, Some(resource("any", 1)));
        assert!(matches!(Scope::default().told(&event).unwrap(), Some(Cow::Borrowed(_))));
    }
}
