//! From the configuration of the state to an open store, and of the shared response cache to its port.

use super::{StoreConf, Stores};
use netweave_model::Result;
#[cfg(feature = "redis")]
use netweave_model::port::{CacheObserver, ResponseCache, ServerHealth};
use netweave_model::port::{Clock, Deliveries, Ids, InventoryLog, Leases, StoreHealth, Subscriptions};
use std::sync::Arc;

impl StoreConf {
    /// Reaches the server of the store, without taking part in what it keeps; `None` if the store has none.
    ///
    /// Connections are made by the runtime that this is called on; the server need not answer yet.
    ///
    /// # Errors
    /// `Invalid`: the section names what cannot be used.
    pub fn health(&self, ids: Arc<dyn Ids>) -> Result<Option<Arc<dyn StoreHealth>>> {
        match self {
            #[cfg(feature = "memory")]
            Self::Memory(_) => Ok(None),
            #[cfg(feature = "embedded")]
            Self::Embedded(_) => Ok(None),
            #[cfg(feature = "redis")]
            Self::Redis(conf) => Ok(Some(Arc::new(netweave_redis::look_at(conf, ids)?))),
        }
    }

    /// Opens the store, once per process.
    ///
    /// # Errors
    /// `Conflict`: another process holds the file. `Unavailable`: it cannot be opened, a newer version wrote it, or the
    /// server does not answer. `Invalid`: its address cannot be understood.
    pub async fn open(&self, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Stores> {
        match self {
            #[cfg(feature = "memory")]
            Self::Memory(_) => Ok(Stores::of(&netweave_memory::Memory::new(Arc::clone(&clock), ids), clock)),
            #[cfg(feature = "embedded")]
            Self::Embedded(conf) => {
                Ok(Stores::of(&netweave_embedded::open(conf, Arc::clone(&clock), ids).await?, clock))
            }
            #[cfg(feature = "redis")]
            Self::Redis(conf) => {
                let store = netweave_redis::open(conf, None, ids).await?;
                Ok(Stores { health: Some(Arc::new(store.clone())), ..Stores::of(&store, store.clock(clock)) })
            }
        }
    }
}

/// Makes the shared response cache; it connects when it is first used, on the runtime that uses it.
///
/// # Errors
/// `Invalid`: the section names what cannot be used, such as a password file that cannot be read.
#[cfg(feature = "redis")]
pub fn open_cache(
    conf: &netweave_redis::Conf,
    observer: Arc<dyn CacheObserver>,
    ids: Arc<dyn Ids>,
) -> Result<Arc<dyn ResponseCache>> {
    Ok(Arc::new(netweave_redis::Cache::new(conf, observer, ids)?))
}

/// Reaches the server of the shared response cache; it need not answer yet.
///
/// # Errors
/// As `open_cache`.
#[cfg(feature = "redis")]
pub fn look_at_cache(conf: &netweave_redis::Conf) -> Result<Arc<dyn ServerHealth>> {
    Ok(Arc::new(netweave_redis::CacheServer::reach(conf)?))
}

impl Stores {
    /// Gives out one store behind each of its ports.
    fn of<S>(store: &S, clock: Arc<dyn Clock>) -> Self
    where
        S: InventoryLog + Subscriptions + Deliveries + Leases + Clone + 'static,
    {
        Self {
            log: Arc::new(store.clone()),
            subscriptions: Arc::new(store.clone()),
            deliveries: Arc::new(store.clone()),
            leases: Arc::new(store.clone()),
            clock,
            health: None,
        }
    }
}
