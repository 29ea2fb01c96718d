//! Security: what the gateway allows, shows and tells, tried over the wire against tables that are written by hand.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "code of tests: a panic says what is not as it must be"
)]

mod asked;
mod attacks;
mod callbacks;
mod canary;
mod corpora;
mod credentials;
mod floods;
mod limits;
mod names;
mod networks;
mod outbound;
mod overload;
mod process;
mod rest;
mod roles;
mod rotation;
mod scans;
mod scopes;
mod slow;
mod table;
mod tenants;
mod token_keys;
mod tokens;
mod told;
