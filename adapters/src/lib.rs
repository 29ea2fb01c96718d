//! The facade over backends and stores: one feature each, reached through the configuration.

pub mod layers;
mod registry;

pub use registry::{BackendConf, StoreConf, Stores};
