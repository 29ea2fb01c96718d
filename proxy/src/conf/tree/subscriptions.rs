//! Subscriptions, their callbacks, and how deliveries are tried.

use crate::conf::unit::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

section! {
    /// Subscriptions.
    Subscriptions {
        /// How long one lives without a sign of life.
        #[schemars(extend("x-minimum" = "1s", "x-maximum" = "365d"))]
        ttl: Span = Span::seconds(24 * 3600),
        /// How many one identity may have.
        #[schemars(range(min = 1, max = 1_000_000))]
        per_owner: u64 = 100,
        /// How many may exist.
        #[schemars(range(min = 1, max = 10_000_000))]
        total: u64 = 10_000,
        /// Where notifications may be posted.
        callback: Callback = Callback::default(),
    }
}

/// Whether a callback is tried when a subscription is created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// It is not.
    #[default]
    None,
    /// A GET must answer 204.
    Get204,
}

section! {
    /// Where notifications may be posted.
    Callback {
        /// Schemes: `https`, and `http` for development.
        schemes: Vec<String> = vec!["https".to_owned()],
        /// Ports; empty means any.
        #[schemars(inner(range(min = 1)), example = [443, 8443])]
        ports: Vec<u16> = Vec::new(),
        /// Networks and host names that are allowed although they are not public: `10.0.0.0/8`, `smo.example.net`, `*.example.net`.
        #[schemars(example = ["10.0.0.0/8", "smo.example.net", "*.example.net"])]
        allow: Vec<String> = Vec::new(),
        /// Authorities for the callbacks' certificates, as a PEM file, beside the public ones.
        #[schemars(example = &"callback-ca.pem")]
        ca: Option<PathBuf> = None,
        /// Whether a callback is tried before it is accepted: `none` or `get204`.
        verify: Verify = Verify::None,
    }
}

section! {
    /// How deliveries are tried.
    Delivery {
        /// Deliveries at the same time, one per subscription.
        #[schemars(range(min = 1, max = 4_096))]
        concurrency: usize = 64,
        /// Of them, those to one owner.
        #[schemars(range(min = 1, max = 4_096))]
        per_owner: usize = 48,
        /// Time for one attempt.
        #[schemars(extend("x-minimum" = "10ms", "x-maximum" = "1m"))]
        timeout: Span = Span::seconds(5),
        /// Longest pause between attempts.
        #[schemars(extend("x-minimum" = "10ms", "x-maximum" = "1h"))]
        max_pause: Span = Span::seconds(300),
        /// How long an item is tried before it becomes a dead letter.
        #[schemars(extend("x-minimum" = "1s", "x-maximum" = "30d"))]
        retention: Span = Span::seconds(24 * 3600),
        /// Longest queue of one subscription.
        #[schemars(range(min = 1, max = 1_000_000))]
        max_queue: u64 = 10_000,
    }
}
