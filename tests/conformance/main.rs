//! Every port's conformance suite, run by every implementation and decorator.

mod deliveries;
mod leases;
mod log;
mod stores;
mod subscriptions;
