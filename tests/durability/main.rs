//! Nothing acknowledged is lost: random sequences, kill -9, dropped unsynced writes.
#![expect(
    clippy::cognitive_complexity,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "code of tests: a panic is how it says that something is not as it must be"
)]

mod agree;
mod disk;
mod file;
mod gateway;
mod kill;
mod latency;
mod ledger;
mod load;
mod model;
mod power;
mod steps;
