//! The configuration: a typed tree, how it is loaded, and what is checked beyond its types.

pub mod tree;
pub mod unit;
