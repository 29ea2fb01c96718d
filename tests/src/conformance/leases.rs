//! The conformance suite of the `leases` port.
