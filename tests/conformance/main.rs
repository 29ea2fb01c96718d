//! Every port's conformance suite, run by every implementation and decorator.

mod backend;
mod deliveries;
mod leases;
mod log;
mod stores;
mod subscriptions;
