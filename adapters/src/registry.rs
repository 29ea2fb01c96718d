//! From a configuration section to a backend or a store: the only place that knows them all.

mod backends;
mod stores;

pub use backends::BackendConf;
#[cfg(feature = "redis")]
pub use netweave_redis::Conf as RedisConf;
pub use stores::{StoreConf, Stores};
#[cfg(feature = "redis")]
pub use stores::{look_at_cache, open_cache};
