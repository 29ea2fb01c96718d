//! Locations and O-Cloud sites.

use super::{Info, KeyValuePairs};
use crate::kind::Kind;
use crate::object::Id;
use serde::{Deserialize, Serialize};

/// A place (`LocationInfo`). At least one of coordinate, civic address and address is present.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationInfo {
    /// Identifies the place.
    pub global_location_id: Id,
    /// Human-readable name.
    pub name: String,
    /// Human-readable description.
    pub description: String,
    /// The sites at this place.
    #[serde(default)]
    pub o_cloud_site_ids: Vec<Id>,
    /// Longitude and latitude.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinate: Option<Point>,
    /// The address as RFC 4776 elements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub civic_address: Vec<CivicAddressElement>,
    /// The address as one text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Vendor attributes.
    #[serde(default)]
    pub extensions: KeyValuePairs,
}

/// A `GeoJSON` point. Source: RFC 7946, 3.1.2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Always `Point`.
    #[serde(rename = "type")]
    pub kind: PointType,
    /// Longitude, then latitude, in degrees (WGS 84).
    pub coordinates: [f64; 2],
}

/// The type member of a `GeoJSON` point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PointType {
    /// The only value.
    #[default]
    Point,
}

impl Point {
    /// Makes a point from degrees.
    pub fn new(longitude: f64, latitude: f64) -> Self {
        Self { kind: PointType::Point, coordinates: [longitude, latitude] }
    }
}

/// One element of a civic address. Source: RFC 4776, 3.3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CivicAddressElement {
    /// The element's type: 0 language, 1 to 6 national subdivisions, 19 house number, 24 postal code, ...
    pub ca_type: u8,
    /// The element's value.
    pub ca_value: String,
}

/// A site of the O-Cloud (`OCloudSiteInfo`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OCloudSiteInfo {
    /// Identifies the site.
    pub o_cloud_site_id: Id,
    /// The place where it is.
    pub global_location_id: Id,
    /// Human-readable name.
    pub name: String,
    /// Human-readable description.
    pub description: String,
    /// The pools at this site.
    #[serde(default)]
    pub resource_pools: Vec<Id>,
    /// Vendor attributes.
    #[serde(default)]
    pub extensions: KeyValuePairs,
}

impl Info for LocationInfo {
    const KIND: Kind = Kind::Location;

    fn id(&self) -> &Id {
        &self.global_location_id
    }
}

impl Info for OCloudSiteInfo {
    const KIND: Kind = Kind::OCloudSite;

    fn id(&self) -> &Id {
        &self.o_cloud_site_id
    }
}
