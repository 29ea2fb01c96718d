//! Traces: what a collector is shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

section! {
    /// Traces. Without a collector none begin here; those that clients bring are handed on.
    Tracing {
        /// The collector's address for traces (OTLP over HTTP, protobuf); `http` in `dev` only. Without it there are no spans.
        #[schemars(length(min = 1, max = 1024), example = &"https://otel-collector:4318/v1/traces")]
        url: Option<String> = None,
        /// Authorities of its certificate, as a PEM file, beside the platform's.
        #[schemars(example = &"otlp-ca.crt")]
        ca: Option<PathBuf> = None,
        /// Of the traces that begin here, one in so many is recorded; those that begin elsewhere as their begin says.
        #[schemars(range(min = 1, max = 1_000_000))]
        one_in: u32 = 10,
        /// Spans that wait for the collector; more are dropped and counted.
        #[schemars(range(min = 1, max = 1_000_000))]
        queue: usize = 4096,
    }
}
