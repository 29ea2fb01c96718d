//! The ports: what backends and stores implement, and what the rest of the gateway knows of them.
//!
//! They are operations, not key/value access, so that each implementation can be atomic in its own way.
//! Every port has one conformance suite in the tests crate, run by each implementation and decorator.

mod backend;
mod cache;
mod clock;
mod deliveries;
mod health;
mod leases;
mod log;
mod look;
pub mod refusal;
mod schema;
mod subscriptions;
mod tally;

pub use backend::{Backend, Capabilities, Change, Changes, Reach, fold};
pub use cache::{CacheFill, CacheObserver, CacheRead, CachedBody, ResponseCache};
pub use clock::{Clock, Ids};
pub use deliveries::{
    Acked, Attempt, Backlog, Claim, DeadLetter, DeadLetterReason, Deliveries, FanOut, FanOutOutcome, Item,
    Notice, Replay,
};
pub use health::{
    CallOutcome, Finding, Replica, ServerHealth, Severity, StoreHealth, StoreLoad, StoreObserver,
    StoreReport, Watcher,
};
pub use leases::{Fence, Leases, Renewal};
pub use log::{EntryStream, InventoryLog, Snapshot};
pub use look::{Gap, Listing, Look, baseline};
pub use schema::Schema;
pub use subscriptions::{
    Created, Quota, Restored, Saved, SubscriptionChange, Subscriptions, Update, Updated,
};
pub use tally::Tally;
