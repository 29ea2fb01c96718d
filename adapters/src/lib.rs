//! The facade over backends and stores: one feature each, reached through the configuration.

#[cfg(not(any(
    feature = "aws",
    feature = "file",
    feature = "gcp",
    feature = "kubernetes",
    feature = "vmware"
)))]
compile_error!(
    "a gateway needs a backend: choose at least one of the features `aws`, `file`, `gcp`, `kubernetes` and `vmware`"
);
#[cfg(not(any(feature = "embedded", feature = "memory", feature = "redis")))]
compile_error!(
    "a gateway needs a store: choose at least one of the features `embedded`, `memory` and `redis`"
);

pub mod layers;
mod poller;
mod registry;

/// The sample inventory of the file backend, and its small changes.
#[cfg(feature = "file")]
pub mod sample {
    pub use netweave_file::{sample as text, sample_step as step};
}

pub use poller::Poller;
pub use registry::{BackendConf, StoreConf, Stores};
#[cfg(feature = "redis")]
pub use registry::{RedisConf, look_at_cache, open_cache};
