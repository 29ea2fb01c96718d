//! Harness and conformance suites, shared by the test targets.

pub mod conformance;
pub mod harness;
