//! Hostile and malformed requests against the edge, and what its TLS, limits and shutdown promise.
//!
//! The edge runs in this process with a few routes of the tests' own, its time-outs shortened by configuration; clients
//! are raw TLS sockets, so that they can break every rule.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "code of tests: a panic is how it says that something is not as it must be"
)]

mod client;
mod corpus;
mod h1;
mod h2;
mod limits;
mod lines;
mod shutdown;
mod target;
mod tls;
