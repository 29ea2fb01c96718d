use super::*;
use crate::entity::Entity;
use crate::inventory::tests::scope;
use crate::map::kind::TypeKey;
use crate::map::place::Place;
use netweave_model::domain::ResourceInfo;
use serde_json::{Value, json};

fn object(family: Family, value: &str) -> Ref {
    Ref { family, value: value.into() }
}

fn entity(facts: &Value) -> Entity {
    Entity {
        name: Some("esx-1".to_owned()),
        subtype: "X".into(),
        facts: facts.as_object().cloned().unwrap_or_default(),
        ..Entity::default()
    }
}

fn mapped(of: &Ref, entity: &Entity) -> ResourceInfo {
    let object = resource::resource(&scope(), of, entity, &Place::Default).unwrap();
    assert_eq!(object.parent.as_ref(), Some(&Place::Default.pool_id(&scope())));
    serde_json::from_slice(&object.json).unwrap()
}

#[test]
fn a_resource_has_all_that_is_known_and_a_stable_id() {
    let host = object(Family::Host, "host-1");
    let info = mapped(&host, &entity(&json!({"powerState": "poweredOn", "system": {"serialNumber": "S1"}})));
    assert_eq!(info.resource_id, scope().id(Kind::Resource, "host/host-1"));
    assert_eq!(info.global_asset_id.as_deref(), Some("S1"));
    assert_eq!(info.description, "Host esx-1 of vCenter vc");
    assert_eq!(
        json!(info.extensions),
        json!({
            "name": "esx-1", "nativeId": "host-1", "managedType": "X", "powerState": "poweredOn",
            "system": {"serialNumber": "S1"},
        })
    );
}

#[test]
fn the_asset_is_the_best_number_there_is() {
    for (family, facts, asset) in [
        (Family::Host, json!({"system": {"serviceTag": "T"}, "hardware": {"uuid": "A-B"}}), Some("T")),
        (Family::Host, json!({"hardware": {"uuid": "A-B"}}), Some("urn:uuid:a-b")),
        (Family::Host, json!({}), None),
        (Family::Machine, json!({"uuid": "x", "instanceUuid": "C-D"}), Some("urn:uuid:c-d")),
        (Family::Datastore, json!({"url": "ds:///vmfs/volumes/1/"}), Some("ds:///vmfs/volumes/1/")),
        (Family::Network, json!({}), None),
    ] {
        let info = mapped(&object(family, "o"), &entity(&facts));
        assert_eq!(info.global_asset_id.as_deref(), asset, "{facts}");
    }
}

#[test]
fn a_machine_names_its_host_and_parts_by_their_ids_if_they_are_served() {
    let refs = |family, names: &[&str]| names.iter().map(|name| object(family, name)).collect();
    let mut machine = entity(&json!({}));
    machine.datastores = refs(Family::Datastore, &["d1", "d2"]);
    machine.networks = refs(Family::Network, &["n1"]);
    machine.links.host = Some(object(Family::Host, "h1"));
    let info = mapped(&object(Family::Machine, "vm-1"), &machine);
    assert_eq!(info.extensions["datastores"].as_array().unwrap().len(), 2);
    assert_eq!(info.extensions["host"], json!(resource::id(&scope(), &object(Family::Host, "h1"))));
    let only = Scope { served: [Served::VirtualMachines].into_iter().collect(), ..scope() };
    let object =
        resource::resource(&only, &object(Family::Machine, "vm-1"), &machine, &Place::Default).unwrap();
    let info: ResourceInfo = serde_json::from_slice(&object.json).unwrap();
    assert_eq!(info.extensions["datastores"], json!([]));
    assert!(!info.extensions.contains_key("host"));
}

#[test]
fn a_shape_is_told_in_whole_gibibytes_if_it_can_be() {
    for (facts, model) in [
        (json!({"cpus": 4, "memoryMiB": 16384}), "4 CPU, 16 GiB"),
        (json!({"cpus": 1, "memoryMiB": 1536}), "1 CPU, 1536 MiB"),
        (json!({"cpus": 1}), "unknown"),
    ] {
        assert_eq!(TypeKey::of(Family::Machine, &entity(&facts)).model, model);
    }
}
