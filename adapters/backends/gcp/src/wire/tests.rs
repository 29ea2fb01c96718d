//! What answers are that say something else than they should: refused as a whole, or read without harm.

use super::*;
use crate::map::{Facts, Place, Report, Scope, stock};
use netweave_model::{Id, Kind, SourceName};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What stands in for a value of an answer.
const STAND_INS: [fn() -> Value; 9] = [
    || Value::Null,
    || json!(true),
    || json!(-1),
    || json!(1.5e300),
    || json!(""),
    || json!("DREAMING"),
    || json!("../../\u{0}\u{202e}\n"),
    || json!([[[]]]),
    || json!({ "name": { "name": [] } }),
];

fn page(collection: &str, item: &Value) -> Value {
    let kind = format!("compute#{collection}AggregatedList");
    json!({ "kind": kind, "items": { "zones/europe-west3-a": { collection: [item, item] } }, "nextPageToken": "t" })
}

/// Returns every document that differs in one place, and where: the place is left out, or something else stands there.
fn variants(document: &Value) -> Vec<(String, Value)> {
    let mut pointers = Vec::new();
    places(document, String::new(), &mut pointers);
    let mut variants = Vec::new();
    for pointer in pointers {
        for stand_in in STAND_INS {
            let mut variant = document.clone();
            *variant.pointer_mut(&pointer).unwrap() = stand_in();
            variants.push((pointer.clone(), variant));
        }
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let mut variant = document.clone();
        if let Some(Value::Object(map)) = variant.pointer_mut(parent) {
            map.remove(&key.replace("~1", "/"));
            variants.push((pointer.clone(), variant));
        }
    }
    variants
}

fn places(value: &Value, at: String, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.replace('/', "~1"), value)).collect(),
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (key, child) in children {
        places(child, format!("{at}/{key}"), found);
    }
    if !at.is_empty() {
        found.push(at);
    }
}

/// Reads a page and maps what it holds; returns the ids of all resources and pools, if it is read at all.
fn read<T: DeserializeOwned>(page: Value, into: fn(&mut Report, Place, T)) -> Option<BTreeSet<Id>> {
    let page: Scoped<T> = serde_json::from_value(page).ok()?;
    page.check().ok()?;
    if page.missing().next().is_some() {
        return None;
    }
    let mut report = Report { project: "ran-core".to_owned(), ..Report::default() };
    for (place, item) in page.into_items() {
        into(&mut report, Place::parse(&place)?, item);
    }
    let scope = Scope { source: SourceName::from("gcp-1"), o_cloud_id: Id::from("cloud") };
    let stock = stock(&scope, &[report], &Facts::new()).unwrap();
    let kinds = [Kind::Resource, Kind::ResourcePool].map(|kind| stock.objects.get(&kind));
    Some(kinds.into_iter().flatten().flatten().map(|object| object.key.id.clone()).collect())
}

/// Whether a place of a page says which objects there are: their names, and the lists of all places and of all objects.
fn names_objects(pointer: &str) -> bool {
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    let in_item = parts.get(4..).unwrap_or_default();
    parts.len() < 3 || in_item == ["name"]
}

fn tried<T: DeserializeOwned>(collection: &str, item: &Value, into: fn(&mut Report, Place, T)) {
    let page = page(collection, item);
    let whole = read(page.clone(), into).expect("the page itself is read");
    let outcomes: Vec<_> = variants(&page)
        .into_iter()
        .map(|(pointer, variant)| {
            let found = read(variant.clone(), into);
            let same = found.as_ref().is_none_or(|found| *found == whole);
            assert!(same || names_objects(&pointer), "{pointer}: {variant}");
            found
        })
        .collect();
    let (read, all) = (outcomes.iter().flatten().count(), outcomes.len());
    assert!(all > 200 && (1..all).contains(&read), "{read} of {all} variants are read");
}

#[test]
fn every_variant_of_a_page_is_refused_or_says_the_same() {
    let url = "https://www.googleapis.com/compute/v1/projects/p/zones/europe-west3-a/x/y";
    let instance = json!({
        "id": "1", "name": "a", "description": "d", "machineType": url, "status": "RUNNING", "labels": { "k": "v" },
        "tags": { "items": ["t"] }, "scheduling": { "provisioningModel": "SPOT", "automaticRestart": false },
        "guestAccelerators": [{ "acceleratorType": url, "acceleratorCount": 1 }],
        "disks": [{ "source": url, "boot": true, "diskSizeGb": "20" }],
        "networkInterfaces": [{ "name": "nic0", "network": url, "networkIP": "10.0.0.1" }],
    });
    tried::<Instance>("instances", &instance, |report, place, item| {
        report.instances.push((place, item));
    });
    let disk = json!({
        "id": "1", "name": "a", "type": url, "sizeGb": "20", "labels": { "k": "v" }, "replicaZones": [url], "users": [url],
        "provisionedIops": "100",
    });
    tried::<Disk>("disks", &disk, |report, place, item| {
        report.disks.push((place, item));
    });
    let subnetwork = json!({
        "id": "1", "name": "a", "network": url, "ipCidrRange": "10.0.0.0/8", "privateIpGoogleAccess": true,
        "secondaryIpRanges": [{ "rangeName": "r", "ipCidrRange": "10.0.0.0/8" }], "description": "d", "purpose": "PRIVATE",
    });
    tried::<Subnetwork>("subnetworks", &subnetwork, |report, place, item| {
        report.subnetworks.push((place, item));
    });
    let group = json!({
        "id": "1", "name": "a", "baseInstanceName": "b", "instanceTemplate": url, "targetSize": 2, "description": "d",
        "distributionPolicy": { "zones": [{ "zone": url }] },
    });
    tried::<Group>("instanceGroupManagers", &group, |report, place, item| {
        report.groups.push((place, item, Vec::new()));
    });
}
