//! Zones and groups as the SDK lists them, and the places and accounts that follow from them.

use super::resources::{text, time};
use super::sdk::Sdk;
use crate::harness::moto::{ACCOUNT, REGION};
use crate::table::Stock;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What objects refer to.
#[derive(Default)]
pub(super) struct Ground {
    /// Zones by name.
    pub(super) zones: BTreeMap<String, String>,
    /// ARNs of groups by name.
    pub(super) groups: BTreeMap<String, String>,
}

impl Sdk {
    /// Zones, and the places and accounts that follow from them.
    pub(super) async fn zones(&self, ground: &mut Ground, stock: &mut Stock) {
        let answer = self.ec2.describe_availability_zones().send().await.expect("zones");
        let mut places = BTreeMap::from([(REGION.to_owned(), None)]);
        let mut pools =
            BTreeMap::from([(REGION.to_owned(), BTreeSet::from([format!("{ACCOUNT}/{REGION}")]))]);
        for zone in answer.availability_zones() {
            let (name, id) = (text(zone.zone_name()), text(zone.zone_id()));
            ground.zones.insert(name.to_owned(), id.to_owned());
            let place =
                zone.network_border_group().filter(|group| !group.is_empty()).unwrap_or(REGION).to_owned();
            let native = format!("{ACCOUNT}/{id}");
            places.entry(place.clone()).or_insert_with(|| zone.group_long_name().map(str::to_owned));
            pools.entry(place.clone()).or_default().insert(native.clone());
            let value = json!({
                "name": name, "location": place, "globalLocationId": place, "oCloudSiteId": format!("{ACCOUNT}/{place}"),
                "extensions": {
                    "nativeId": native, "zoneId": id, "zoneName": name, "zoneType": zone.zone_type(),
                    "zoneState": zone.state().map(|state| state.as_str()), "zoneGroup": zone.group_name(),
                    "parentZoneId": zone.parent_zone_id(), "accountId": ACCOUNT, "region": zone.region_name(),
                },
            });
            stock.insert(("zone", native), value);
        }
        stock.insert(("what spans zones", format!("{ACCOUNT}/{REGION}")), spanning());
        for (place, words) in places {
            let object = if place == REGION { "region" } else { "place" };
            let site = format!("{ACCOUNT}/{place}");
            let value = json!({
                "name": place, "address": words.filter(|_| place != REGION), "oCloudSiteIds": [site],
                "extensions": { "nativeId": place, "region": REGION },
            });
            stock.insert((object, place.clone()), value);
            let value = json!({
                "name": site, "globalLocationId": place, "resourcePools": pools.get(&place),
                "extensions": { "nativeId": site, "accountId": ACCOUNT },
            });
            stock.insert(("account", site), value);
        }
    }

    pub(super) async fn groups(&self, ground: &mut Ground, stock: &mut Stock) {
        let site = format!("{ACCOUNT}/{REGION}");
        let mut pages = self.scaling.describe_auto_scaling_groups().into_paginator().items().send();
        while let Some(group) = pages.next().await {
            let group = group.expect("groups");
            let (name, native) =
                (text(group.auto_scaling_group_name()), text(group.auto_scaling_group_arn()));
            ground.groups.insert(name.to_owned(), native.to_owned());
            let tags = group.tags().iter().map(|tag| (text(tag.key()), text(tag.value())));
            let value = json!({
                "name": name, "location": REGION, "globalLocationId": REGION, "oCloudSiteId": site,
                "extensions": {
                    "nativeId": native, "minSize": group.min_size(), "maxSize": group.max_size(),
                    "desiredCapacity": group.desired_capacity(), "zones": group.availability_zones(),
                    "healthCheckType": group.health_check_type(), "status": group.status(),
                    "createdAt": time(group.created_time()), "tags": tags.collect::<BTreeMap<_, _>>(),
                    "accountId": ACCOUNT, "region": REGION,
                },
            });
            stock.insert(("group", native.to_owned()), value);
            let account = stock.get_mut(&("account", site.clone())).expect("the region's account");
            let pools = account["resourcePools"].as_array_mut().expect("pools");
            pools.push(native.into());
            pools.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
        }
    }
}

/// The pool of what spans the zones.
fn spanning() -> Value {
    let native = format!("{ACCOUNT}/{REGION}");
    json!({
        "name": REGION, "location": REGION, "globalLocationId": REGION, "oCloudSiteId": native,
        "extensions": { "nativeId": native, "accountId": ACCOUNT, "region": REGION },
    })
}
