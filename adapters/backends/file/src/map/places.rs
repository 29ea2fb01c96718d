//! Locations, sites and pools.

use super::{Reader, extensions};
use crate::fields::Fields;
use netweave_model::domain::{CivicAddressElement, LocationInfo, OCloudSiteInfo, Point, ResourcePoolInfo};
use netweave_model::{Id, Kind};
use std::collections::BTreeMap;

const LOCATION: &[&str] =
    &["key", "id", "name", "description", "coordinate", "civicAddress", "address", "extensions"];
const SITE: &[&str] = &["key", "id", "name", "description", "location", "extensions"];
const POOL: &[&str] = &["key", "id", "name", "description", "site", "extensions", "resources"];

/// The entries of these sections with their ids.
pub(super) struct Places<'a> {
    locations: Vec<(Id, Fields<'a>)>,
    sites: Vec<(Id, Fields<'a>)>,
    pub(super) pools: Vec<(Id, Fields<'a>)>,
}

/// First pass: opens and names all entries.
pub(super) fn open<'a>(reader: &mut Reader<'_>, top: &Fields<'a>) -> Places<'a> {
    let mut named = |section, known, kind| -> Vec<(Id, Fields<'a>)> {
        let entries = top.entries(section, known);
        entries.into_iter().map(|fields| (reader.names.declare(kind, &fields), fields)).collect()
    };
    Places {
        locations: named("locations", LOCATION, Kind::Location),
        sites: named("sites", SITE, Kind::OCloudSite),
        pools: named("resourcePools", POOL, Kind::ResourcePool),
    }
}

/// Second pass: makes the objects; sites know their pools and locations their sites.
pub(super) fn build(reader: &Reader<'_>, places: &Places<'_>) {
    let mut pools_of: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
    for (id, fields) in &places.pools {
        pools_of.entry(reader.names.find(Kind::OCloudSite, fields, "site")).or_default().push(id.clone());
    }
    let mut sites_of: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
    let mut location_of = BTreeMap::new();
    for (id, fields) in &places.sites {
        let location = reader.names.find(Kind::Location, fields, "location");
        let pools = sorted(pools_of.remove(id));
        sites_of.entry(location.clone()).or_default().push(id.clone());
        location_of.insert(id.clone(), location.clone());
        reader.add(fields, &site(id, fields, location, pools));
    }
    let mut words_of = BTreeMap::new();
    for (id, fields) in &places.locations {
        let info = location(id, fields, sorted(sites_of.remove(id)));
        words_of.insert(id.clone(), info.address.clone().unwrap_or_else(|| info.name.clone()));
        reader.add(fields, &info);
    }
    for (id, fields) in &places.pools {
        let site = reader.names.find(Kind::OCloudSite, fields, "site");
        // A dangling site is a fault, and a faulty file is not used: the empty id goes nowhere.
        let location = location_of.get(&site).cloned().unwrap_or_else(|| Id::from(""));
        let words = words_of.get(&location).cloned();
        reader.add(fields, &pool(reader, id, fields, site, location, words));
    }
}

fn location(id: &Id, fields: &Fields<'_>, sites: Vec<Id>) -> LocationInfo {
    let key = fields.opt_text("key").unwrap_or_default();
    let coordinate = fields.entry("coordinate", &["longitude", "latitude"]);
    let civic = fields.entries("civicAddress", &["caType", "caValue"]);
    let address = fields.opt_text("address");
    if coordinate.is_none() && civic.is_empty() && address.is_none() {
        fields.fault("needs a coordinate, a civicAddress or an address");
    }
    let name = fields.text_or("name", &key);
    LocationInfo {
        global_location_id: id.clone(),
        description: fields.text_or("description", &name),
        name,
        o_cloud_site_ids: sites,
        coordinate: coordinate.map(|point| {
            Point::new(point.number("longitude", -180.0, 180.0), point.number("latitude", -90.0, 90.0))
        }),
        civic_address: civic.iter().map(civic_element).collect(),
        address,
        extensions: extensions(fields),
    }
}

fn civic_element(fields: &Fields<'_>) -> CivicAddressElement {
    let number = fields.text("caType");
    let ca_type = number.parse().unwrap_or_else(|_| {
        fields.fault_of("caType", "must be a whole number from 0 to 255");
        0
    });
    CivicAddressElement { ca_type, ca_value: fields.text("caValue") }
}

fn site(id: &Id, fields: &Fields<'_>, location: Id, pools: Vec<Id>) -> OCloudSiteInfo {
    let key = fields.opt_text("key").unwrap_or_default();
    let name = fields.text_or("name", &key);
    OCloudSiteInfo {
        o_cloud_site_id: id.clone(),
        global_location_id: location,
        description: fields.text_or("description", &name),
        name,
        resource_pools: pools,
        extensions: extensions(fields),
    }
}

fn pool(
    reader: &Reader<'_>,
    id: &Id,
    fields: &Fields<'_>,
    site: Id,
    location: Id,
    words: Option<String>,
) -> ResourcePoolInfo {
    let key = fields.opt_text("key").unwrap_or_default();
    let name = fields.text_or("name", &key);
    ResourcePoolInfo {
        resource_pool_id: id.clone(),
        o_cloud_id: reader.o_cloud_id.clone(),
        global_location_id: location,
        description: fields.text_or("description", &name),
        name,
        o_cloud_site_id: site,
        location: words,
        extensions: extensions(fields),
    }
}

fn sorted(ids: Option<Vec<Id>>) -> Vec<Id> {
    let mut ids = ids.unwrap_or_default();
    ids.sort_unstable();
    ids
}
