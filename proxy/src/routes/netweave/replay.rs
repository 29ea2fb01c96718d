//! Replay: queues dead letters again, and the changes that the log still holds.
//!
//! Body: nothing, for all dead letters; `{"from": 12}`, for those with a sequence number of at least that; or
//! `{"since": "2026-01-01T00:00:00Z"}`, for those since then and, after them, for all kept changes since then that the
//! subscription gets. Everything keeps its notification id and comes at the end of the queue, with a new sequence number.

use super::NetweaveRoutes;
use crate::access::Scope;
use crate::reply::Reply;
use crate::routes::Call;
use crate::routes::subscriptions::represent::json;
use crate::routes::subscriptions::request;
use crate::services::dispatcher::matcher::{Verdict, decisive, judge, stored_exclusion};
use http::StatusCode;
use netweave_model::port::Notice;
use netweave_model::query::{Exclusion, Indexed, Paths};
use netweave_model::{Entry, Error, ErrorKind, Event, Position, Result, Subscription, Timestamp};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

/// Log entries read, and notices queued, at once.
const BATCH: usize = 256;
/// Dead letters that are looked at; the store keeps no more of one subscription.
const MAX_LETTERS: usize = 10_000;

/// What was queued.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Replayed {
    dead_letters: u64,
    changes: usize,
    /// Whether everything that was asked for was queued: the log reaches back so far, and the queue had room.
    complete: bool,
    /// The time from which on changes did not fit; ask for these once the queue is shorter.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_since: Option<String>,
}

impl NetweaveRoutes {
    pub(super) async fn replay(&self, call: &Call<'_>, subscription: &Subscription) -> Result<Reply> {
        let members = request::optional_object(&call.body)?;
        let from = match members.get("from") {
            None | Some(Value::Null) => None,
            Some(from) => {
                Some(from.as_u64().ok_or_else(|| Error::invalid("/from", "must be a sequence number"))?)
            }
        };
        let since = match request::text(&members, "since")? {
            None => None,
            Some(text) => {
                let at = Timestamp::parse(text);
                Some(at.ok_or_else(|| Error::invalid("/since", "must be a time as RFC 3339 writes it"))?)
            }
        };
        let replayed = match (from, since) {
            (Some(_), Some(_)) => return Err(Error::invalid("/since", "say either from or since")),
            (from, None) => self.replay_letters(subscription, from.unwrap_or(0)).await?,
            (None, Some(since)) => self.replay_since(subscription, &call.grant.scope, since).await?,
        };
        tracing::info!(
            subscription = %subscription.id, dead_letters = replayed.dead_letters, changes = replayed.changes,
            "a subscription was replayed"
        );
        Ok(Reply::json(StatusCode::ACCEPTED, json(&replayed)?))
    }

    /// The store queues some at once; it is asked again until all that were dead at the beginning are queued, or the
    /// queue is full.
    async fn replay_letters(&self, subscription: &Subscription, from: u64) -> Result<Replayed> {
        let desk = &self.parts.desk;
        let mut replayed = Replayed::default();
        let mut all = u64::MAX;
        while replayed.dead_letters < all {
            let some =
                desk.parts().deliveries.replay(&subscription.id, from, desk.settings().asked_queue).await?;
            all = all.min(some.queued + some.left);
            replayed.dead_letters += some.queued;
            if some.queued == 0 {
                break;
            }
        }
        replayed.complete = replayed.dead_letters >= all;
        Ok(replayed)
    }

    async fn replay_since(
        &self,
        subscription: &Subscription,
        scope: &Scope,
        since: Timestamp,
    ) -> Result<Replayed> {
        let deliveries = &self.parts.desk.parts().deliveries;
        let letters = deliveries.dead_letters(Some(&subscription.id), MAX_LETTERS).await?;
        let recent: Vec<_> = letters.iter().filter(|letter| letter.at >= since).collect();
        let dead: HashSet<Uuid> = recent.iter().map(|letter| letter.item.notification_id).collect();
        let first = recent.iter().map(|letter| letter.item.sequence).min();
        let mut replayed = match first {
            Some(first) => self.replay_letters(subscription, first).await?,
            None => Replayed { complete: true, ..Replayed::default() },
        };
        // What lies behind the cursor has not been queued yet and comes by itself.
        let end = deliveries.cursor().await?;
        let mut at = self.oldest(end).await?;
        replayed.complete &= at.sequence == 0 || self.reaches_back(at, since).await?;
        let recall = Recall::new(subscription, scope, since, dead)?;
        while at < end {
            let entries = self.parts.log.read(at, BATCH).await?;
            let Some(last) = entries.iter().rev().find_map(Entry::position) else {
                break;
            };
            let notices = recall.notices(&entries, end)?;
            let times: Vec<Timestamp> = notices.iter().filter_map(happened_at).collect();
            let queued = self.queue(subscription, notices).await?;
            replayed.changes += queued;
            if let Some(next) = times.get(queued) {
                replayed.complete = false;
                replayed.next_since = Some(next.to_string());
                break;
            }
            at = last;
        }
        Ok(replayed)
    }

    /// Queues notices as far as there is room; returns how many.
    async fn queue(&self, subscription: &Subscription, mut notices: Vec<Notice>) -> Result<usize> {
        let desk = &self.parts.desk;
        let (deliveries, longest) = (&desk.parts().deliveries, desk.settings().asked_queue);
        let room = longest.saturating_sub(deliveries.backlog(&subscription.id).await?.queued);
        notices.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        if notices.is_empty() {
            return Ok(0);
        }
        match deliveries.enqueue(&subscription.id, notices, longest).await {
            // Something else took the room.
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(0),
            queued => queued.map(|queued| queued.len()),
        }
    }

    /// Finds the position before the oldest entry that the log still holds, by bisection.
    async fn oldest(&self, end: Position) -> Result<Position> {
        let (mut low, mut high) = (0, end.sequence);
        while low < high {
            let middle = Position { sequence: low + (high - low) / 2, ..end };
            match self.parts.log.read(middle, 1).await {
                Ok(_) => high = middle.sequence,
                Err(error) if error.kind() == ErrorKind::NotFound => low = middle.sequence + 1,
                Err(error) => return Err(error),
            }
        }
        Ok(Position { sequence: low, ..end })
    }

    /// Whether the oldest kept entry is older than a time, so that none since then is missing.
    async fn reaches_back(&self, oldest: Position, since: Timestamp) -> Result<bool> {
        let first = self.parts.log.read(oldest, 1).await?;
        Ok(first.iter().any(|entry| matches!(entry, Entry::Changed(event) if event.at < since)))
    }
}

/// Chooses what a subscription gets of the log's past.
struct Recall<'a> {
    subscription: &'a Subscription,
    /// What its owner may see.
    scope: &'a Scope,
    since: Timestamp,
    /// Notifications that come as dead letters already.
    dead: HashSet<Uuid>,
    exclusion: Option<Exclusion>,
    paths: Paths,
}

impl<'a> Recall<'a> {
    fn new(
        subscription: &'a Subscription,
        scope: &'a Scope,
        since: Timestamp,
        dead: HashSet<Uuid>,
    ) -> Result<Self> {
        let exclusion = stored_exclusion(subscription)?;
        Ok(Self { subscription, scope, since, dead, exclusion, paths: Paths::new() })
    }

    fn notices(&self, entries: &[Entry], end: Position) -> Result<Vec<Notice>> {
        let mut notices = Vec::new();
        for entry in entries {
            if let Entry::Changed(event) = entry
                && event.position <= end
                && self.gets(event)?
            {
                notices.push(Notice::Change(Arc::new(event.clone())));
            }
        }
        Ok(notices)
    }

    fn gets(&self, event: &Event) -> Result<bool> {
        let early = event.at < self.since || event.at < self.subscription.created_at;
        if early || self.dead.contains(&event.notification_id) {
            return Ok(false);
        }
        let Some(told) = self.scope.told(event)? else { return Ok(false) };
        let state = decisive(told.event_type, told.prior.as_ref(), told.post.as_ref());
        let Some(json) = state else { return Ok(false) };
        let state = Indexed::new(json.clone(), &self.paths)?;
        let bound = self.exclusion.as_ref().map(|exclusion| exclusion.bind(&self.paths));
        Ok(judge(self.subscription.major, bound.as_ref(), event.key.kind, &state) == Verdict::Sent)
    }
}

/// Returns when the change of a notice happened.
fn happened_at(notice: &Notice) -> Option<Timestamp> {
    match notice {
        Notice::Change(event) => Some(event.at),
        Notice::Resync { .. } | Notice::Test => None,
    }
}
