//! The store on one Redis server: state that all pods share, changed by scripts, each of which is one atomic step.
//!
//! Keys are readable on purpose; `keys` names them all. Time is the server's own.

mod client;
mod conf;
mod deliveries;
mod keys;
mod leases;
mod log;
mod queue_scripts;
mod reply;
mod scripts;
mod signals;
mod store;
mod subscriptions;

pub use conf::Conf;
pub use store::{Redis, open};
