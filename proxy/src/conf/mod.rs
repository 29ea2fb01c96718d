//! The configuration: a typed tree, how it is loaded, and what is checked beyond its types.
//!
//! `load` joins the layers, `form` checks them against `schema`, which comes from the types, and `check` knows the rules
//! that types cannot say. Every fault has its place.

pub mod check;
mod env;
pub mod fault;
mod form;
pub mod load;
pub mod node;
pub mod print;
pub mod profile;
pub mod schema;
pub mod tree;
pub mod unit;
pub(crate) mod words;
