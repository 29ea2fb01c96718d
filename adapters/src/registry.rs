//! From a configuration section to a backend or a store: the only place that knows them all.

mod stores;

use crate::Poller;
use crate::layers::{self, Guard, Observer};
use netweave_model::port::{Backend, Clock, Deliveries, InventoryLog, Leases, StoreHealth, Subscriptions};
use netweave_model::{Id, Result, SourceName};
#[cfg(feature = "redis")]
pub use netweave_redis::Conf as RedisConf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
#[cfg(feature = "redis")]
pub use stores::{look_at_cache, open_cache};

/// Faults of one file that are shown to somebody who checks it.
const MAX_FAULTS: usize = 10;

/// Time for one list of a cloud that has many accounts or projects; each page has a time of its own.
#[cfg(any(feature = "aws", feature = "gcp"))]
const ALL_REGIONS: Duration = Duration::from_mins(10);

/// One infrastructure behind the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum BackendConf {
    /// Accounts of Amazon Web Services: EC2 in some or all of their regions.
    #[cfg(feature = "aws")]
    Aws(netweave_aws::Conf),
    /// An inventory in a YAML file, which is watched.
    #[cfg(feature = "file")]
    File(netweave_file::Conf),
    /// Projects of Google Compute Engine, which are asked again and again.
    #[cfg(feature = "gcp")]
    Gcp(netweave_gcp::Conf),
    /// A Kubernetes cluster.
    #[cfg(feature = "kubernetes")]
    Kubernetes(netweave_kubernetes::Conf),
    /// A vCenter, or a standalone ESXi host.
    #[cfg(feature = "vmware")]
    Vmware(netweave_vmware::Conf),
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
            #[cfg(feature = "aws")]
            Self::Aws(conf) => SourceName::from(conf.name.as_str()),
            #[cfg(feature = "file")]
            Self::File(conf) => SourceName::from(conf.name.as_str()),
            #[cfg(feature = "gcp")]
            Self::Gcp(conf) => SourceName::from(conf.name.as_str()),
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(conf) => SourceName::from(conf.name.as_str()),
            #[cfg(feature = "vmware")]
            Self::Vmware(conf) => SourceName::from(conf.name.as_str()),
        }
    }

    /// Returns the kind, as the file spells it.
    pub fn kind(&self) -> &'static str {
        match self {
            #[cfg(feature = "aws")]
            Self::Aws(_) => "aws",
            #[cfg(feature = "file")]
            Self::File(_) => "file",
            #[cfg(feature = "gcp")]
            Self::Gcp(_) => "gcp",
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(_) => "kubernetes",
            #[cfg(feature = "vmware")]
            Self::Vmware(_) => "vmware",
        }
    }

    fn guard(&self) -> Guard {
        match self {
            #[cfg(feature = "aws")]
            Self::Aws(_) => Guard {
                limits: layers::Limits { list: ALL_REGIONS, ..Default::default() },
                ..Guard::default()
            },
            #[cfg(feature = "file")]
            Self::File(_) => Guard::local(),
            #[cfg(feature = "gcp")]
            Self::Gcp(_) => Guard {
                limits: layers::Limits { list: ALL_REGIONS, ..Default::default() },
                ..Guard::default()
            },
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(_) => Guard::default(),
            #[cfg(feature = "vmware")]
            Self::Vmware(_) => Guard::default(),
        }
    }

    /// Returns what is wrong with the section, beyond its form: the key, and what to change.
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        match self {
            #[cfg(feature = "aws")]
            Self::Aws(conf) => conf.faults(),
            #[cfg(feature = "file")]
            Self::File(_) => Vec::new(),
            #[cfg(feature = "gcp")]
            Self::Gcp(conf) => conf.faults(),
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(_) => Vec::new(),
            #[cfg(feature = "vmware")]
            Self::Vmware(conf) => conf.faults(),
        }
    }

    /// Returns whether the section asks for an encrypted connection, or needs none.
    pub fn is_encrypted(&self) -> bool {
        match self {
            #[cfg(feature = "aws")]
            Self::Aws(_) => true,
            #[cfg(feature = "file")]
            Self::File(_) => true,
            #[cfg(feature = "gcp")]
            Self::Gcp(_) => true,
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(_) => true,
            #[cfg(feature = "vmware")]
            Self::Vmware(conf) => conf.is_encrypted(),
        }
    }

    /// Returns the files that the section names: the key, the path, and whether there is no start without it.
    pub fn files(&self) -> Vec<(&'static str, &Path, bool)> {
        match self {
            #[cfg(feature = "aws")]
            Self::Aws(conf) => {
                let files = [("credentialsFile", &conf.credentials_file), ("ca", &conf.ca)];
                files.into_iter().filter_map(|(key, path)| Some((key, path.as_deref()?, true))).collect()
            }
            // A source that is gone at the start is no reason not to serve what is known of it.
            #[cfg(feature = "file")]
            Self::File(conf) => vec![("path", &conf.path, false)],
            #[cfg(feature = "gcp")]
            Self::Gcp(conf) => {
                let files = [("credentialsFile", &conf.credentials_file), ("ca", &conf.ca)];
                files.into_iter().filter_map(|(key, path)| Some((key, path.as_deref()?, true))).collect()
            }
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(conf) => {
                conf.kubeconfig.as_deref().map(|path| ("kubeconfig", path, true)).into_iter().collect()
            }
            #[cfg(feature = "vmware")]
            Self::Vmware(conf) => {
                let ca = conf.ca.as_deref().map(|path| ("ca", path, true));
                [("passwordFile", conf.password_file.as_path(), true)].into_iter().chain(ca).collect()
            }
        }
    }

    /// Returns what makes the files that the section names unusable, each with its place; at most ten faults.
    pub fn check_files(&self, o_cloud_id: &Id) -> Vec<String> {
        match self {
            #[cfg(feature = "aws")]
            Self::Aws(_) => Vec::new(),
            #[cfg(feature = "file")]
            Self::File(conf) => netweave_file::check(conf, o_cloud_id, MAX_FAULTS),
            #[cfg(feature = "gcp")]
            Self::Gcp(_) => Vec::new(),
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(_) => Vec::new(),
            #[cfg(feature = "vmware")]
            Self::Vmware(_) => Vec::new(),
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
            #[cfg(feature = "aws")]
            Self::Aws(conf) => Arc::new(netweave_aws::Aws::connect(conf, o_cloud_id, Arc::clone(&clock))?),
            #[cfg(feature = "file")]
            Self::File(conf) => Arc::new(netweave_file::File::open(conf, o_cloud_id)?),
            #[cfg(feature = "gcp")]
            Self::Gcp(conf) => Arc::new(netweave_gcp::Gcp::open(conf, o_cloud_id, Arc::clone(&clock))?),
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(conf) => Arc::new(
                netweave_kubernetes::Kubernetes::connect(conf, o_cloud_id, Arc::clone(&clock)).await?,
            ),
            #[cfg(feature = "vmware")]
            Self::Vmware(conf) => {
                Arc::new(netweave_vmware::Vmware::connect(conf, o_cloud_id, Arc::clone(&clock)).await?)
            }
        };
        let guarded = layers::guard(backend, &self.name(), observer, clock, &self.guard());
        Ok(match self.polled() {
            // Around the layers, so that each look passes them.
            Some(every) => Arc::new(Poller::new(guarded, every)),
            None => guarded,
        })
    }

    /// Returns the pause between two looks, for a backend that can only be asked.
    fn polled(&self) -> Option<Duration> {
        match self {
            #[cfg(feature = "aws")]
            Self::Aws(conf) => Some(conf.poll.0),
            #[cfg(feature = "file")]
            Self::File(_) => None,
            #[cfg(feature = "gcp")]
            Self::Gcp(conf) => Some(conf.poll.0),
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(_) => None,
            #[cfg(feature = "vmware")]
            Self::Vmware(_) => None,
        }
    }
}

#[cfg(feature = "embedded")]
impl Default for StoreConf {
    fn default() -> Self {
        Self::Embedded(netweave_embedded::Conf { path: "./netweave.db".into() })
    }
}
