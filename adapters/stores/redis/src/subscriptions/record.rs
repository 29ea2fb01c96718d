//! A subscription as it is stored: a whole, and three fields that go before those of the whole.

use crate::reply::{json, list, number};
use fred::prelude::Value;
use netweave_model::{Error, Result, Subscription, SubscriptionInfo, SubscriptionState, Timestamp};
use serde::Serialize;

/// Lays out the whole.
pub(crate) fn data(subscription: &Subscription) -> Result<Value> {
    encode(subscription)
}

/// Lays out what the interface shows.
pub(crate) fn shown(subscription: &Subscription) -> Result<Value> {
    encode(&SubscriptionInfo::of(subscription))
}

/// Lays out what two subscriptions of one owner must not have in common.
pub(crate) fn likeness(subscription: &Subscription) -> Result<Value> {
    let Subscription { owner, callback, consumer_subscription_id, filter, .. } = subscription;
    encode(&(owner, callback, consumer_subscription_id, filter))
}

/// Names the state for scripts.
pub(crate) fn state(subscription: &Subscription) -> &'static str {
    match subscription.state {
        SubscriptionState::Active => "active",
        SubscriptionState::Suspended { .. } => "suspended",
    }
}

/// Reads what scripts return: the whole, when it was created, when it expires, its revision.
pub(crate) fn decode(value: Value) -> Result<Subscription> {
    let [data, created, expires, rev] = list(value)?;
    Ok(Subscription {
        created_at: Timestamp(number(&created)?),
        expires_at: Timestamp(number(&expires)?),
        rev: number(&rev)?,
        ..json(&data)?
    })
}

/// Reads what scripts return for one that may not be there.
pub(crate) fn decode_found(value: Value) -> Result<Option<Subscription>> {
    if value.is_null() { Ok(None) } else { decode(value).map(Some) }
}

/// Reads a list of them.
pub(crate) fn decode_all(value: Value) -> Result<Vec<Subscription>> {
    value.into_array().into_iter().map(decode).collect()
}

fn encode(value: &impl Serialize) -> Result<Value> {
    let text = serde_json::to_string(value);
    Ok(Value::from(
        text.map_err(|error| Error::internal("a subscription cannot be written").with_source(error))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_model::Id;
    use netweave_model::subscription::{Major, StateForm};

    fn subscription() -> Subscription {
        Subscription {
            id: Id::from("s"),
            owner: "smo".to_owned(),
            major: Major::V1,
            callback: "https://smo.example/a".to_owned(),
            consumer_subscription_id: None,
            filter: Some("f".to_owned()),
            states: StateForm::String,
            secret: "whsec_AAAA".into(),
            former: None,
            lease_ms: u64::MAX,
            created_at: Timestamp(1),
            expires_at: Timestamp(2),
            rev: 3,
            state: SubscriptionState::Suspended { reason: "gone".to_owned() },
        }
    }

    #[test]
    fn the_fields_go_before_the_whole() {
        let row = vec![data(&subscription()).unwrap(), "7".into(), "8".into(), "9".into()];
        let expected =
            Subscription { created_at: Timestamp(7), expires_at: Timestamp(8), rev: 9, ..subscription() };
        assert_eq!(decode(Value::Array(row)).unwrap(), expected);
        assert!(decode(Value::Null).is_err());
    }

    #[test]
    fn the_secret_is_not_shown() {
        let expected = r#"{"subscriptionId":"s","filter":"f","callback":"https://smo.example/a"}"#;
        assert_eq!(shown(&subscription()).unwrap().as_str().as_deref(), Some(expected));
    }

    #[test]
    fn an_absent_filter_is_like_no_text() {
        let mut other = subscription();
        other.consumer_subscription_id = other.filter.take();
        assert_ne!(likeness(&subscription()).unwrap(), likeness(&other).unwrap());
    }
}
