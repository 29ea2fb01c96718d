//! The names of all log fields, metrics and spans.

pub mod log;
pub mod metrics;
