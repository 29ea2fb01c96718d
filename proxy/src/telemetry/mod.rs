//! The names of all log fields, metrics and spans.

pub mod log;
pub mod metrics;
pub mod requests;
pub mod throttle;
