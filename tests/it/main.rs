//! The whole gateway, over its listeners, on real stores and the file backend.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    reason = "code of tests: a panic is how it says that something is not as it must be"
)]

mod rooms;
