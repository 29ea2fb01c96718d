//! Traces: what a collector is shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How spans travel to the collector; the names are those of OpenTelemetry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Protocol {
    /// OTLP over HTTP, in protobuf.
    #[default]
    #[serde(rename = "http/protobuf")]
    Http,
    /// OTLP over gRPC.
    #[serde(rename = "grpc")]
    Grpc,
}

section! {
    /// Traces. Without a collector none begin here; those that clients bring are handed on.
    Tracing {
        /// The collector's address for traces, without a path with `grpc`; `http` in `dev` only. Without it there are no spans.
        #[schemars(length(min = 1, max = 1024), example = &"https://otel-collector:4318/v1/traces")]
        url: Option<String> = None,
        /// How the collector takes spans: `http/protobuf` (OTLP over HTTP, often port 4318) or `grpc` (OTLP over gRPC, often 4317).
        protocol: Protocol = Protocol::Http,
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
