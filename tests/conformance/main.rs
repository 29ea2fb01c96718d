//! Every port's conformance suite, run by every implementation and decorator.
