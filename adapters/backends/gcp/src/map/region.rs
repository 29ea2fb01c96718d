//! Where Google's regions are, as far as it is public: the town that Google names, not the building.
//!
//! Source: the list of regions and zones of the Compute Engine documentation, and the towns' coordinates.

/// Region, town, longitude, latitude.
const REGIONS: &[(&str, &str, f64, f64)] = &[
    ("africa-south1", "Johannesburg, South Africa", 28.0473, -26.2041),
    ("asia-east1", "Changhua County, Taiwan", 120.5161, 24.0518),
    ("asia-east2", "Hong Kong", 114.1694, 22.3193),
    ("asia-northeast1", "Tokyo, Japan", 139.6917, 35.6895),
    ("asia-northeast2", "Osaka, Japan", 135.5023, 34.6937),
    ("asia-northeast3", "Seoul, South Korea", 126.9780, 37.5665),
    ("asia-south1", "Mumbai, India", 72.8777, 19.0760),
    ("asia-south2", "Delhi, India", 77.1025, 28.7041),
    ("asia-southeast1", "Jurong West, Singapore", 103.7090, 1.3404),
    ("asia-southeast2", "Jakarta, Indonesia", 106.8456, -6.2088),
    ("australia-southeast1", "Sydney, Australia", 151.2093, -33.8688),
    ("australia-southeast2", "Melbourne, Australia", 144.9631, -37.8136),
    ("europe-central2", "Warsaw, Poland", 21.0122, 52.2297),
    ("europe-north1", "Hamina, Finland", 27.1979, 60.5697),
    ("europe-north2", "Stockholm, Sweden", 18.0686, 59.3293),
    ("europe-southwest1", "Madrid, Spain", -3.7038, 40.4168),
    ("europe-west1", "St. Ghislain, Belgium", 3.8186, 50.4491),
    ("europe-west10", "Berlin, Germany", 13.4050, 52.5200),
    ("europe-west12", "Turin, Italy", 7.6869, 45.0703),
    ("europe-west2", "London, England", -0.1276, 51.5072),
    ("europe-west3", "Frankfurt, Germany", 8.6821, 50.1109),
    ("europe-west4", "Eemshaven, Netherlands", 6.8355, 53.4386),
    ("europe-west6", "Zurich, Switzerland", 8.5417, 47.3769),
    ("europe-west8", "Milan, Italy", 9.1900, 45.4642),
    ("europe-west9", "Paris, France", 2.3522, 48.8566),
    ("me-central1", "Doha, Qatar", 51.5310, 25.2854),
    ("me-central2", "Dammam, Saudi Arabia", 50.0888, 26.4207),
    ("me-west1", "Tel Aviv, Israel", 34.7818, 32.0853),
    ("northamerica-northeast1", "Montréal, Canada", -73.5674, 45.5019),
    ("northamerica-northeast2", "Toronto, Canada", -79.3832, 43.6532),
    ("northamerica-south1", "Querétaro, Mexico", -100.3899, 20.5888),
    ("southamerica-east1", "Osasco, Brazil", -46.7917, -23.5325),
    ("southamerica-west1", "Santiago, Chile", -70.6693, -33.4489),
    ("us-central1", "Council Bluffs, Iowa, USA", -95.8608, 41.2619),
    ("us-east1", "Moncks Corner, South Carolina, USA", -80.0131, 33.1960),
    ("us-east4", "Ashburn, Virginia, USA", -77.4874, 39.0438),
    ("us-east5", "Columbus, Ohio, USA", -82.9988, 39.9612),
    ("us-south1", "Dallas, Texas, USA", -96.7970, 32.7767),
    ("us-west1", "The Dalles, Oregon, USA", -121.1787, 45.5946),
    ("us-west2", "Los Angeles, California, USA", -118.2437, 34.0522),
    ("us-west3", "Salt Lake City, Utah, USA", -111.8910, 40.7608),
    ("us-west4", "Las Vegas, Nevada, USA", -115.1398, 36.1699),
];

/// A region's town and its longitude and latitude in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Town {
    pub(crate) name: &'static str,
    pub(crate) longitude: f64,
    pub(crate) latitude: f64,
}

/// Returns the town of a region that is known.
pub(crate) fn town(region: &str) -> Option<Town> {
    let found = REGIONS.iter().find(|(name, ..)| *name == region)?;
    let (_, name, longitude, latitude) = *found;
    Some(Town { name, longitude, latitude })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_region_is_named_once_and_is_on_the_globe() {
        let names: BTreeSet<_> = REGIONS.iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), REGIONS.len());
        for (name, town, longitude, latitude) in REGIONS {
            assert!((-180.0..=180.0).contains(longitude) && (-90.0..=90.0).contains(latitude), "{name}");
            assert!(!town.is_empty(), "{name}");
        }
    }

    /// Continents are wide, but a swapped pair or a lost sign leaves them.
    #[test]
    fn regions_are_on_the_continent_that_they_are_named_after() {
        for (name, _, longitude, latitude) in REGIONS {
            let (longitudes, latitudes) = match name.split('-').next().unwrap_or_default() {
                "africa" => (-20.0..=52.0, -35.0..=38.0),
                "asia" => (68.0..=150.0, -11.0..=55.0),
                "australia" => (112.0..=154.0, -44.0..=-10.0),
                "europe" => (-11.0..=41.0, 35.0..=72.0),
                "me" => (34.0..=60.0, 12.0..=40.0),
                "northamerica" | "us" => (-130.0..=-52.0, 14.0..=62.0),
                "southamerica" => (-82.0..=-34.0, -56.0..=13.0),
                other => panic!("no such continent: {other}"),
            };
            assert!(longitudes.contains(longitude) && latitudes.contains(latitude), "{name}");
        }
    }
}
