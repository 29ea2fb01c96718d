//! The names of all log fields, metrics and spans.

pub mod exemplars;
mod grpc;
pub mod log;
pub mod metrics;
pub mod openmetrics;
pub mod otlp;
pub mod requests;
pub mod throttle;
pub mod trace;
