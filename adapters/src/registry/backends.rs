//! The backends: one section of the configuration each, and what the gateway asks of any of them.

#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "file")]
mod file;
#[cfg(feature = "gcp")]
mod gcp;
#[cfg(feature = "kubernetes")]
mod kubernetes;
#[cfg(feature = "vmware")]
mod vmware;

use crate::Poller;
use crate::layers::{self, Guard, Observer};
use async_trait::async_trait;
use netweave_model::port::{Backend, Clock};
use netweave_model::{Id, Result, SourceName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

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

/// What each backend's section answers.
#[async_trait]
trait Section: Send + Sync {
    /// The configured name.
    fn name(&self) -> &str;

    /// The kind, as the file spells it.
    fn kind(&self) -> &'static str;

    /// How calls are guarded.
    fn guard(&self) -> Guard {
        Guard::default()
    }

    /// The pause between two looks, for a backend that can only be asked.
    fn polled(&self) -> Option<Duration> {
        None
    }

    /// What is wrong with it, beyond its form: the key, and what to change.
    fn faults(&self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    /// Whether it asks for an encrypted connection, or needs none.
    fn is_encrypted(&self) -> bool {
        true
    }

    /// The files that it names: the key, the path, and whether there is no start without it.
    fn files(&self) -> Vec<(&'static str, &Path, bool)>;

    /// What makes those files unusable, each with its place.
    fn check_files(&self, _o_cloud_id: &Id) -> Vec<String> {
        Vec::new()
    }

    /// Builds the backend, bare.
    async fn connect(&self, o_cloud_id: &Id, clock: Arc<dyn Clock>) -> Result<Arc<dyn Backend>>;
}

impl BackendConf {
    fn section(&self) -> &dyn Section {
        // By value, so that there may be no backend at all.
        match *self {
            #[cfg(feature = "aws")]
            Self::Aws(ref conf) => conf,
            #[cfg(feature = "file")]
            Self::File(ref conf) => conf,
            #[cfg(feature = "gcp")]
            Self::Gcp(ref conf) => conf,
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(ref conf) => conf,
            #[cfg(feature = "vmware")]
            Self::Vmware(ref conf) => conf,
        }
    }

    /// Returns the configured name.
    pub fn name(&self) -> SourceName {
        SourceName::from(self.section().name())
    }

    /// Returns the kind, as the file spells it.
    pub fn kind(&self) -> &'static str {
        self.section().kind()
    }

    /// Returns what is wrong with the section, beyond its form: the key, and what to change.
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        self.section().faults()
    }

    /// Returns whether the section asks for an encrypted connection, or needs none.
    pub fn is_encrypted(&self) -> bool {
        self.section().is_encrypted()
    }

    /// Returns the files that the section names: the key, the path, and whether there is no start without it.
    pub fn files(&self) -> Vec<(&'static str, &Path, bool)> {
        self.section().files()
    }

    /// Returns what makes the files that the section names unusable, each with its place; at most ten faults.
    pub fn check_files(&self, o_cloud_id: &Id) -> Vec<String> {
        self.section().check_files(o_cloud_id)
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
        let section = self.section();
        let backend = section.connect(o_cloud_id, Arc::clone(&clock)).await?;
        let guarded = layers::guard(backend, &self.name(), observer, clock, &section.guard());
        Ok(match section.polled() {
            // Around the layers, so that each look passes them.
            Some(every) => Arc::new(Poller::new(guarded, every)),
            None => guarded,
        })
    }
}

/// Returns the guards of a cloud that has many accounts or projects: one list of it takes long, each page has a time of its
/// own.
#[cfg(any(feature = "aws", feature = "gcp"))]
fn all_regions() -> Guard {
    let limits = layers::Limits { list: Duration::from_mins(10), ..Default::default() };
    Guard { limits, ..Guard::default() }
}

/// Names those of some files that are configured; there is no start without them.
#[cfg(any(feature = "aws", feature = "gcp", feature = "kubernetes", feature = "vmware"))]
fn needed<'a>(
    files: impl IntoIterator<Item = (&'static str, Option<&'a std::path::PathBuf>)>,
) -> Vec<(&'static str, &'a Path, bool)> {
    files.into_iter().filter_map(|(key, path)| Some((key, path?.as_path(), true))).collect()
}
