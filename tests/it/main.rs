//! The whole gateway, over its listeners, on real stores and the file backend.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::string_slice,
    reason = "code of tests: a panic says what is not as it must be, and a skipped test says so"
)]

mod audit;
mod aws;
mod backup;
mod bench;
mod cli;
mod clouds;
mod collections;
mod conditional;
mod control;
mod dev;
mod doctor;
mod errors;
mod eviction;
mod gcp;
mod health;
mod lab;
mod operator;
mod pods;
mod query;
mod redis_cli;
mod regions;
mod rest;
mod restart;
mod rights;
mod role_checks;
mod rooms;
mod schema;
mod second_cache;
mod shared_limits;
mod shutdown;
mod stale;
mod status;
mod subscriptions;
mod traces;
mod vmware;
