//! The cluster -> a deployment manager. Credentials never go in.

use super::Scope;
use super::place::location_id;
use super::quantity::Amount;
use netweave_model::domain::DeploymentManagerInfo;
use netweave_model::{Id, Kind};
use serde_json::json;
use std::collections::BTreeMap;

/// What is summed up over the whole cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    /// Capacity by resource name, with the number of nodes that have some.
    pub(crate) capacity: BTreeMap<String, (Amount, usize)>,
    pub(crate) nodes: usize,
}

/// Returns the identifier of the cluster's deployment manager.
pub(crate) fn id(scope: &Scope) -> Id {
    scope.id(Kind::DeploymentManager, "cluster")
}

/// Maps the cluster.
pub(crate) fn manager<'a>(
    scope: &Scope,
    version: &str,
    sums: &Sums,
    regions: impl Iterator<Item = &'a str>,
    classes: impl Iterator<Item = &'a str>,
) -> DeploymentManagerInfo {
    let capacity =
        sums.capacity.iter().map(|(name, (amount, _))| (name.clone(), json!(amount.text()))).collect();
    let classes: Vec<&str> = classes.collect();
    let capabilities = [
        ("profile".to_owned(), json!("kubernetes")),
        ("kubernetesVersion".to_owned(), json!(version)),
        ("storageClasses".to_owned(), json!(classes)),
    ];
    DeploymentManagerInfo {
        deployment_manager_id: id(scope),
        name: scope.source.to_string(),
        description: format!("Kubernetes cluster {}", scope.source),
        o_cloud_id: scope.o_cloud_id.clone(),
        service_uri: scope.service_uri.clone(),
        supported_locations: regions.map(|region| location_id(scope, region)).collect(),
        capabilities: capabilities.into_iter().collect(),
        capacity,
        extensions: [("nodes".to_owned(), json!(sums.nodes))].into_iter().collect(),
    }
}
