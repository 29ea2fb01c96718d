//! Three gateways on Redis with Sentinels, under load, while servers and gateways fail: nothing acknowledged is lost.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "code of tests: a panic is how it says that something is not as it must be"
)]

mod history;
mod ledger;
mod load;
mod many;
mod pods;
mod servers;
mod show;
mod stage;
mod table;
mod world;
mod zero_drop;
