//! One conformance suite per port, generic over a factory.
#![expect(
    clippy::cognitive_complexity,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "code of tests: a panic is how it says that something is not as it must be, and a case is one story"
)]

pub mod backend;
pub mod dead_letters;
pub mod deliveries;
pub mod leases;
pub mod log;
pub mod stores;
pub mod subscriptions;
