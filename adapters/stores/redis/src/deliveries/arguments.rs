//! Laying out the arguments of scripts.

use super::event;
use crate::scripts::number;
use fred::prelude::Value;
use netweave_model::port::{Attempt, Claim, DeadLetterReason, FanOut, Notice};
use netweave_model::{Error, Event, Id, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// Lays out a part of a step of the fan-out; `more` says that another one follows. Each event is sent once.
pub(super) fn fan_out(
    step: &FanOut,
    part: &[(Id, Arc<Event>)],
    more: bool,
    call: Value,
) -> Result<Vec<Value>> {
    let (events, items) = numbered(part);
    let mut arguments = vec![
        number(step.from.generation),
        number(step.from.sequence),
        number(step.to.generation),
        number(step.to.sequence),
        number(step.subscriptions_version),
        number(step.max_queue),
        call,
        if more { "1" } else { "" }.into(),
        number(events.len()),
    ];
    for event in events {
        arguments.extend([number(event.position.sequence), event::encode(event)?]);
    }
    arguments.extend(items.into_iter().flat_map(|(id, event)| [Value::from(id.as_str()), number(event)]));
    Ok(arguments)
}

/// Numbers the events from 1, in the order in which they come first.
fn numbered(items: &[(Id, Arc<Event>)]) -> (Vec<&Event>, Vec<(&Id, usize)>) {
    let mut events: Vec<&Event> = Vec::new();
    let mut numbers = HashMap::new();
    let items = items.iter().map(|(id, event)| {
        let number = *numbers.entry(Arc::as_ptr(event)).or_insert_with(|| {
            events.push(event);
            events.len()
        });
        (id, number)
    });
    let items = items.collect();
    (events, items)
}

/// Lays out notices for one subscription.
pub(super) fn enqueue(
    subscription: &Id,
    notices: &[Notice],
    max_queue: u64,
    call: Value,
) -> Result<Vec<Value>> {
    let mut arguments = vec![subscription.as_str().into(), number(max_queue), call];
    for notice in notices {
        arguments.extend(match notice {
            Notice::Change(event) => ["body".into(), event::encode(event)?],
            Notice::Resync { dropped } => ["resync".into(), number(dropped)],
            Notice::Test => ["test".into(), "".into()],
        });
    }
    Ok(arguments)
}

/// Lays out an attempt at the head of a claimed queue.
pub(super) fn attempt(claim: &Claim, attempt: &Attempt, call: Value) -> Result<Vec<Value>> {
    let text = serde_json::to_string(attempt)
        .map_err(|error| Error::internal("an attempt cannot be written").with_source(error))?;
    Ok(vec![
        claim.subscription.as_str().into(),
        number(claim.token),
        number(attempt.sequence),
        text.into(),
        call,
    ])
}

/// Names a reason as dead letters have it.
pub(super) fn reason(reason: DeadLetterReason) -> &'static str {
    match reason {
        DeadLetterReason::Refused => "refused",
        DeadLetterReason::TooOld => "tooOld",
        DeadLetterReason::Overflow => "overflow",
        DeadLetterReason::Expired => "expired",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_named_as_they_are_read() {
        for known in [
            DeadLetterReason::Refused,
            DeadLetterReason::TooOld,
            DeadLetterReason::Overflow,
            DeadLetterReason::Expired,
        ] {
            assert_eq!(serde_json::to_value(known).unwrap(), reason(known));
        }
    }
}
