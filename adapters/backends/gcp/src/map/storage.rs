//! Disks -> resources of class STORAGE.

use super::kind::Plain;
use super::{Home, Pairs, Scope, UNKNOWN, described};
use crate::wire::{Disk, last, last_of};
use netweave_model::domain::ResourceInfo;
use netweave_model::{Kind, Object, Result};
use serde_json::Value;

/// Returns the type of a disk.
pub(crate) fn type_of(item: &Disk) -> Plain {
    Plain::Disk(last_of(item.r#type.as_ref()).unwrap_or(UNKNOWN).to_owned())
}

/// Maps a disk.
///
/// # Errors
/// `Internal`: it cannot be serialised.
pub(crate) fn disk(scope: &Scope, home: &Home, item: &Disk) -> Result<Object> {
    let native = home.path("disks", &item.name);
    let kind = type_of(item);
    let pairs = Pairs::of(&native)
        .maybe("uid", item.id.clone())
        .with("name", item.name.as_str())
        .home(home)
        .maybe("createdAt", item.creation_timestamp.clone())
        .labels(item.labels.as_ref())
        .maybe("status", item.status.clone())
        .maybe("sizeGb", item.size_gb.clone())
        .maybe("physicalBlockSizeBytes", item.physical_block_size_bytes.clone())
        .maybe("provisionedIops", item.provisioned_iops.clone())
        .maybe("provisionedThroughput", item.provisioned_throughput.clone())
        .maybe("architecture", item.architecture.clone())
        .maybe("accessMode", item.access_mode.clone())
        .list("replicaZones", names(item.replica_zones.as_ref()))
        .list("instances", names(item.users.as_ref()));
    Object::encode(&ResourceInfo {
        resource_id: scope.id(Kind::Resource, &native),
        resource_pool_id: home.pool_id(scope),
        resource_type_id: kind.id(scope),
        global_asset_id: Some(Home::asset(&native)),
        description: described(item.description.as_ref(), || {
            format!("Disk {} in {} of project {}", item.name, home.place.name(), home.project)
        }),
        elements: Vec::new(),
        tags: Vec::new(),
        groups: Vec::new(),
        extensions: pairs.done(),
    })
}

/// Returns the names that URLs end with, in order: the cloud promises none.
fn names(urls: Option<&Vec<String>>) -> Vec<Value> {
    let mut names: Vec<&str> = urls.into_iter().flatten().map(|url| last(url)).collect();
    names.sort_unstable();
    names.into_iter().map(Into::into).collect()
}
