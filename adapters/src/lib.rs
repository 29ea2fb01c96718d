//! The facade over backends and stores: one feature each, reached through the configuration.

pub mod layers;
mod poller;
mod registry;

/// The sample inventory of the file backend, and its small changes.
#[cfg(feature = "file")]
pub mod sample {
    pub use netweave_file::{sample as text, sample_grown as grown, sample_step as step};
}

pub use poller::Poller;
pub use registry::{BackendConf, StoreConf, Stores};
#[cfg(feature = "redis")]
pub use registry::{RedisConf, look_at_cache, open_cache};
