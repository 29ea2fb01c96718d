//! The server -> a deployment manager. Credentials never go in.

use super::Scope;
use super::place::Place;
use crate::entity::Entity;
use crate::soap::Family;
use crate::soap::answer::About;
use netweave_model::domain::DeploymentManagerInfo;
use netweave_model::{Id, Kind};
use serde_json::json;

/// What is summed up over the whole server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) hosts: i64,
    pub(crate) machines: i64,
    pub(crate) cores: i64,
    /// In bytes.
    pub(crate) memory: i128,
}

impl Sums {
    /// Returns what one object contributes.
    pub(crate) fn of(family: Family, entity: &Entity) -> Self {
        let part = |key: &str| {
            let hardware = entity.facts.get("hardware");
            hardware.and_then(|hardware| hardware.get(key)?.as_i64()).unwrap_or_default()
        };
        match family {
            Family::Host => {
                Self { hosts: 1, machines: 0, cores: part("cpuCores"), memory: part("memoryBytes").into() }
            }
            Family::Machine => Self { machines: 1, ..Self::default() },
            Family::Folder
            | Family::Datacenter
            | Family::Compute
            | Family::Pool
            | Family::Datastore
            | Family::Network => Self::default(),
        }
    }

    /// Adds a share, or takes it back with `sign` -1.
    pub(crate) fn add(&mut self, share: Self, sign: i64) {
        self.hosts = self.hosts.saturating_add(sign.saturating_mul(share.hosts));
        self.machines = self.machines.saturating_add(sign.saturating_mul(share.machines));
        self.cores = self.cores.wrapping_add(sign.wrapping_mul(share.cores));
        self.memory = self.memory.wrapping_add(i128::from(sign).wrapping_mul(share.memory));
    }
}

/// Maps the server.
pub(crate) fn manager(
    scope: &Scope,
    about: &About,
    sums: &Sums,
    datacenters: impl Iterator<Item = Place>,
) -> DeploymentManagerInfo {
    let mut locations: Vec<Id> = datacenters.map(|place| place.location_id(scope)).collect();
    locations.sort_unstable();
    let capabilities = [
        ("profile".to_owned(), json!("vsphere")),
        ("product".to_owned(), json!(about.name)),
        ("version".to_owned(), json!(about.version)),
        ("build".to_owned(), json!(about.build)),
        ("apiType".to_owned(), json!(about.api_type)),
        ("apiVersion".to_owned(), json!(about.api_version)),
    ];
    let capacity = [("cpu", sums.cores.to_string()), ("memory", sums.memory.to_string())]
        .map(|(key, text)| (key.to_owned(), json!(text)));
    let extensions =
        [("hosts".to_owned(), json!(sums.hosts)), ("virtualMachines".to_owned(), json!(sums.machines))];
    DeploymentManagerInfo {
        deployment_manager_id: id(scope),
        name: scope.source.to_string(),
        description: format!("vCenter {}", scope.source),
        o_cloud_id: scope.o_cloud_id.clone(),
        service_uri: scope.service_uri.clone(),
        supported_locations: locations,
        capabilities: capabilities.into_iter().collect(),
        capacity: capacity.into_iter().collect(),
        extensions: extensions.into_iter().collect(),
    }
}

/// Returns the identifier of the server's deployment manager.
pub(crate) fn id(scope: &Scope) -> Id {
    scope.id(Kind::DeploymentManager, "vcenter")
}
