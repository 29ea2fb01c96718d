//! Hosts, virtual machines, datastores and networks -> resources.

use super::kind::TypeKey;
use super::place::Place;
use super::{Scope, native};
use crate::entity::Entity;
use crate::soap::{Family, Ref};
use netweave_model::domain::{KeyValuePairs, ResourceInfo};
use netweave_model::{Id, Kind, Object, Result};
use serde_json::{Value, json};

/// Returns the identifier of a resource.
pub(crate) fn id(scope: &Scope, object: &Ref) -> Id {
    scope.id(Kind::Resource, &native(object))
}

/// Maps a resource that lies in a pool. Notes of people, addresses of management controllers and credentials stay out.
pub(crate) fn resource(scope: &Scope, object: &Ref, entity: &Entity, pool: &Place) -> Result<Object> {
    let name = entity.name.clone().unwrap_or_else(|| object.value.to_string());
    let of = match object.family {
        Family::Host => "Host",
        Family::Machine => "Virtual machine",
        Family::Datastore => "Datastore",
        Family::Network | Family::Folder | Family::Datacenter | Family::Compute | Family::Pool => "Network",
    };
    Object::encode(&ResourceInfo {
        resource_id: id(scope, object),
        resource_pool_id: pool.pool_id(scope),
        resource_type_id: TypeKey::of(object.family, entity).id(scope),
        global_asset_id: asset(object.family, entity),
        description: format!("{of} {name} of vCenter {}", scope.source),
        elements: Vec::new(),
        tags: Vec::new(),
        groups: Vec::new(),
        extensions: extensions(scope, object, entity, &name),
    })
}

fn extensions(scope: &Scope, object: &Ref, entity: &Entity, name: &str) -> KeyValuePairs {
    let mut pairs = entity.facts.clone();
    pairs.insert("nativeId".to_owned(), json!(&*object.value));
    pairs.insert("managedType".to_owned(), json!(&*entity.subtype));
    pairs.insert("name".to_owned(), json!(name));
    if object.family == Family::Machine {
        let ids = |refs: &[Ref]| -> Value {
            let mut ids: Vec<Id> =
                refs.iter().filter(|of| scope.serves(of.family)).map(|of| id(scope, of)).collect();
            ids.sort_unstable();
            json!(ids)
        };
        pairs.insert("datastores".to_owned(), ids(&entity.datastores));
        pairs.insert("networks".to_owned(), ids(&entity.networks));
        if let Some(host) = entity.links.host.as_ref().filter(|host| scope.serves(host.family)) {
            pairs.insert("host".to_owned(), json!(id(scope, host)));
        }
    }
    pairs
}

/// The number that the maker or the hypervisor gave it.
fn asset(family: Family, entity: &Entity) -> Option<String> {
    let inside = |key: &str, part: &str| entity.facts.get(key)?.get(part)?.as_str().map(str::to_owned);
    let urn = |uuid: &str| format!("urn:uuid:{}", uuid.to_lowercase());
    match family {
        Family::Host => inside("system", "serialNumber")
            .or_else(|| inside("system", "serviceTag"))
            .or_else(|| inside("hardware", "uuid").map(|uuid| urn(&uuid))),
        Family::Machine => entity.text("instanceUuid").map(urn),
        Family::Datastore => entity.text("url").map(str::to_owned),
        Family::Network | Family::Folder | Family::Datacenter | Family::Compute | Family::Pool => None,
    }
}
