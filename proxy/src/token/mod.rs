//! Bearer tokens: signed by an issuer of the configuration, for us, for now, and for whoever shows them.
//!
//! `jwt.rs` reads a token without believing it, `key.rs` has the issuer's keys and checks signatures, `issuer.rs` says how
//! long keys are believed and when they are asked for, `check.rs` decides. Why the signatures are checked with aws-lc-rs
//! itself: `docs/adr/0009-tokens.md`.

mod check;
mod fault;
mod issuer;
pub mod jwt;
mod key;
#[cfg(test)]
mod tests;

pub use check::{Token, Tokens, Verified};
pub use fault::Fault;
pub(crate) use issuer::read_file;
pub use issuer::{Issuer, read_keys};
pub use key::{KeySet, MAX_SET};
