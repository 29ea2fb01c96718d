//! The tables agree with the domain types, and paths lead where they should.

use super::*;
use crate::domain::{
    AlarmChangeType, AlarmDefinition, AlarmDictionary, CivicAddressElement, ClearingType, CloudInfo,
    DeploymentManagerInfo, Info, KeyValuePairs, LocationInfo, MeasurementDefinition, OCloudSiteInfo,
    PerformanceDictionary, Point, ProbableCause, ResourceClass, ResourceInfo, ResourceKind, ResourcePoolInfo,
    ResourceTypeInfo, StandardReference,
};
use serde_json::{Value, json};

fn map() -> KeyValuePairs {
    KeyValuePairs::from_iter([("k".to_owned(), json!(1))])
}

/// Checks one value against its table: nothing unknown, nothing mandatory missing, the shapes as said.
fn check(table: &Table, value: &Value, seen: &mut Vec<String>) {
    let object = value.as_object().unwrap();
    for (name, value) in object {
        let attribute =
            table.get(name).unwrap_or_else(|| panic!("{}/{name} is not in the table", table.name));
        seen.push(format!("{}/{name}", table.name));
        match attribute.shape {
            Shape::Simple(scalar) => check_scalar(scalar, value),
            Shape::Object(table) => check(table, value, seen),
            Shape::SimpleArray(scalar) => {
                value.as_array().unwrap().iter().for_each(|value| check_scalar(scalar, value));
            }
            Shape::ObjectArray(table) => {
                value.as_array().unwrap().iter().for_each(|value| check(table, value, seen));
            }
            Shape::Map => assert!(value.is_object(), "{name}"),
        }
    }
    for attribute in table.attributes.iter().filter(|attribute| attribute.mandatory) {
        assert!(object.contains_key(attribute.name), "{}/{}", table.name, attribute.name);
    }
}

fn check_scalar(scalar: Scalar, value: &Value) {
    match scalar {
        Scalar::Text | Scalar::Identifier | Scalar::Uri | Scalar::Uuid => {
            assert!(value.is_string(), "{value}");
        }
        Scalar::Number => assert!(value.is_number(), "{value}"),
        Scalar::Integer => assert!(value.is_i64() || value.is_u64(), "{value}"),
        Scalar::Enum(values) => assert!(values.contains(&value.as_str().unwrap()), "{value}"),
    }
}

/// Checks a full object, and that it names every attribute of its tables but the given ones.
fn check_full(target: Target, value: &Value, unsent: &[&str]) {
    let mut seen = Vec::new();
    check(target.table(), value, &mut seen);
    let mut tables = vec![target.table()];
    let mut done: Vec<&str> = Vec::new();
    while let Some(table) = tables.pop() {
        if done.contains(&table.name) {
            continue;
        }
        done.push(table.name);
        for attribute in table.attributes {
            let path = format!("{}/{}", table.name, attribute.name);
            if unsent.contains(&attribute.name) {
                continue;
            }
            assert!(seen.contains(&path), "{path} is in the table only");
            if let Place::Table(inner) = Place::of(attribute) {
                tables.push(inner);
            }
        }
    }
}

fn check_info<T: Info>(info: &T, unsent: &[&str]) {
    check_full(Target::Inventory(T::KIND), &serde_json::to_value(info).unwrap(), unsent);
    assert_eq!(Target::Inventory(T::KIND).table().name, T::KIND.type_name());
}

#[test]
fn the_tables_of_places_agree_with_the_domain_types() {
    check_info(
        &LocationInfo {
            global_location_id: "l".into(),
            name: "n".into(),
            description: "d".into(),
            o_cloud_site_ids: vec!["s".into()],
            coordinate: Some(Point::new(13.4, 52.5)),
            civic_address: vec![CivicAddressElement { ca_type: 24, ca_value: "10115".into() }],
            address: Some("a".into()),
            extensions: map(),
        },
        &[],
    );
    check_info(
        &OCloudSiteInfo {
            o_cloud_site_id: "s".into(),
            global_location_id: "l".into(),
            name: "n".into(),
            description: "d".into(),
            resource_pools: vec!["p".into()],
            extensions: map(),
        },
        &[],
    );
    let cloud = CloudInfo {
        o_cloud_id: "o".into(),
        global_cloud_id: "g".into(),
        name: "n".into(),
        description: "d".into(),
        service_uri: "https://x".into(),
        extensions: map(),
    };
    check_full(Target::Cloud, &serde_json::to_value(cloud).unwrap(), &["globalcloudId"]);
}

#[test]
fn the_tables_of_resources_agree_with_the_domain_types() {
    let part = ResourceInfo {
        resource_id: "r".into(),
        resource_pool_id: "p".into(),
        resource_type_id: "t".into(),
        global_asset_id: Some("a".into()),
        description: "d".into(),
        elements: vec![],
        tags: vec!["x".into()],
        groups: vec!["y".into()],
        extensions: map(),
    };
    check_info(&ResourceInfo { elements: vec![part.clone()], ..part }, &[]);
    check_info(
        &ResourcePoolInfo {
            resource_pool_id: "p".into(),
            o_cloud_id: "o".into(),
            global_location_id: "l".into(),
            name: "n".into(),
            o_cloud_site_id: "s".into(),
            description: "d".into(),
            location: Some("x".into()),
            extensions: map(),
        },
        &[],
    );
    check_info(
        &ResourceTypeInfo {
            resource_type_id: "t".into(),
            name: "n".into(),
            description: "d".into(),
            vendor: "v".into(),
            model: "m".into(),
            version: "1".into(),
            alarm_dictionary_id: Some("a".into()),
            performance_dictionary_id: Some("p".into()),
            resource_kind: ResourceKind::Physical,
            resource_class: ResourceClass::Compute,
            extensions: map(),
        },
        &["alarmDictionary"],
    );
}

#[test]
fn the_table_of_deployment_managers_agrees_with_the_domain_type() {
    check_info(
        &DeploymentManagerInfo {
            deployment_manager_id: "m".into(),
            name: "n".into(),
            description: "d".into(),
            o_cloud_id: "o".into(),
            service_uri: "https://x".into(),
            supported_locations: vec!["l".into()],
            capabilities: map(),
            capacity: map(),
            extensions: map(),
        },
        &[],
    );
}

#[test]
fn the_tables_of_dictionaries_agree_with_the_domain_types() {
    let reference = StandardReference {
        standard_definition_organization: "o".into(),
        standard_specification: "s".into(),
        version_or_release: "v".into(),
    };
    check_info(
        &AlarmDictionary {
            alarm_dictionary_id: "a".into(),
            alarm_dictionary_version: "1".into(),
            alarm_dictionary_schema_version: "1".into(),
            entity_type: "e".into(),
            vendor: "v".into(),
            management_interface_id: vec!["O2IMS".into()],
            pk_notification_field: vec!["alarmDefinitionId".into()],
            alarm_definition: vec![AlarmDefinition {
                alarm_definition_id: uuid::Uuid::nil(),
                alarm_name: "n".into(),
                alarm_last_change: "1".into(),
                alarm_change_type: AlarmChangeType::Added,
                alarm_description: "d".into(),
                proposed_repair_actions: "r".into(),
                clearing_type: ClearingType::Automatic,
                management_interface_id: vec!["O2IMS".into()],
                pk_notification_field: vec!["alarmDefinitionId".into()],
                alarm_additional_fields: map(),
            }],
            probable_causes: vec![ProbableCause {
                probable_cause_code: "c".into(),
                probable_cause_description: "d".into(),
                standard_reference: Some(reference.clone()),
            }],
        },
        &[],
    );
    check_info(
        &PerformanceDictionary {
            performance_dictionary_id: "p".into(),
            performance_dictionary_version: "1".into(),
            performance_dictionary_schema_version: "1".into(),
            vendor_software_product: "v".into(),
            supported_interfaces: vec!["O2IMS".into()],
            supported_measurements: vec![MeasurementDefinition {
                performance_measurement_definition_id: "d".into(),
                performance_measurement_id: "m".into(),
                standard_reference: Some(reference),
                supported_interfaces: vec!["O2IMS".into()],
                measurement_definition: map(),
                extensions: map(),
            }],
        },
        &[],
    );
}

#[test]
fn every_kind_has_the_attribute_that_identifies_it() {
    for kind in Kind::ALL {
        let attribute = Target::Inventory(kind).table().get(kind.id_attribute()).unwrap();
        assert!(attribute.mandatory && attribute.is_simple());
    }
}
