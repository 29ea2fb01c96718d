//! One subscription with its lease and delivery state: read and replace.

use super::NetweaveRoutes;
use crate::reply::Reply;
use crate::routes::Call;
use crate::routes::subscriptions::represent;
use crate::routes::subscriptions::request::Wanted;
use crate::routes::subscriptions::required_revision;
use http::StatusCode;
use http::header::ETAG;
use netweave_model::port::{Backlog, Update};
use netweave_model::subscription::{Major, StateForm};
use netweave_model::{Result, Subscription, SubscriptionInfo, SubscriptionState};
use serde::Serialize;

/// A subscription as its owner sees it here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Lease<'a> {
    #[serde(flatten)]
    info: SubscriptionInfo<'a>,
    major: Major,
    states: StateForm,
    created_at: String,
    expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    former_secret_until: Option<String>,
    #[serde(rename = "leaseSeconds")]
    length_seconds: u64,
    #[serde(flatten)]
    state: &'a SubscriptionState,
    #[serde(flatten)]
    queue: Queue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Queue {
    backlog: u64,
    oldest: Option<String>,
    next_attempt: Option<String>,
    failures: u32,
    dead: u64,
    discarded: u64,
    last_sequence: u64,
}

impl From<Backlog> for Queue {
    fn from(backlog: Backlog) -> Self {
        Self {
            backlog: backlog.queued,
            oldest: backlog.oldest.map(|at| at.to_string()),
            next_attempt: backlog.next_attempt.map(|at| at.to_string()),
            failures: backlog.failures,
            dead: backlog.dead,
            discarded: backlog.discarded,
            last_sequence: backlog.last_sequence,
        }
    }
}

impl NetweaveRoutes {
    pub(super) async fn lease(&self, call: &Call<'_>, id: &str) -> Result<Reply> {
        let subscription = self.parts.desk.read(id, call.identity).await?;
        self.shown(&subscription).await
    }

    /// Replaces callback, consumer id and filter, and how states are carried if the body says so; activates deliveries.
    pub(super) async fn replace(&self, call: &Call<'_>, id: &str) -> Result<Reply> {
        let subscription = self.parts.desk.own(id, call.identity).await?;
        let revision = required_revision(call.headers, &subscription)?;
        let wanted = Wanted::parse(&call.body)?;
        let filter = self.parts.desk.check(&wanted).await?;
        let update = Update {
            callback: Some(wanted.callback),
            consumer_subscription_id: Some(wanted.consumer_subscription_id),
            filter: Some(filter),
            states: wanted.states,
            state: Some(SubscriptionState::Active),
            secrets: None,
        };
        let subscription =
            self.parts.desk.parts().subscriptions.update(&subscription.id, revision, update).await?;
        self.shown(&subscription).await
    }

    /// Shows a subscription with its delivery state.
    pub(super) async fn shown(&self, subscription: &Subscription) -> Result<Reply> {
        let backlog = self.parts.desk.parts().deliveries.backlog(&subscription.id).await?;
        let now = self.parts.desk.parts().clock.now();
        let former = subscription.former.as_ref().filter(|former| now < former.until);
        let body = represent::json(&Lease {
            info: SubscriptionInfo::of(subscription),
            major: subscription.major,
            states: subscription.states,
            created_at: subscription.created_at.to_string(),
            expires_at: subscription.expires_at.to_string(),
            former_secret_until: former.map(|former| former.until.to_string()),
            length_seconds: subscription.lease_ms / 1000,
            state: &subscription.state,
            queue: backlog.into(),
        })?;
        Ok(Reply::json(StatusCode::OK, body).with(ETAG, represent::etag(subscription)?))
    }
}
