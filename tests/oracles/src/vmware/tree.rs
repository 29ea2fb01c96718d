//! Where objects lie, by following who belongs to whom.

use super::map::named;
use super::sdk::Report;
use std::collections::{BTreeMap, BTreeSet};

/// Who belongs to whom, by the server's names.
pub(super) struct Tree {
    /// Parents, and owners of pools without one.
    above: BTreeMap<String, String>,
    datacenters: BTreeSet<String>,
    pub(super) computes: BTreeSet<String>,
    /// The compute resource that a resource pool belongs to.
    pub(super) owners: BTreeMap<String, String>,
    /// Names that people gave.
    names: BTreeMap<String, String>,
}

impl Tree {
    pub(super) fn of(report: &Report) -> Self {
        let mut tree = Self {
            above: BTreeMap::new(),
            datacenters: report.datacenters.iter().map(|one| one.id.value.clone()).collect(),
            computes: report.computes.iter().map(|one| one.id.value.clone()).collect(),
            owners: BTreeMap::new(),
            names: BTreeMap::new(),
        };
        macro_rules! note {
            ($($all:ident),*) => {$(
                for one in &report.$all {
                    if let Some(parent) = &one.parent {
                        tree.above.insert(one.id.value.clone(), parent.value.clone());
                    }
                }
            )*};
        }
        note!(folders, datacenters, computes, pools, hosts, machines, datastores, networks);
        for one in &report.pools {
            tree.owners.insert(one.id.value.clone(), one.owner.as_ref().expect("an owner").value.clone());
        }
        for (id, name) in report
            .datacenters
            .iter()
            .map(|one| (&one.id, &one.name))
            .chain(report.computes.iter().map(|one| (&one.id, &one.name)))
        {
            tree.names.insert(id.value.clone(), named(name.as_deref(), id));
        }
        tree
    }

    pub(super) fn first_above(&self, id: &str, of: &BTreeSet<String>) -> Option<String> {
        let mut at = id;
        while let Some(above) = self.above.get(at) {
            if of.contains(above) {
                return Some(above.clone());
            }
            at = above;
        }
        None
    }

    /// Returns the datacenter, or the place that stands in where there is none.
    pub(super) fn datacenter(&self, id: &str) -> String {
        self.first_above(id, &self.datacenters).unwrap_or_else(|| "default".to_owned())
    }

    /// Tells whether a pool stands for all of its compute resource.
    pub(super) fn is_root(&self, pool: &str) -> bool {
        self.above.get(pool).is_some_and(|parent| self.computes.contains(parent))
    }

    pub(super) fn name(&self, id: &str) -> String {
        self.names.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }
}
