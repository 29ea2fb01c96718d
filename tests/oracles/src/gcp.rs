//! Google Compute Engine: Google's own client for Rust beside the backend, on the peer that holds itself to the discovery document.

mod client;
mod map;
mod resources;
mod stage;

use crate::harness::compute::Compute;
use crate::ours::{self, Attributes, Still};
use crate::table::Table;
use client::Client;
use netweave_gcp::{Conf, Family, Gcp, Pools};
use netweave_model::unit::Span;
use netweave_model::{Id, Kind};
use serde_json::Value;
use std::sync::Arc;

const PROJECT: &str = "ran-core";

/// Compares one project, with groups as pools.
pub(crate) async fn compare(table: &mut Table) {
    let compute = Compute::start(&[PROJECT]).expect("Compute Engine");
    stage::furnish(&compute).await;
    let client = Client::connect(&format!("http://{}", compute.address()), &compute.credentials());
    let theirs = client.stock().await;
    let conf = Conf {
        name: "gcp-1".to_owned(),
        projects: vec![PROJECT.to_owned()],
        regions: Vec::new(),
        credentials_file: Some(compute.credentials()),
        resources: Family::all(),
        pools: Pools::ManagedInstanceGroups,
        poll: Span::seconds(30),
        endpoint: Some(format!("http://{}", compute.address())),
        ca: None,
    };
    let backend = Gcp::open(&conf, &Id::from("cloud"), Arc::new(Still)).expect("a backend");
    table.compare("gcp", &ours::stock(&backend, sift).await, &theirs);
}

fn sift(kind: Kind, attributes: &mut Attributes) -> &'static str {
    let extensions = attributes.get("extensions").cloned().unwrap_or_default();
    let native = extensions.get("nativeId").and_then(Value::as_str).unwrap_or_default();
    let object = match kind {
        Kind::Resource if native.contains("/instances/") => "instance",
        Kind::Resource if native.contains("/disks/") => "disk",
        Kind::Resource if native.contains("/networks/") => "network",
        Kind::Resource => "subnetwork",
        Kind::ResourceType if native.starts_with("machineTypes/") => "machine type",
        Kind::ResourceType => "other type",
        Kind::ResourcePool if native.contains("/instanceGroupManagers/") => "group",
        Kind::ResourcePool if native.contains("/zones/") => "zone",
        Kind::ResourcePool => "what is in no zone",
        Kind::Location => "region",
        Kind::OCloudSite => "project",
        Kind::DeploymentManager | Kind::AlarmDictionary | Kind::PerformanceDictionary => panic!("{kind}"),
    };
    // Where Google has one, it is told; the rest are sentences of the backend's own, and addresses a table of its own.
    if ["other type", "zone", "what is in no zone"].contains(&object) {
        attributes.remove("description");
    }
    attributes.remove("address");
    object
}
