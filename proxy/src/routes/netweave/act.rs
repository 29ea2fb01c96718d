//! What an owner may do with a subscription: renew its lease, ask for a test delivery, read what became of deliveries.

use super::NetweaveRoutes;
use crate::conf::unit::Span;
use crate::reply::Reply;
use crate::routes::Call;
use crate::routes::subscriptions::represent::json;
use crate::routes::subscriptions::request;
use http::StatusCode;
use netweave_model::port::{Attempt, DeadLetter, DeadLetterReason, Notice};
use netweave_model::{Error, Result, Subscription};
use serde::Serialize;
use std::time::Duration;
use uuid::Uuid;

/// Shortest lease that can be asked for.
const MIN_LEASE: Duration = Duration::from_mins(1);
/// Longest lease that can be asked for, unless the configured one is longer.
const MAX_LEASE: Duration = Duration::from_hours(7 * 24);
/// Dead letters that are shown.
const SHOWN: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Queued {
    notification_id: Uuid,
    sequence: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Deliveries {
    attempts: Vec<ShownAttempt>,
    dead_letters: Vec<ShownLetter>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownAttempt {
    sequence: u64,
    notification_id: Uuid,
    at: String,
    duration_ms: u64,
    status: Option<u16>,
    delivered: bool,
    error: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownLetter {
    sequence: u64,
    notification_id: Uuid,
    reason: DeadLetterReason,
    at: String,
    queued_at: String,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_id: Option<String>,
}

impl NetweaveRoutes {
    /// Body: nothing, or `{"lease": "12h"}` for a lease of another length from now on to its end.
    pub(super) async fn renew(&self, call: &Call<'_>, subscription: &Subscription) -> Result<Reply> {
        let members = request::optional_object(&call.body)?;
        let longest = MAX_LEASE.max(self.parts.desk.settings().subscriptions.ttl.0);
        let lease = match request::text(&members, "lease")? {
            None => None,
            Some(text) => {
                let Span(lease) = text.parse().map_err(|reason: String| Error::invalid("/lease", reason))?;
                if !(MIN_LEASE..=longest).contains(&lease) {
                    let reason = format!("the lease must be 1m to {}", Span(longest));
                    return Err(Error::invalid("/lease", reason));
                }
                Some(lease)
            }
        };
        let renewed = self.parts.desk.parts().subscriptions.renew(&subscription.id, lease).await?;
        self.shown(&renewed).await
    }

    pub(super) async fn test(&self, subscription: &Subscription) -> Result<Reply> {
        let longest = self.parts.desk.settings().asked_queue;
        let deliveries = &self.parts.desk.parts().deliveries;
        let queued = deliveries.enqueue(&subscription.id, vec![Notice::Test], longest).await?;
        let item = queued.first().ok_or_else(|| Error::internal("the store queued no test notice"))?;
        let body = Queued { notification_id: item.notification_id, sequence: item.sequence };
        Ok(Reply::json(StatusCode::ACCEPTED, json(&body)?))
    }

    pub(super) async fn deliveries(&self, subscription: &Subscription) -> Result<Reply> {
        let deliveries = &self.parts.desk.parts().deliveries;
        let attempts = deliveries.backlog(&subscription.id).await?.attempts;
        let dead = deliveries.dead_letters(Some(&subscription.id), SHOWN).await?;
        let body = Deliveries {
            attempts: attempts.into_iter().map(shown_attempt).collect(),
            dead_letters: dead.iter().map(shown_letter).collect(),
        };
        Ok(Reply::json(StatusCode::OK, json(&body)?))
    }
}

fn shown_attempt(attempt: Attempt) -> ShownAttempt {
    ShownAttempt {
        sequence: attempt.sequence,
        notification_id: attempt.notification_id,
        at: attempt.at.to_string(),
        duration_ms: attempt.duration_ms,
        status: attempt.status,
        delivered: attempt.delivered,
        error: attempt.error,
    }
}

fn shown_letter(letter: &DeadLetter) -> ShownLetter {
    let object = match &letter.item.notice {
        Notice::Change(event) => Some(&event.key),
        Notice::Resync { .. } | Notice::Test => None,
    };
    ShownLetter {
        sequence: letter.item.sequence,
        notification_id: letter.item.notification_id,
        reason: letter.reason,
        at: letter.at.to_string(),
        queued_at: letter.item.queued_at.to_string(),
        attempts: letter.item.attempts,
        object_type: object.map(|key| key.kind.type_name()),
        object_id: object.map(|key| key.id.as_str().to_owned()),
    }
}
