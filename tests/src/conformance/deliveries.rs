//! The conformance suite of the `deliveries` port.
