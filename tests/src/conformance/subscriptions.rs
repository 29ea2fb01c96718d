//! The conformance suite of the `subscriptions` port.
