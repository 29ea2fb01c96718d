//! A door for the fuzz targets: one answer of the API -> the objects that it makes, by the code that a look runs.

use crate::client::read;
use crate::error;
use crate::map::{Facts, Place, Report, Scope, stock};
use crate::wire::{
    Disk, Flat, Group, Instance, MachineType, Members, Network, Page, Region, Scoped, Subnetwork, Zone,
};
use bytes::Bytes;
use http::HeaderMap;
use netweave_http::ApiAnswer;
use netweave_model::{Id, Object, Result, SourceName};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Reads an answer as that of each call, and makes of each what a look would.
///
/// # Errors
/// Inside: as a look.
pub fn answers(status: u16, body: &[u8]) -> Vec<Result<Vec<Object>>> {
    let body = Bytes::copy_from_slice(body);
    let answer =
        &ApiAnswer { status, headers: HeaderMap::new(), retry_after: None, body, trailers: HeaderMap::new() };
    vec![
        flat(answer, |regions: Vec<Region>| Report { regions, ..report() }),
        flat(answer, |zones: Vec<Zone>| Report { zones, ..report() }),
        flat(answer, |networks: Vec<Network>| Report { networks, ..report() }),
        scoped(answer, |instances: Vec<(Place, Instance)>| Report { instances, ..report() }),
        scoped(answer, |disks: Vec<(Place, Disk)>| Report { disks, ..report() }),
        scoped(answer, |subnetworks: Vec<(Place, Subnetwork)>| Report { subnetworks, ..report() }),
        scoped(answer, |groups: Vec<(Place, Group)>| {
            let groups = groups.into_iter().map(|(place, group)| (place, group, Vec::new()));
            Report { groups: groups.collect(), ..report() }
        }),
        members(answer),
        machine_type(answer),
    ]
}

fn report() -> Report {
    Report { project: "ran-core".to_owned(), ..Report::default() }
}

fn objects(report: &Report, facts: &Facts) -> Result<Vec<Object>> {
    let scope = Scope { source: SourceName::from("gcp-1"), o_cloud_id: Id::from("cloud") };
    Ok(stock(&scope, [report], facts)?.objects.into_values().flatten().collect())
}

fn page<P: Page>(answer: &ApiAnswer) -> Result<P> {
    let page: P = read("", answer)?;
    page.check()?;
    Ok(page)
}

fn flat<T: DeserializeOwned>(answer: &ApiAnswer, into: fn(Vec<T>) -> Report) -> Result<Vec<Object>> {
    let page: Flat<T> = page(answer)?;
    objects(&into(page.into_items().collect()), &Facts::new())
}

fn scoped<T: DeserializeOwned>(
    answer: &ApiAnswer,
    into: fn(Vec<(Place, T)>) -> Report,
) -> Result<Vec<Object>> {
    let page: Scoped<T> = page(answer)?;
    for missing in page.missing() {
        Place::within(missing).ok_or_else(|| error::incomplete(missing))?;
    }
    let items = page.into_items().filter_map(|(place, item)| Some((Place::parse(&place)?, item)));
    objects(&into(items.collect()), &Facts::new())
}

/// A group of which the answer names the members, with one instance that is none of them.
fn members(answer: &ApiAnswer) -> Result<Vec<Object>> {
    let page: Members = page(answer)?;
    let urls = page.managed_instances.into_iter().flatten().filter_map(|member| member.instance);
    let members = urls.filter_map(|url| crate::read::below_projects(&url)).collect();
    let place = || Place::Zone { region: "europe-west3".to_owned(), zone: "europe-west3-a".to_owned() };
    let groups = vec![(place(), Group { name: "g".to_owned(), ..Group::default() }, members)];
    let instances = vec![(place(), Instance { name: "a".to_owned(), ..Instance::default() })];
    objects(&Report { instances, groups, ..report() }, &Facts::new())
}

fn machine_type(answer: &ApiAnswer) -> Result<Vec<Object>> {
    let facts: MachineType = read("", answer)?;
    let place = Place::Zone { region: "europe-west3".to_owned(), zone: "europe-west3-a".to_owned() };
    let instance = Instance {
        name: "a".to_owned(),
        machine_type: Some(format!("x/machineTypes/{}", facts.name)),
        ..Instance::default()
    };
    let known = Facts::from([(facts.name.clone(), Some(Arc::new(facts)))]);
    objects(&Report { instances: vec![(place, instance)], ..report() }, &known)
}
