//! Machine types -> resource types.

use super::{Pairs, Scope, UNKNOWN, VENDOR, described};
use crate::wire::{Accelerator, Instance, MachineType, last, last_of};
use netweave_model::domain::{ResourceClass, ResourceKind, ResourceTypeInfo};
use netweave_model::{Id, Kind};
use serde_json::{Value, json};

/// Returns the name of an instance's machine type.
pub(crate) fn type_name(instance: &Instance) -> &str {
    last_of(instance.machine_type.as_ref()).unwrap_or(UNKNOWN)
}

/// Returns the identifier of a machine type: it means the same in every zone and project.
pub(crate) fn id(scope: &Scope, name: &str) -> Id {
    scope.id(Kind::ResourceType, &native(name))
}

fn native(name: &str) -> String {
    format!("machineTypes/{name}")
}

/// Maps a machine type; one that does not exist any more has its name only.
pub(crate) fn info(scope: &Scope, name: &str, facts: Option<&MachineType>) -> ResourceTypeInfo {
    let nothing = MachineType::default();
    let facts = facts.unwrap_or(&nothing);
    let extensions = Pairs::of(&native(name))
        .maybe("guestCpus", facts.guest_cpus)
        .maybe("memoryMb", facts.memory_mb)
        .maybe("isSharedCpu", facts.is_shared_cpu)
        .maybe("architecture", facts.architecture.clone())
        .maybe("maximumPersistentDisks", facts.maximum_persistent_disks)
        .maybe("maximumPersistentDisksSizeGb", facts.maximum_persistent_disks_size_gb.clone())
        .list("accelerators", accelerators(facts.accelerators.as_deref()));
    ResourceTypeInfo {
        resource_type_id: id(scope, name),
        name: name.to_owned(),
        description: described(facts.description.as_ref(), || format!("Machine type {name}")),
        vendor: VENDOR.to_owned(),
        model: name.to_owned(),
        version: UNKNOWN.to_owned(),
        alarm_dictionary_id: None,
        performance_dictionary_id: None,
        // Bare metal is what Google calls so: `c3-standard-192-metal`.
        resource_kind: if name.ends_with("-metal") { ResourceKind::Physical } else { ResourceKind::Logical },
        resource_class: ResourceClass::Compute,
        extensions: extensions.done(),
    }
}

/// Maps accelerators to objects of `type` and `count`.
pub(crate) fn accelerators(list: Option<&[Accelerator]>) -> Vec<Value> {
    let one = |one: &Accelerator| {
        json!({
            "type": one.accelerator_type.as_deref().map_or(UNKNOWN, last),
            "count": one.accelerator_count.unwrap_or_default(),
        })
    };
    list.unwrap_or_default().iter().map(one).collect()
}
