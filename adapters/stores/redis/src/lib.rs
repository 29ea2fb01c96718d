//! The store on Redis: state that all pods share, changed by scripts, each of which is one atomic step.
//!
//! Keys are readable on purpose; `keys` names them all. Time is the server's own. `cache` is the second level of the
//! response cache, on the same server or on another one.

mod beat;
mod cache;
mod channels;
mod client;
mod conf;
mod deliveries;
#[cfg(feature = "failpoints")]
mod failpoint;
mod findings;
mod health;
mod info;
mod journal;
mod keys;
mod leases;
mod log;
mod mend;
mod owed;
mod queue_scripts;
mod reply;
mod schema;
mod scripts;
mod sentinel;
mod session;
mod signals;
mod store;
mod subscriptions;
mod tally;

pub use cache::{Cache, CacheServer};
pub use conf::{Conf, Tls};
pub use schema::SCHEMA;
pub use store::{Redis, look_at, open};
