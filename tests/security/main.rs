//! Security: what the gateway allows, shows and tells, tried over the wire against tables that are written by hand.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "code of tests: a panic says what is not as it must be"
)]

mod callbacks;
mod credentials;
mod names;
mod process;
mod roles;
mod rotation;
mod scopes;
mod table;
mod tenants;
mod token_keys;
mod tokens;
mod told;
