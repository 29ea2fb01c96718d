//! Regions, zones and projects -> locations, sites and pools.

use super::region::town;
use super::{Home, Pairs, Scope};
use crate::wire::{Region, Zone};
use netweave_model::domain::{LocationInfo, OCloudSiteInfo, Point, ResourcePoolInfo};
use netweave_model::{Id, Kind};
use std::fmt;

/// The name of the place of what is in no region.
pub(crate) const GLOBAL: &str = "global";

/// Where something is, as paths of the API say it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// In no region: networks.
    Global,
    /// In a region, and in no zone of it.
    Region(String),
    /// In a zone of a region.
    Zone { region: String, zone: String },
}

impl Place {
    /// Reads what a URL or a path says of a place.
    pub(crate) fn within(text: &str) -> Option<Self> {
        let start = ["zones/", "regions/"].iter().find_map(|word| text.rfind(word)).unwrap_or_default();
        Self::parse(text.get(start..)?)
    }

    /// Reads `global`, `regions/REGION` or `zones/ZONE`; a zone's name is that of its region and a suffix.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == GLOBAL {
            return Some(Self::Global);
        }
        if let Some(region) = text.strip_prefix("regions/") {
            return plain(region).then(|| Self::Region(region.to_owned()));
        }
        let zone = text.strip_prefix("zones/").filter(|zone| plain(zone))?;
        let (region, _) = zone.rsplit_once('-')?;
        Some(Self::Zone { region: region.to_owned(), zone: zone.to_owned() })
    }

    /// Returns the region; `global` if there is none.
    pub(crate) fn region(&self) -> &str {
        self.region_name().unwrap_or(GLOBAL)
    }

    /// Returns the region, if there is one.
    pub(crate) fn region_name(&self) -> Option<&str> {
        match self {
            Self::Global => None,
            Self::Region(region) | Self::Zone { region, .. } => Some(region),
        }
    }

    /// Returns the place's own name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Global => GLOBAL,
            Self::Region(name) | Self::Zone { zone: name, .. } => name,
        }
    }
}

/// Writes what `parse` reads.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str(GLOBAL),
            Self::Region(region) => write!(f, "regions/{region}"),
            Self::Zone { zone, .. } => write!(f, "zones/{zone}"),
        }
    }
}

fn plain(name: &str) -> bool {
    crate::conf::name(name, &['-'])
}

/// Returns the identifier of a region's location.
pub(crate) fn location_id(scope: &Scope, region: &str) -> Id {
    scope.id(Kind::Location, region)
}

/// Returns the identifier of the site of a project in a region.
pub(crate) fn site_id(scope: &Scope, project: &str, region: &str) -> Id {
    scope.id(Kind::OCloudSite, &format!("{project}/{region}"))
}

/// Maps a region, or the place of what is in none.
pub(crate) fn location(scope: &Scope, name: &str, region: Option<&Region>, sites: Vec<Id>) -> LocationInfo {
    let town = town(name);
    let description = match (name, town) {
        (GLOBAL, _) => "What is in no region of Google Cloud".to_owned(),
        (_, Some(town)) => format!("Google Cloud region {name} in {}", town.name),
        (_, None) => format!("Google Cloud region {name}"),
    };
    LocationInfo {
        global_location_id: location_id(scope, name),
        name: name.to_owned(),
        description,
        o_cloud_site_ids: sites,
        coordinate: town.map(|town| Point::new(town.longitude, town.latitude)),
        civic_address: Vec::new(),
        address: Some(town.map_or(name, |town| town.name).to_owned()),
        extensions: Pairs::of(name).maybe("status", region.and_then(|region| region.status.clone())).done(),
    }
}

/// Maps a project in a region.
pub(crate) fn site(scope: &Scope, project: &str, region: &str, pools: Vec<Id>) -> OCloudSiteInfo {
    let description = if region == GLOBAL {
        format!("What project {project} has in no region")
    } else {
        format!("Project {project} in region {region}")
    };
    OCloudSiteInfo {
        o_cloud_site_id: site_id(scope, project, region),
        global_location_id: location_id(scope, region),
        name: format!("{project}/{region}"),
        description,
        resource_pools: pools,
        extensions: Pairs::of(&format!("{project}/{region}"))
            .with("project", project)
            .maybe("region", (region != GLOBAL).then_some(region))
            .done(),
    }
}

/// Maps a zone of a project, or what the project has in a region or in none.
pub(crate) fn pool(scope: &Scope, home: &Home, zone: Option<&Zone>) -> ResourcePoolInfo {
    let Home { project, place, .. } = home;
    let description = match place {
        Place::Global => format!("What project {project} has in no region"),
        Place::Region(region) => {
            format!("What project {project} has in region {region} and in no zone of it")
        }
        Place::Zone { zone, .. } => format!("What project {project} has in zone {zone}"),
    };
    let mut platforms = zone.and_then(|zone| zone.available_cpu_platforms.clone()).unwrap_or_default();
    platforms.sort_unstable();
    let extensions = Pairs::of(&home.pool())
        .home(home)
        .maybe("status", zone.and_then(|zone| zone.status.clone()))
        .list("availableCpuPlatforms", platforms.into_iter().map(Into::into).collect());
    ResourcePoolInfo {
        resource_pool_id: home.pool_id(scope),
        o_cloud_id: scope.o_cloud_id.clone(),
        global_location_id: location_id(scope, place.region()),
        name: format!("{project}/{}", place.name()),
        o_cloud_site_id: site_id(scope, project, place.region()),
        description,
        location: Some(place.region().to_owned()),
        extensions: extensions.done(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        for text in ["global", "regions/europe-west3", "zones/europe-west3-a", "zones/us-central1-ai1a"] {
            assert_eq!(Place::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Place::parse("zones/europe-west3-a").unwrap().region(), "europe-west3");
        for text in ["", "zones/", "zones/a/../b", "zones/a?b-c", "regions/..", "folders/x", "Global"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
