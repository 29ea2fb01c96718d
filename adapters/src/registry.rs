//! From a configuration section to a backend or a store: the only place that knows them all.

mod stores;

use crate::layers::{self, Guard, Observer};
use netweave_model::port::{Backend, Clock, Deliveries, InventoryLog, Leases, StoreHealth, Subscriptions};
use netweave_model::{Id, Result, SourceName};
#[cfg(feature = "redis")]
pub use netweave_redis::Conf as RedisConf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
#[cfg(feature = "redis")]
pub use stores::{look_at_cache, open_cache};

/// Faults of one file that are shown to somebody who checks it.
const MAX_FAULTS: usize = 10;

/// One infrastructure behind the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum BackendConf {
    /// An inventory in a YAML file, which is watched.
    #[cfg(feature = "file")]
    File(netweave_file::Conf),
    /// A Kubernetes cluster.
    #[cfg(feature = "kubernetes")]
    Kubernetes(netweave_kubernetes::Conf),
}

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
}

impl BackendConf {
    /// Returns the configured name.
    pub fn name(&self) -> SourceName {
        match self {
            #[cfg(feature = "file")]
            Self::File(conf) => SourceName::from(conf.name.as_str()),
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(conf) => SourceName::from(conf.name.as_str()),
        }
    }

    /// Returns the kind, as the file spells it.
    pub fn kind(&self) -> &'static str {
        match self {
            #[cfg(feature = "file")]
            Self::File(_) => "file",
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(_) => "kubernetes",
        }
    }

    fn guard(&self) -> Guard {
        match self {
            #[cfg(feature = "file")]
            Self::File(_) => Guard::local(),
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(_) => Guard::default(),
        }
    }

    /// Returns what makes the files that the section names unusable, each with its place; at most ten faults.
    pub fn check_files(&self, o_cloud_id: &Id) -> Vec<String> {
        match self {
            #[cfg(feature = "file")]
            Self::File(conf) => netweave_file::check(conf, o_cloud_id, MAX_FAULTS),
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(_) => Vec::new(),
        }
    }

    /// Builds the backend with all guard layers around it. The infrastructure need not answer yet.
    ///
    /// # Errors
    /// `Invalid`: the section says something that cannot be used, such as credentials that cannot be read.
    pub async fn build(
        &self,
        o_cloud_id: &Id,
        observer: Arc<dyn Observer>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn Backend>> {
        let backend: Arc<dyn Backend> = match self {
            #[cfg(feature = "file")]
            Self::File(conf) => Arc::new(netweave_file::File::open(conf, o_cloud_id)?),
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(conf) => Arc::new(
                netweave_kubernetes::Kubernetes::connect(conf, o_cloud_id, Arc::clone(&clock)).await?,
            ),
        };
        Ok(layers::guard(backend, &self.name(), observer, clock, &self.guard()))
    }
}

#[cfg(feature = "embedded")]
impl Default for StoreConf {
    fn default() -> Self {
        Self::Embedded(netweave_embedded::Conf { path: "./netweave.db".into() })
    }
}
