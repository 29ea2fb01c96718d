//! A door for the fuzz targets: one answer of a service -> the objects that it makes, by the code that a look runs.

use crate::client::read;
use crate::map::inventory::{Inventory, Name};
use crate::map::kind::Sort;
use crate::map::place::{Place, Zones};
use crate::map::{Here, Member, Scope, capacity, instance, network, pool, volume};
use crate::read::put;
use crate::wire::capacity::{CapacityReservations, Hosts};
use crate::wire::group::Groups;
use crate::wire::identity::{Assumed, Caller};
use crate::wire::instance::{InstanceTypes, Instances};
use crate::wire::network::{Subnets, Vpcs};
use crate::wire::place::{Regions, Zone, Zones as ZoneList};
use crate::wire::volume::Volumes;
use crate::wire::{Answer, Page};
use bytes::Bytes;
use http::HeaderMap;
use netweave_http::ApiAnswer;
use netweave_model::{Id, Object, Result, SourceName};
use std::collections::{BTreeMap, HashMap};

const REGION: &str = "us-west-2";

/// Reads an answer as that of each operation, and makes of each what a look would.
///
/// # Errors
/// Inside: as a look.
pub fn answers(status: u16, body: &[u8]) -> Vec<Result<Vec<Object>>> {
    let body = Bytes::copy_from_slice(body);
    let answer =
        ApiAnswer { status, headers: HeaderMap::new(), retry_after: None, body, trailers: HeaderMap::new() };
    vec![
        resources::<Instances>(&answer, Sort::Instance, |here, item| {
            (!instance::is_gone(item)).then(|| (item.instance_id.clone(), instance::instance(here, item)))
        }),
        resources::<Hosts>(&answer, Sort::Host, |here, item| {
            (!capacity::host_is_gone(item)).then(|| (item.host_id.clone(), capacity::host(here, item)))
        }),
        resources::<CapacityReservations>(&answer, Sort::CapacityReservation, |here, item| {
            let id = item.capacity_reservation_id.clone();
            (!capacity::reservation_is_gone(item)).then(|| (id, capacity::reservation(here, item)))
        }),
        resources::<Vpcs>(&answer, Sort::Vpc, |here, item| {
            Some((item.vpc_id.clone(), network::vpc(here, item)))
        }),
        resources::<Subnets>(&answer, Sort::Subnet, |here, item| {
            Some((item.subnet_id.clone(), network::subnet(here, item)))
        }),
        resources::<Volumes>(&answer, Sort::Volume, |here, item| {
            (!volume::is_gone(item)).then(|| (item.volume_id.clone(), volume::volume(here, item)))
        }),
        zones(&answer),
        groups(&answer),
        types(&answer),
        other::<Regions>(&answer),
        other::<Caller>(&answer),
        other::<Assumed>(&answer),
    ]
}

fn scope() -> Scope {
    Scope { source: SourceName::from("aws-1"), o_cloud_id: Id::from("cloud") }
}

fn zone() -> Zone {
    Zone {
        region_name: REGION.to_owned(),
        zone_name: format!("{REGION}a"),
        zone_id: "usw2-az1".to_owned(),
        ..Zone::default()
    }
}

/// Makes an inventory of what `fill` puts into it.
fn inventory(
    zones: Vec<Zone>,
    fill: impl FnOnce(&Here<'_>, &mut Inventory) -> Result<()>,
) -> Result<Vec<Object>> {
    let (scope, zones, groups) = (scope(), Zones::new(zones)?, BTreeMap::new());
    let here =
        Here { scope: &scope, account: "123456789012", region: REGION, zones: &zones, groups: &groups };
    let mut inventory = Inventory::default();
    for zone in zones.iter() {
        inventory.put_pool(pool::zone(&here, zone), Place::of(zone))?;
    }
    fill(&here, &mut inventory)?;
    let whole = inventory.finish(&scope, &HashMap::new())?;
    Ok(whole.objects.into_values().collect())
}

fn resources<T: Page>(
    answer: &ApiAnswer,
    sort: Sort,
    map: impl Fn(&Here<'_>, &T::Item) -> Option<(String, Result<Member>)>,
) -> Result<Vec<Object>> {
    let (items, _) = read::<T>(answer)?.into_parts();
    inventory(vec![zone()], |here, inventory| {
        items.iter().filter_map(|item| map(here, item)).try_for_each(|(id, member)| {
            put(inventory, member?, Name { account: 0, region: REGION.to_owned(), sort, id })
        })
    })
}

fn zones(answer: &ApiAnswer) -> Result<Vec<Object>> {
    inventory(read::<ZoneList>(answer)?.into_parts().0, |_, _| Ok(()))
}

fn groups(answer: &ApiAnswer) -> Result<Vec<Object>> {
    let (groups, _) = read::<Groups>(answer)?.into_parts();
    inventory(vec![zone()], |here, inventory| {
        let region = Place { region: REGION.to_owned(), words: None };
        groups.iter().try_for_each(|group| inventory.put_pool(pool::group(here, group), region.clone()))
    })
}

/// What instance types are made of shows only where there is an instance of each.
fn types(answer: &ApiAnswer) -> Result<Vec<Object>> {
    let (types, _) = read::<InstanceTypes>(answer)?.into_parts();
    let (scope, mut inventory) = (scope(), Inventory::default());
    let zones = Zones::new(vec![zone()])?;
    let here = Here {
        scope: &scope,
        account: "123456789012",
        region: REGION,
        zones: &zones,
        groups: &BTreeMap::new(),
    };
    for (index, item) in types.iter().enumerate() {
        let of_type = crate::wire::instance::Instance {
            instance_id: format!("i-{index}"),
            instance_type: item.instance_type.clone(),
            ..Default::default()
        };
        let name = Name {
            account: 0,
            region: REGION.to_owned(),
            sort: Sort::Instance,
            id: of_type.instance_id.clone(),
        };
        put(&mut inventory, instance::instance(&here, &of_type)?, name)?;
    }
    let details = types.into_iter().map(|item| (item.instance_type.clone(), item)).collect();
    Ok(inventory.finish(&scope, &details)?.objects.into_values().collect())
}

/// Reads what makes no objects.
fn other<T: Answer>(answer: &ApiAnswer) -> Result<Vec<Object>> {
    read::<T>(answer).map(|_| Vec::new())
}
