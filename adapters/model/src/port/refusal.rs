//! What every store says when it refuses, so that clients read the same whatever keeps the state.

use crate::error::{Error, ErrorKind};

/// `NotFound`: the subscription does not exist, or no longer.
pub fn no_subscription() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such subscription")
}

/// `PreconditionFailed`: the subscription has another revision than its owner thinks.
pub fn changed_meanwhile() -> Error {
    Error::new(ErrorKind::PreconditionFailed, "the subscription has changed in the meantime")
}

/// `Conflict`: the owner has another subscription with the same callback and filter.
pub fn twin() -> Error {
    Error::new(ErrorKind::Conflict, "another subscription has the same callback and filter")
}

/// `Conflict`: the queue of a subscription has no room for what its owner asks for.
pub fn queue_full() -> Error {
    Error::new(ErrorKind::Conflict, "the queue of the subscription is full")
}

/// `Conflict`: a commit came with a fence that is no longer the latest.
pub fn fenced() -> Error {
    Error::new(ErrorKind::Conflict, "another gateway has taken over this source")
}

/// `NotFound`: entries after a position were trimmed, or are of another log.
pub fn log_ended() -> Error {
    Error::new(ErrorKind::NotFound, "the change log no longer reaches back that far")
}
