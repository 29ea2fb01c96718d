//! VMware: `vim_rs`, which is generated from VMware's own description, beside the backend, on the simulator of govmomi.

mod map;
mod sdk;
mod tree;

use crate::harness::vcsim::{USER, Vcsim};
use crate::ours::{self, Attributes, Still};
use crate::table::Table;
use netweave_model::{Id, Kind};
use netweave_vmware::{Conf, Served, Vmware};
use serde_json::Value;
use std::sync::Arc;

/// Compares a vCenter with something of everything, and a host alone.
pub(crate) async fn compare(table: &mut Table) {
    let options = ["-dc", "2", "-cluster", "2", "-host", "2", "-pool", "1", "-folder", "1", "-furnished"];
    on(table, &options).await;
    on(table, &["-esx", "-furnished"]).await;
}

async fn on(table: &mut Table, options: &[&str]) {
    let vcsim = Vcsim::start(options).await.expect("vcsim");
    let password = std::fs::read_to_string(vcsim.password_file()).expect("the password");
    let report = sdk::report(&vcsim.url(), &vcsim.ca(), USER, &password).await;
    let conf = Conf {
        name: "vc".to_owned(),
        url: vcsim.url(),
        username: USER.to_owned(),
        password_file: vcsim.password_file(),
        ca: Some(vcsim.ca()),
        resources: Served::all(),
        service_uri: None,
    };
    let backend = Vmware::connect(&conf, &Id::from("cloud"), Arc::new(Still)).await.expect("a backend");
    table.compare("vmware", &ours::stock(&backend, sift).await, &map::stock(&report));
}

fn sift(kind: Kind, attributes: &mut Attributes) -> &'static str {
    attributes.remove("description");
    let of = attributes.get("extensions").and_then(|extensions| extensions.get("managedType"));
    match (kind, of.and_then(Value::as_str)) {
        (Kind::Resource, Some("HostSystem")) => "host",
        (Kind::Resource, Some("VirtualMachine")) => "machine",
        (Kind::Resource, Some("Datastore")) => "datastore",
        (Kind::Resource, _) => "network",
        (Kind::ResourceType, _) => "type",
        (Kind::ResourcePool, Some("ResourcePool" | "VirtualApp")) => "resource pool",
        (Kind::ResourcePool, _) => "whole of a site",
        (Kind::OCloudSite, _) => "site",
        (Kind::Location, _) => "datacenter",
        (Kind::DeploymentManager, _) => "server",
        (Kind::AlarmDictionary | Kind::PerformanceDictionary, _) => panic!("{kind}"),
    }
}
