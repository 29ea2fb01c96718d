//! The plain listener: health, readiness, metrics.
