//! The O2-IMS domain, its query language, and the ports that backends and stores implement.
//!
//! Nothing here does I/O, spawns a task or reads a clock: time and randomness come in through ports.

pub mod backoff;
pub mod domain;
pub mod error;
pub mod event;
pub mod kind;
pub mod object;
pub mod parts;
pub mod port;
pub mod query;
pub mod secret;
pub mod subscription;
pub mod time;
pub mod trace;
pub mod unit;

pub use error::{Error, ErrorKind, InvalidParam, Result, Retry};
pub use event::{Entry, Event, EventHead, EventType, Position};
pub use kind::Kind;
pub use object::{Id, Object, ObjectKey, SourceName};
pub use secret::Secret;
pub use subscription::{
    FormerSecret, NewSubscription, SigningSecrets, Subscription, SubscriptionInfo, SubscriptionState,
};
pub use time::Timestamp;
pub use trace::{Causes, Context, Trace};
