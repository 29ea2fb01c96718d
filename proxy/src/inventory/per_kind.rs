//! A table with one value for each kind of inventory object, which cannot lack one.

use netweave_model::Kind;

/// One value for each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerKind<T> {
    locations: T,
    sites: T,
    types: T,
    pools: T,
    resources: T,
    managers: T,
    alarms: T,
    measurements: T,
}

impl<T> PerKind<T> {
    /// Makes the values one by one.
    pub fn from_fn(mut make: impl FnMut(Kind) -> T) -> Self {
        Self {
            locations: make(Kind::Location),
            sites: make(Kind::OCloudSite),
            types: make(Kind::ResourceType),
            pools: make(Kind::ResourcePool),
            resources: make(Kind::Resource),
            managers: make(Kind::DeploymentManager),
            alarms: make(Kind::AlarmDictionary),
            measurements: make(Kind::PerformanceDictionary),
        }
    }

    /// Returns the value of a kind.
    pub fn get(&self, kind: Kind) -> &T {
        match kind {
            Kind::Location => &self.locations,
            Kind::OCloudSite => &self.sites,
            Kind::ResourceType => &self.types,
            Kind::ResourcePool => &self.pools,
            Kind::Resource => &self.resources,
            Kind::DeploymentManager => &self.managers,
            Kind::AlarmDictionary => &self.alarms,
            Kind::PerformanceDictionary => &self.measurements,
        }
    }

    /// Returns the value of a kind, to be changed.
    pub fn get_mut(&mut self, kind: Kind) -> &mut T {
        match kind {
            Kind::Location => &mut self.locations,
            Kind::OCloudSite => &mut self.sites,
            Kind::ResourceType => &mut self.types,
            Kind::ResourcePool => &mut self.pools,
            Kind::Resource => &mut self.resources,
            Kind::DeploymentManager => &mut self.managers,
            Kind::AlarmDictionary => &mut self.alarms,
            Kind::PerformanceDictionary => &mut self.measurements,
        }
    }

    /// Returns all values with their kinds, in the order of [`Kind::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &T)> {
        Kind::ALL.into_iter().map(|kind| (kind, self.get(kind)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_place_of_its_own() {
        let mut table = PerKind::from_fn(|kind| kind);
        assert!(table.iter().all(|(kind, value)| kind == *value));
        for kind in Kind::ALL {
            *table.get_mut(kind) = Kind::Location;
            assert_eq!(table.iter().filter(|(_, value)| **value != Kind::Location).count(), {
                let done = Kind::ALL.iter().position(|known| *known == kind).unwrap();
                Kind::ALL.len() - 1 - done
            });
        }
    }
}
