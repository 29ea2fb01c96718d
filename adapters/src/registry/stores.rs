//! From the configuration of the state to an open store, and of the shared response cache to its port.

use netweave_model::Result;
#[cfg(feature = "redis")]
use netweave_model::port::{CacheObserver, ResponseCache, ServerHealth};
use netweave_model::port::{
    Clock, Deliveries, Ids, InventoryLog, Leases, Schema, StoreHealth, Subscriptions, Tally,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where the state is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum StoreConf {
    /// In this process, lost with it.
    #[cfg(feature = "memory")]
    Memory(netweave_memory::Conf),
    /// In one file of this machine, for one process.
    #[cfg(feature = "embedded")]
    Embedded(netweave_embedded::Conf),
    /// In Redis, for any number of processes: one server (`url`), or a primary that Sentinels name (`sentinels`).
    #[cfg(feature = "redis")]
    Redis(Box<netweave_redis::Conf>),
}

/// One store behind all its ports.
#[derive(Clone)]
pub struct Stores {
    /// The change log.
    pub log: Arc<dyn InventoryLog>,
    /// The subscriptions.
    pub subscriptions: Arc<dyn Subscriptions>,
    /// The delivery queues.
    pub deliveries: Arc<dyn Deliveries>,
    /// Leadership.
    pub leases: Arc<dyn Leases>,
    /// The store's time, for whatever is compared with what it stamps.
    pub clock: Arc<dyn Clock>,
    /// How its server fares; `None` if it has none.
    pub health: Option<Arc<dyn StoreHealth>>,
    /// Counts of all processes that share it; `None` if there is only one.
    pub tally: Option<Arc<dyn Tally>>,
}

#[cfg(feature = "embedded")]
impl Default for StoreConf {
    fn default() -> Self {
        Self::Embedded(netweave_embedded::Conf { path: "./netweave.db".into() })
    }
}

impl StoreConf {
    /// Reaches the server of the store, without taking part in what it keeps; `None` if the store has none.
    ///
    /// Connections are made by the runtime that this is called on; the server need not answer yet.
    ///
    /// # Errors
    /// `Invalid`: the section names what cannot be used.
    pub fn health(&self, ids: Arc<dyn Ids>) -> Result<Option<Arc<dyn StoreHealth>>> {
        match *self {
            #[cfg(feature = "memory")]
            Self::Memory(_) => Ok(None),
            #[cfg(feature = "embedded")]
            Self::Embedded(_) => Ok(None),
            #[cfg(feature = "redis")]
            Self::Redis(ref conf) => Ok(Some(Arc::new(netweave_redis::look_at(conf, ids)?))),
        }
    }

    /// Reads the version of what is stored, without taking part in it; `None` if nothing is.
    ///
    /// # Errors
    /// As `open`.
    pub async fn schema(&self, ids: Arc<dyn Ids>) -> Result<Option<Schema>> {
        match *self {
            #[cfg(feature = "memory")]
            Self::Memory(_) => Ok(None),
            #[cfg(feature = "embedded")]
            Self::Embedded(ref conf) => netweave_embedded::schema(conf).await,
            #[cfg(feature = "redis")]
            Self::Redis(ref conf) => netweave_redis::look_at(conf, ids)?.schema().await,
        }
    }

    /// Returns the version of what this program stores; `None` if it is lost with the process.
    pub const fn own_schema(&self) -> Option<Schema> {
        match *self {
            #[cfg(feature = "memory")]
            Self::Memory(_) => None,
            #[cfg(feature = "embedded")]
            Self::Embedded(_) => Some(netweave_embedded::SCHEMA),
            #[cfg(feature = "redis")]
            Self::Redis(_) => Some(netweave_redis::SCHEMA),
        }
    }

    /// Returns the word that the configuration has for the kind of store.
    pub const fn kind(&self) -> &'static str {
        match *self {
            #[cfg(feature = "memory")]
            Self::Memory(_) => "memory",
            #[cfg(feature = "embedded")]
            Self::Embedded(_) => "embedded",
            #[cfg(feature = "redis")]
            Self::Redis(_) => "redis",
        }
    }

    /// Opens the store, once per process.
    ///
    /// # Errors
    /// `Conflict`: another process holds the file. `Unavailable`: it cannot be opened, or the server does not answer.
    /// `Unsupported`: another version wrote it. `Invalid`: its address cannot be understood.
    pub async fn open(&self, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Stores> {
        match *self {
            #[cfg(feature = "memory")]
            Self::Memory(_) => Ok(Stores::of(&netweave_memory::Memory::new(Arc::clone(&clock), ids), clock)),
            #[cfg(feature = "embedded")]
            Self::Embedded(ref conf) => {
                Ok(Stores::of(&netweave_embedded::open(conf, Arc::clone(&clock), ids).await?, clock))
            }
            #[cfg(feature = "redis")]
            Self::Redis(ref conf) => {
                let store = netweave_redis::open(conf, None, ids).await?;
                Ok(Stores {
                    health: Some(Arc::new(store.clone())),
                    tally: Some(Arc::new(store.clone())),
                    ..Stores::of(&store, store.clock(clock))
                })
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
            tally: None,
        }
    }
}
