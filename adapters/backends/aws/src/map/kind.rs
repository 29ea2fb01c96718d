//! Instance types, host families and the like -> resource types.

use super::{Pairs, Scope};
use crate::wire::instance::{Accelerator, InstanceType};
use netweave_model::domain::{KeyValuePairs, ResourceClass, ResourceKind, ResourceTypeInfo};
use netweave_model::{Id, Kind};
use serde_json::{Value, json};

/// The vendor of all types, as Kubernetes spells it in `providerID`.
const VENDOR: &str = "aws";
/// What is written for what is not known.
const UNKNOWN: &str = "unknown";

/// What a resource type describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Sort {
    Instance,
    Host,
    CapacityReservation,
    Vpc,
    Subnet,
    Volume,
}

/// A resource type: its sort, and Amazon's name of it (`m5.large`, `m5`, `gp3`; empty where there is but one).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TypeKey {
    pub(crate) sort: Sort,
    pub(crate) model: String,
}

impl TypeKey {
    pub(crate) fn new(sort: Sort, model: &str) -> Self {
        Self { sort, model: model.to_owned() }
    }

    pub(crate) fn id(&self, scope: &Scope) -> Id {
        scope.id(Kind::ResourceType, &self.native())
    }

    fn native(&self) -> String {
        let sort = match self.sort {
            Sort::Instance => "instance",
            Sort::Host => "host",
            Sort::CapacityReservation => "capacity-reservation",
            Sort::Vpc => return "vpc".to_owned(),
            Sort::Subnet => return "subnet".to_owned(),
            Sort::Volume => "volume",
        };
        format!("{sort}/{}", self.model)
    }
}

/// Maps a type; `details` are what is known of an instance type.
pub(crate) fn resource_type(
    scope: &Scope,
    key: &TypeKey,
    details: Option<&InstanceType>,
) -> ResourceTypeInfo {
    let metal = details.map_or(key.model.contains(".metal"), |details| details.bare_metal);
    let (what, resource_kind, resource_class) = match key.sort {
        Sort::Instance if metal => ("Instance type", ResourceKind::Physical, ResourceClass::Compute),
        Sort::Instance => ("Instance type", ResourceKind::Logical, ResourceClass::Compute),
        Sort::Host => ("Dedicated host of family", ResourceKind::Physical, ResourceClass::Compute),
        Sort::CapacityReservation => {
            ("Capacity reservation for", ResourceKind::Logical, ResourceClass::Compute)
        }
        Sort::Vpc | Sort::Subnet => ("Network of kind", ResourceKind::Logical, ResourceClass::Networking),
        Sort::Volume => ("Volume of type", ResourceKind::Logical, ResourceClass::Storage),
    };
    let model = match key.sort {
        Sort::Vpc => "vpc",
        Sort::Subnet => "subnet",
        Sort::Instance | Sort::Host | Sort::CapacityReservation | Sort::Volume if key.model.is_empty() => {
            UNKNOWN
        }
        Sort::Instance | Sort::Host | Sort::CapacityReservation | Sort::Volume => &key.model,
    };
    let mut extensions = details.map_or_else(KeyValuePairs::new, facts);
    extensions.insert("nativeId".to_owned(), json!(key.native()));
    ResourceTypeInfo {
        resource_type_id: key.id(scope),
        name: model.to_owned(),
        description: format!("{what} {model}"),
        vendor: VENDOR.to_owned(),
        model: model.to_owned(),
        version: UNKNOWN.to_owned(),
        alarm_dictionary_id: None,
        performance_dictionary_id: None,
        resource_kind,
        resource_class,
        extensions,
    }
}

fn facts(details: &InstanceType) -> KeyValuePairs {
    let storage = details.instance_storage_info.as_ref().and_then(|storage| storage.gigabytes);
    let gpus = details.gpu_info.as_ref().map(|all| accelerators(&all.gpus.items));
    let fpgas = details.fpga_info.as_ref().map(|all| accelerators(&all.fpgas.items));
    Pairs::new()
        .put("vcpus", details.v_cpu_info.vcpus)
        .put("cores", details.v_cpu_info.cores)
        .put("memoryMiB", details.memory_info.mib)
        .put("architectures", &details.processor_info.supported_architectures.items)
        .put("processor", &details.processor_info.manufacturer)
        .put("clockGHz", details.processor_info.sustained_clock_speed_in_ghz)
        .put("localStorageGB", storage)
        .put("network", &details.network_info.network_performance)
        .put("networkInterfaces", details.network_info.maximum_network_interfaces)
        .put("efa", details.network_info.efa_supported)
        .put("gpus", gpus)
        .put("fpgas", fpgas)
        .put("hypervisor", &details.hypervisor)
        .put("bareMetal", details.bare_metal)
        .put("currentGeneration", details.current_generation)
        .0
}

fn accelerators(all: &[Accelerator]) -> Vec<Value> {
    let one = |item: &Accelerator| {
        let pairs = Pairs::new().put("name", &item.name).put("manufacturer", &item.manufacturer);
        Value::Object(pairs.put("count", item.count).0)
    };
    all.iter().map(one).collect()
}
