//! The filter chain, in order.
