//! The conformance suite of the `log` port.
