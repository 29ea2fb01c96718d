//! Storage classes -> resource types of class STORAGE.

use super::kind::UNKNOWN;
use super::{Scope, extensions, named};
use k8s_openapi::api::storage::v1::StorageClass;
use netweave_model::domain::{ResourceClass, ResourceKind, ResourceTypeInfo};
use netweave_model::{Id, Kind, Object, Result};
use serde_json::json;

const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// Returns the identifier of a storage class's type.
pub(crate) fn id(scope: &Scope, name: &str) -> Id {
    scope.id(Kind::ResourceType, &format!("storage/{name}"))
}

/// Maps a storage class. Parameters that name secrets stay out.
pub(crate) fn class(scope: &Scope, class: &StorageClass) -> Result<Object> {
    let name = named(&class.metadata)?;
    let mut pairs = extensions(&class.metadata, name);
    let annotations = class.metadata.annotations.as_ref();
    let default = annotations.and_then(|all| all.get(DEFAULT_CLASS)).is_some_and(|value| value == "true");
    let parameters: serde_json::Map<_, _> = class
        .parameters
        .iter()
        .flatten()
        .filter(|(key, _)| {
            !["secret", "password", "token", "key"].iter().any(|word| key.to_lowercase().contains(word))
        })
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    for (key, value) in [
        ("default", json!(default)),
        ("parameters", json!(parameters)),
        ("reclaimPolicy", json!(class.reclaim_policy.as_deref().unwrap_or("Delete"))),
        ("volumeBindingMode", json!(class.volume_binding_mode.as_deref().unwrap_or("Immediate"))),
        ("allowVolumeExpansion", json!(class.allow_volume_expansion.unwrap_or(false))),
    ] {
        pairs.insert(key.to_owned(), value);
    }
    Object::encode(&ResourceTypeInfo {
        resource_type_id: id(scope, name),
        name: name.to_owned(),
        description: format!("Storage class {name} of cluster {}", scope.source),
        vendor: class.provisioner.clone(),
        model: name.to_owned(),
        version: UNKNOWN.to_owned(),
        alarm_dictionary_id: None,
        performance_dictionary_id: None,
        resource_kind: ResourceKind::Logical,
        resource_class: ResourceClass::Storage,
        extensions: pairs,
    })
}
