use super::*;
use crate::wire::{Disk, Group, Instance, Network, Region, Subnetwork, Zone};
use netweave_model::domain::{LocationInfo, OCloudSiteInfo, ResourceInfo, ResourcePoolInfo};
use netweave_model::{Object, ObjectKey};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

fn scope() -> Scope {
    Scope { source: SourceName::from("gcp-1"), o_cloud_id: Id::from("cloud") }
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn place(text: &str) -> Place {
    Place::parse(text).unwrap()
}

fn machine(name: &str) -> Instance {
    let machine =
        "https://www.googleapis.com/compute/v1/projects/p/zones/europe-west3-a/machineTypes/e2-small";
    read(json!({ "name": name, "machineType": machine, "status": "RUNNING" }))
}

fn report(project: &str) -> Report {
    let zone = place("zones/europe-west3-a");
    let region = place("regions/europe-west3");
    Report {
        project: project.to_owned(),
        regions: vec![read::<Region>(json!({ "name": "europe-west3", "status": "UP" }))],
        zones: vec![
            read::<Zone>(
                json!({ "name": "europe-west3-a", "status": "UP", "availableCpuPlatforms": ["B", "A"] }),
            ),
            read::<Zone>(json!({ "name": "europe-west3-b", "status": "DOWN" })),
        ],
        instances: vec![(zone.clone(), machine("a")), (zone.clone(), machine("b"))],
        disks: vec![
            (zone.clone(), read::<Disk>(json!({ "name": "d", "type": "x/diskTypes/pd-ssd" }))),
            (region.clone(), read::<Disk>(json!({ "name": "d", "type": "x/diskTypes/pd-ssd" }))),
        ],
        networks: vec![read::<Network>(json!({ "name": "n" }))],
        subnetworks: vec![(region, read::<Subnetwork>(json!({ "name": "n" })))],
        groups: vec![(
            zone,
            read::<Group>(json!({ "name": "g", "targetSize": 1 })),
            vec![format!("projects/{project}/zones/europe-west3-a/instances/b")],
        )],
        ..Report::default()
    }
}

fn all(reports: &[Report]) -> BTreeMap<ObjectKey, Object> {
    let stock = stock(&scope(), reports, &Facts::new()).unwrap();
    let objects = stock.objects.into_values().flatten();
    objects.map(|object| (object.key.clone(), object)).collect()
}

fn one<T: DeserializeOwned>(objects: &BTreeMap<ObjectKey, Object>, kind: Kind, native: &str) -> T {
    let id = scope().id(kind, native);
    serde_json::from_slice(&objects[&ObjectKey { kind, id }].json).unwrap()
}

#[test]
fn what_is_made_does_not_depend_on_the_order() {
    let forth = vec![report("ran-core"), report("ran-edge")];
    let mut back = forth.clone();
    back.reverse();
    for report in &mut back {
        report.zones.reverse();
        report.instances.reverse();
        report.disks.reverse();
    }
    assert_eq!(all(&forth), all(&back));
}

#[test]
fn projects_in_regions_are_sites_and_zones_are_pools() {
    let objects = all(&[report("ran-core"), report("ran-edge")]);
    let site: OCloudSiteInfo = one(&objects, Kind::OCloudSite, "ran-core/europe-west3");
    // Two zones, the region's own, and the group.
    assert_eq!((site.name.as_str(), site.resource_pools.len()), ("ran-core/europe-west3", 4));
    let region: LocationInfo = one(&objects, Kind::Location, "europe-west3");
    assert_eq!((region.o_cloud_site_ids.len(), region.address.as_deref()), (2, Some("Frankfurt, Germany")));
    assert_eq!(region.coordinate.unwrap().coordinates[1].to_bits(), 50.1109_f64.to_bits());
    let nowhere: LocationInfo = one(&objects, Kind::Location, "global");
    assert_eq!((nowhere.coordinate, nowhere.address.as_deref()), (None, Some("global")));
    let zone: ResourcePoolInfo = one(&objects, Kind::ResourcePool, "projects/ran-core/zones/europe-west3-a");
    assert_eq!(zone.o_cloud_site_id, site.o_cloud_site_id);
    assert_eq!(zone.extensions["availableCpuPlatforms"], json!(["A", "B"]));
    let empty: ResourcePoolInfo = one(&objects, Kind::ResourcePool, "projects/ran-core/zones/europe-west3-b");
    assert_eq!(empty.extensions["status"], "DOWN");
}

#[test]
fn members_of_a_group_are_in_its_pool_and_disks_of_one_name_are_two() {
    let objects = all(&[report("ran-core")]);
    let zone = "projects/ran-core/zones/europe-west3-a";
    let group: ResourcePoolInfo =
        one(&objects, Kind::ResourcePool, &format!("{zone}/instanceGroupManagers/g"));
    let member: ResourceInfo = one(&objects, Kind::Resource, &format!("{zone}/instances/b"));
    assert_eq!((member.resource_pool_id, member.groups), (group.resource_pool_id, vec!["g".to_owned()]));
    let other: ResourceInfo = one(&objects, Kind::Resource, &format!("{zone}/instances/a"));
    assert_eq!(other.resource_pool_id, scope().id(Kind::ResourcePool, zone));
    let zonal: ResourceInfo = one(&objects, Kind::Resource, &format!("{zone}/disks/d"));
    let regional: ResourceInfo =
        one(&objects, Kind::Resource, "projects/ran-core/regions/europe-west3/disks/d");
    assert_ne!(zonal.resource_id, regional.resource_id);
    assert_eq!(zonal.resource_type_id, regional.resource_type_id);
}

/// Counters, times and fingerprints that the cloud renews are not read, so they change nothing.
#[test]
fn what_changes_without_a_change_is_not_told() {
    let home = Home { project: "p".to_owned(), place: place("zones/europe-west3-a"), group: None };
    let told = |volatile: &str| {
        let item = json!({
            "name": "a", "status": "RUNNING", "fingerprint": volatile, "labelFingerprint": volatile,
            "lastStartTimestamp": volatile, "lastStopTimestamp": volatile, "metadata": { "fingerprint": volatile },
            "resourceStatus": { "upcomingMaintenance": { "canReschedule": true } }, "satisfiesPzs": volatile.len() > 1,
        });
        instance(&scope(), &home, &read(item)).unwrap()
    };
    assert_eq!(told("1"), told("22"));
}

#[test]
fn words_of_people_are_kept_and_sentences_stand_in() {
    let home = Home { project: "p".to_owned(), place: place("zones/europe-west3-a"), group: None };
    let told = |description: &str| -> ResourceInfo {
        let item = read(json!({ "name": "a", "description": description }));
        serde_json::from_slice(&instance(&scope(), &home, &item).unwrap().json).unwrap()
    };
    assert_eq!(told("Central unit").description, "Central unit");
    assert_eq!(told(" ").description, "Virtual machine a in europe-west3-a of project p");
}

#[test]
fn places_that_could_not_be_read_stay_as_they_were() {
    let zone = Place::parse("zones/europe-west3-a").unwrap();
    let (last, missing) = (report("ran-core"), BTreeSet::from([zone.clone()]));
    let mut now = Report { missing: missing.clone(), ..report("ran-core") };
    now.instances.retain(|(place, _)| *place != zone);
    now.groups.clear();
    now.disks.retain(|(place, _)| *place == zone);
    let disks = now.disks.len();
    let mut first = now.clone();
    now.bridge(Some(&last));
    assert!(now.unknown.is_empty());
    assert_eq!((now.instances.len(), now.groups.len()), (last.instances.len(), last.groups.len()));
    assert_eq!(now.disks.len(), disks, "what is in other places is as it is now");
    first.bridge(None);
    assert_eq!(first.unknown, missing);
    let mut second = Report { missing: missing.clone(), ..report("ran-core") };
    second.bridge(Some(&first));
    assert_eq!(second.unknown, missing, "it was not read by then");
}
