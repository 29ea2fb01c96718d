//! One conformance suite per port, generic over a factory.

pub mod backend;
pub mod deliveries;
pub mod leases;
pub mod log;
pub mod stores;
pub mod subscriptions;
