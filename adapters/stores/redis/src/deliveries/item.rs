//! Reading items, dead letters and claims.
//!
//! The id of a notice about a change is the event's. That of any other notice hangs on the number that the notice had
//! first, so that it outlives a replay.

use super::event;
use crate::reply::{damaged, json, list, number, pairs, text};
use crate::subscriptions::record;
use fred::prelude::Value;
use netweave_model::port::{Claim, DeadLetter, DeadLetterReason, Item, Notice};
use netweave_model::{Event, Id, Result, Timestamp};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;

/// An item as it is stored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    sequence: u64,
    born: u64,
    queued_at: Timestamp,
    attempts: u32,
    told: String,
}

/// A dead letter as it is stored.
#[derive(Deserialize)]
struct Dead {
    subscription: Id,
    reason: DeadLetterReason,
    at: Timestamp,
    item: Stored,
}

/// Where items find what they tell.
enum Bodies {
    /// Among those that came with them.
    Read(HashMap<u64, Arc<Event>>),
    /// With the caller, who queued it.
    Known(Notice),
}

impl Bodies {
    fn read(value: Value) -> Result<Self> {
        let bodies = pairs(value).map(|(key, body)| {
            let body = body.as_bytes().ok_or_else(|| damaged("an item without its event"))?;
            Ok((number(&key)?, Arc::new(event::decode(body)?)))
        });
        bodies.collect::<Result<_>>().map(Self::Read)
    }

    fn notice(&self, told: &str) -> Result<Notice> {
        match (self, told.split_once(' ')) {
            (Self::Known(notice), _) => Ok(notice.clone()),
            (Self::Read(bodies), Some(("body", body))) => {
                let body = body.parse().ok().and_then(|body: u64| bodies.get(&body));
                body.cloned().map(Notice::Change).ok_or_else(|| damaged("an item without its event"))
            }
            (Self::Read(_), Some(("resync", dropped))) => {
                let dropped = dropped.parse().ok().ok_or_else(|| damaged("a number of dropped items"))?;
                Ok(Notice::Resync { dropped })
            }
            (Self::Read(_), None) if told == "test" => Ok(Notice::Test),
            (Self::Read(_), _) => Err(damaged("what an item tells")),
        }
    }
}

impl Stored {
    fn item(self, subscription: &Id, bodies: &Bodies) -> Result<Item> {
        let notice = bodies.notice(&self.told)?;
        let notification_id = match &notice {
            Notice::Change(event) => event.notification_id,
            Notice::Resync { .. } => Notice::id_of(subscription, self.born, false),
            Notice::Test => Notice::id_of(subscription, self.born, true),
        };
        let Self { sequence, queued_at, attempts, .. } = self;
        Ok(Item { sequence, notification_id, notice, queued_at, attempts })
    }
}

/// Reads the items that were made of notices.
pub(super) fn queued(value: Value, subscription: &Id, notices: Vec<Notice>) -> Result<Vec<Item>> {
    let stored = value.into_array().into_iter().zip(notices);
    stored.map(|(item, notice)| json::<Stored>(&item)?.item(subscription, &Bodies::Known(notice))).collect()
}

/// Reads claims and the bodies that their items tell.
pub(super) fn claims(value: Value) -> Result<Vec<Claim>> {
    let [claims, bodies] = list(value)?;
    let bodies = Bodies::read(bodies)?;
    let claims = claims.into_array().into_iter().map(|claim| {
        let [subscription, token, items, consumer] = list(claim)?;
        let consumer = record::decode_found(consumer)?;
        let (subscription, token) = (Id::from(&*text(&subscription)?), number(&token)?);
        let items = items.into_array();
        let items = items.iter().map(|item| json::<Stored>(item)?.item(&subscription, &bodies));
        Ok(Claim { items: items.collect::<Result<_>>()?, subscription, token, consumer })
    });
    claims.collect()
}

/// Reads dead letters and the bodies that they tell.
pub(super) fn dead_letters(value: Value) -> Result<Vec<DeadLetter>> {
    let [letters, bodies] = list(value)?;
    let bodies = Bodies::read(bodies)?;
    let letters = letters.into_array().into_iter().map(|letter| {
        let Dead { subscription, reason, at, item } = json(&letter)?;
        Ok(DeadLetter { item: item.item(&subscription, &bodies)?, subscription, reason, at })
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(told: &str, bodies: &Bodies) -> Result<Item> {
        let text =
            format!(r#"{{"sequence":5,"born":2,"queuedAt":1790000000000,"attempts":1,"told":"{told}"}}"#);
        json::<Stored>(&Value::from(text)).unwrap().item(&Id::from("s"), bodies)
    }

    #[test]
    fn notices_are_read_with_the_id_of_their_first_number() {
        let none = Bodies::Read(HashMap::new());
        let test = item("test", &none).unwrap();
        assert_eq!(test.notification_id, Notice::id_of(&Id::from("s"), 2, true));
        assert_eq!((test.sequence, test.queued_at, test.attempts), (5, Timestamp(1_790_000_000_000), 1));
        let resync = item("resync 7", &none).unwrap();
        assert_eq!(resync.notification_id, Notice::id_of(&Id::from("s"), 2, false));
        assert_eq!(resync.notice, Notice::Resync { dropped: 7 });
        for told in ["body 7", "body", "resync x", "", "other 7"] {
            assert!(item(told, &none).is_err(), "{told}");
        }
    }
}
