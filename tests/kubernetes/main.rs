//! The whole gateway before a real kube-apiserver. Each test starts a control plane of its own: run one at a time.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "code of tests: a panic is how it says that something is not as it must be"
)]

mod evaluator;
mod follow;
mod outage;
mod stage;
mod subscribers;
mod told;
