//! Metal3 bare metal hosts -> physical resources.

use super::kind::{Family, TypeKey, UNKNOWN};
use super::place::{self, SiteKey};
use super::{Member, Scope, Share, extensions, named};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use netweave_model::domain::ResourceInfo;
use netweave_model::{Id, Kind, Object, Result};
use serde_json::{Value, json};

/// Returns how the server names bare metal hosts.
pub(crate) fn resource() -> ApiResource {
    ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("metal3.io", "v1alpha1", "BareMetalHost"),
        "baremetalhosts",
    )
}

/// Returns what names a host within the cluster.
pub(crate) fn native(host: &DynamicObject) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}/{}", part(&host.metadata.namespace), part(&host.metadata.name))
}

/// Returns the identifier of a host's resource.
pub(crate) fn id(scope: &Scope, native: &str) -> Id {
    scope.id(Kind::Resource, &format!("host/{native}"))
}

/// Maps a host. The address and credentials of its management controller stay out.
pub(crate) fn host(scope: &Scope, host: &DynamicObject) -> Result<Member> {
    named(&host.metadata)?;
    let native = native(host);
    let hardware = host.data.pointer("/status/hardware").unwrap_or(&Value::Null);
    let text =
        |pointer: &str| hardware.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let share = Share {
        pool: place::pool_of(scope, &host.metadata),
        site: SiteKey::of(&host.metadata),
        kind: TypeKey {
            family: Family::Host,
            vendor: text("/systemVendor/manufacturer").unwrap_or(UNKNOWN).to_owned(),
            model: text("/systemVendor/productName").unwrap_or(UNKNOWN).to_owned(),
            architecture: text("/cpu/arch").unwrap_or(UNKNOWN).to_owned(),
        },
        capacity: Vec::new(),
    };
    let mut pairs = extensions(&host.metadata, &native);
    for (key, pointer) in [
        ("online", "/spec/online"),
        ("bootMacAddress", "/spec/bootMACAddress"),
        ("consumer", "/spec/consumerRef/name"),
        ("poweredOn", "/status/poweredOn"),
        ("operationalStatus", "/status/operationalStatus"),
        ("provisioningState", "/status/provisioning/state"),
        ("errorType", "/status/errorType"),
    ] {
        if let Some(value) = host.data.pointer(pointer).filter(|value| !value.is_null()) {
            pairs.insert(key.to_owned(), value.clone());
        }
    }
    let serial = text("/systemVendor/serialNumber").map(str::to_owned);
    pairs.insert("hardware".to_owned(), hardware_of(hardware));
    let info = ResourceInfo {
        resource_id: id(scope, &native),
        resource_pool_id: place::pool_id(scope, &share.pool),
        resource_type_id: share.kind.id(scope),
        global_asset_id: serial,
        description: format!("Machine {native} of cluster {}", scope.source),
        elements: Vec::new(),
        tags: Vec::new(),
        groups: Vec::new(),
        extensions: pairs,
    };
    Ok(Member { object: Object::encode(&info)?, share })
}

/// Takes the parts of the hardware report that describe hardware, by name, so that nothing else slips through.
fn hardware_of(hardware: &Value) -> Value {
    let mut taken = json!({});
    for part in ["cpu", "firmware", "hostname", "nics", "ramMebibytes", "storage", "systemVendor"] {
        if let (Some(value), Some(map)) = (hardware.get(part), taken.as_object_mut()) {
            map.insert(part.to_owned(), value.clone());
        }
    }
    taken
}
