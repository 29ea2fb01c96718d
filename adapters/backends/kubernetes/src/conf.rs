//! The configuration section of a Kubernetes backend.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A Kubernetes cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conf {
    /// Unique name; part of every object's id, so it must not change.
    #[schemars(length(min = 1, max = 63), extend("format" = "source-name"), example = &"edge-1")]
    pub name: String,
    /// The kubeconfig; without one, the service account of the pod.
    #[serde(default)]
    #[schemars(example = &"kubeconfig.yaml")]
    pub kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig; without one, the current.
    #[serde(default)]
    #[schemars(example = &"admin@edge-1")]
    pub context: Option<String>,
    /// The node label whose values make the pools.
    #[serde(default = "default_pool_label")]
    #[schemars(length(min = 1, max = 253))]
    pub pool_label: String,
    /// The URI under which others reach the cluster's API; without one, that under which the gateway does.
    #[serde(default)]
    #[schemars(example = &"https://k8s.edge-1.example.net:6443")]
    pub service_uri: Option<String>,
}

fn default_pool_label() -> String {
    "topology.kubernetes.io/zone".to_owned()
}
