//! The conformance suite of the `backend` port.
