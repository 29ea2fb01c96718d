//! Where the regions are, as far as it is public: a city or a part of a country each, never a building.

/// Region, place in words, longitude and latitude of its middle in degrees.
///
/// Source: the names under which the regions are published (botocore, `endpoints.json`); coordinates of the named city,
/// or of the middle of the named part of a country, to a tenth of a degree.
const REGIONS: &[(&str, &str, [f64; 2])] = &[
    ("af-south-1", "Cape Town, South Africa", [18.4, -33.9]),
    ("ap-east-1", "Hong Kong, China", [114.2, 22.3]),
    ("ap-east-2", "Taipei, Taiwan", [121.6, 25.0]),
    ("ap-northeast-1", "Tokyo, Japan", [139.7, 35.7]),
    ("ap-northeast-2", "Seoul, South Korea", [127.0, 37.6]),
    ("ap-northeast-3", "Osaka, Japan", [135.5, 34.7]),
    ("ap-south-1", "Mumbai, India", [72.9, 19.1]),
    ("ap-south-2", "Hyderabad, India", [78.5, 17.4]),
    ("ap-southeast-1", "Singapore", [103.8, 1.3]),
    ("ap-southeast-2", "Sydney, Australia", [151.2, -33.9]),
    ("ap-southeast-3", "Jakarta, Indonesia", [106.8, -6.2]),
    ("ap-southeast-4", "Melbourne, Australia", [145.0, -37.8]),
    ("ap-southeast-5", "Kuala Lumpur, Malaysia", [101.7, 3.1]),
    ("ap-southeast-6", "Auckland, New Zealand", [174.8, -36.8]),
    ("ap-southeast-7", "Bangkok, Thailand", [100.5, 13.8]),
    ("ca-central-1", "Montreal, Canada", [-73.6, 45.5]),
    ("ca-west-1", "Calgary, Canada", [-114.1, 51.0]),
    ("cn-north-1", "Beijing, China", [116.4, 39.9]),
    ("cn-northwest-1", "Ningxia, China", [106.2, 37.5]),
    ("eu-central-1", "Frankfurt, Germany", [8.7, 50.1]),
    ("eu-central-2", "Zurich, Switzerland", [8.5, 47.4]),
    ("eu-north-1", "Stockholm, Sweden", [18.1, 59.3]),
    ("eu-south-1", "Milan, Italy", [9.2, 45.5]),
    ("eu-south-2", "Zaragoza, Spain", [-0.9, 41.6]),
    ("eu-west-1", "Dublin, Ireland", [-6.3, 53.3]),
    ("eu-west-2", "London, United Kingdom", [-0.1, 51.5]),
    ("eu-west-3", "Paris, France", [2.4, 48.9]),
    ("eusc-de-east-1", "Brandenburg, Germany", [13.4, 52.4]),
    ("il-central-1", "Tel Aviv, Israel", [34.8, 32.1]),
    ("me-central-1", "Dubai, United Arab Emirates", [55.3, 25.2]),
    ("me-south-1", "Manama, Bahrain", [50.6, 26.2]),
    ("mx-central-1", "Queretaro, Mexico", [-100.4, 20.6]),
    ("sa-east-1", "Sao Paulo, Brazil", [-46.6, -23.6]),
    ("us-east-1", "Northern Virginia, United States", [-77.5, 39.0]),
    ("us-east-2", "Ohio, United States", [-83.0, 40.0]),
    ("us-gov-east-1", "Ohio, United States", [-83.0, 40.0]),
    ("us-gov-west-1", "Oregon, United States", [-119.7, 45.8]),
    ("us-west-1", "Northern California, United States", [-121.9, 37.4]),
    ("us-west-2", "Oregon, United States", [-119.7, 45.8]),
];

/// Returns the place of a region in words, and its longitude and latitude.
pub(crate) fn place(region: &str) -> Option<(&'static str, [f64; 2])> {
    let found = REGIONS.binary_search_by_key(&region, |(name, _, _)| name).ok()?;
    REGIONS.get(found).map(|(_, place, coordinates)| (*place, *coordinates))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_is_found_and_on_this_planet() {
        for (name, words, [longitude, latitude]) in REGIONS {
            assert_eq!(place(name), Some((*words, [*longitude, *latitude])), "{name} is in order");
            assert!((-180.0..=180.0).contains(longitude) && (-90.0..=90.0).contains(latitude), "{name}");
        }
        assert_eq!(place("moon-1"), None);
    }
}
