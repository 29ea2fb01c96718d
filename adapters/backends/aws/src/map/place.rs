//! Regions and places outside of them -> locations; accounts there -> sites.

use super::{Pairs, Scope, region};
use crate::error::unreadable;
use crate::wire::place::Zone;
use netweave_model::domain::{LocationInfo, OCloudSiteInfo, Point};
use netweave_model::{Id, Kind, Result};
use std::collections::BTreeMap;

/// The zones of one region, as one account sees them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zones {
    by_id: BTreeMap<String, Zone>,
    /// Names mean another zone in each account.
    ids: BTreeMap<String, String>,
}

impl Zones {
    /// Takes the zones of a region, which always has some.
    ///
    /// # Errors
    /// `Unavailable`: there is none, or one without what names it.
    pub(crate) fn new(zones: Vec<Zone>) -> Result<Self> {
        if zones.is_empty() {
            return Err(unreadable("a region without zones"));
        }
        if zones.iter().any(|zone| zone.zone_id.is_empty() || zone.region_name.is_empty()) {
            return Err(unreadable("a zone without an id or region"));
        }
        let ids = zones.iter().map(|zone| (zone.zone_name.clone(), zone.zone_id.clone())).collect();
        Ok(Self { by_id: zones.into_iter().map(|zone| (zone.zone_id.clone(), zone)).collect(), ids })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Zone> {
        self.by_id.values()
    }

    /// Finds a zone by its id, else by its name.
    pub(crate) fn find(&self, id: Option<&str>, name: Option<&str>) -> Option<&Zone> {
        let by_name = || name.and_then(|name| self.ids.get(name)).map(String::as_str);
        self.by_id.get(id.filter(|id| !id.is_empty()).or_else(by_name)?)
    }
}

/// Where a zone is: its region, or the place that it extends the region to.
pub(crate) fn location_of(zone: &Zone) -> &str {
    let named = zone.network_border_group.as_deref().filter(|group| !group.is_empty());
    let outside = || zone.group_name.as_deref().filter(|_| zone.zone_type != "availability-zone");
    named.or_else(outside).unwrap_or(&zone.region_name)
}

/// A place, with what its zones say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) region: String,
    /// The name that Amazon publishes for a place outside of a region.
    pub(crate) words: Option<String>,
}

impl Place {
    pub(crate) fn of(zone: &Zone) -> Self {
        let outside = zone.zone_type != "availability-zone";
        Self {
            region: zone.region_name.clone(),
            words: zone.group_long_name.clone().filter(|words| outside && !words.is_empty()),
        }
    }
}

/// Returns the identifier of a location.
pub(crate) fn location_id(scope: &Scope, location: &str) -> Id {
    scope.id(Kind::Location, location)
}

/// Maps a region, or a place outside of one.
pub(crate) fn location(scope: &Scope, name: &str, place: &Place, sites: Vec<Id>) -> LocationInfo {
    let known = region::place(name);
    let address = known.map(|(words, _)| words.to_owned()).or_else(|| place.words.clone());
    LocationInfo {
        global_location_id: location_id(scope, name),
        name: name.to_owned(),
        description: if name == place.region {
            format!("Region {name}")
        } else {
            format!("Place {name} of region {}", place.region)
        },
        o_cloud_site_ids: sites,
        coordinate: known.map(|(_, [longitude, latitude])| Point::new(longitude, latitude)),
        civic_address: Vec::new(),
        address: Some(address.unwrap_or_else(|| name.to_owned())),
        extensions: Pairs::new().put("nativeId", name).put("region", &place.region).0,
    }
}

/// An account at a location.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SiteKey {
    pub(crate) account: String,
    pub(crate) location: String,
}

impl SiteKey {
    pub(crate) fn id(&self, scope: &Scope) -> Id {
        scope.id(Kind::OCloudSite, &self.native())
    }

    fn native(&self) -> String {
        format!("{}/{}", self.account, self.location)
    }
}

/// Maps an account at a location.
pub(crate) fn site(scope: &Scope, key: &SiteKey, pools: Vec<Id>) -> OCloudSiteInfo {
    OCloudSiteInfo {
        o_cloud_site_id: key.id(scope),
        global_location_id: location_id(scope, &key.location),
        name: key.native(),
        description: format!("Account {} in {}", key.account, key.location),
        resource_pools: pools,
        extensions: Pairs::new().put("nativeId", key.native()).put("accountId", &key.account).0,
    }
}
