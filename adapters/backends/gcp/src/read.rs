//! Reads all projects, or one resource.

use crate::client::{Ask, Client, Placed};
use crate::conf::{self, Conf, Family, Pools};
use crate::error;
use crate::facts::Machines;
use crate::map::{self, Family as Sort, Name, Place, Report, Scope, Stock};
use crate::wire::{
    self, DISK, Disk, GROUP, Group, INSTANCE, Instance, MEMBERS, NETWORK, Network, REGION, Region,
    SUBNETWORK, Subnetwork, ZONE, Zone, flat_fields, scoped_fields,
};
use futures::{StreamExt, TryStreamExt, stream};
use netweave_model::parts::{Part, Parts, Seen};
use netweave_model::port::{Clock, Gap};
use netweave_model::{Error, ErrorKind, Kind, Object, Result};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Projects that are read at the same time.
const PROJECTS_AT_ONCE: usize = 2;
/// Managed instance groups that are asked for their members at the same time.
const GROUPS_AT_ONCE: usize = 4;

/// A group, where it is, and the paths of its members.
type Members = (Place, Group, Vec<String>);

/// Reads the projects of one backend.
pub(crate) struct Reader {
    client: Client,
    scope: Scope,
    projects: BTreeSet<String>,
    /// Empty for all.
    regions: BTreeSet<String>,
    resources: BTreeSet<Family>,
    pools: Pools,
    machines: Machines,
    reports: Parts<String, Report>,
}

impl Reader {
    pub(crate) fn new(client: Client, scope: Scope, conf: &Conf, clock: Arc<dyn Clock>) -> Self {
        Self {
            client,
            scope,
            projects: conf.projects.iter().cloned().collect(),
            regions: conf.regions.iter().cloned().collect(),
            resources: conf.resources.iter().copied().collect(),
            pools: conf.pools,
            machines: Machines::default(),
            reports: Parts::new(clock, conf.poll.0 / 2),
        }
    }

    /// Asks for one region of the first project, which shows that the credentials may read.
    pub(crate) async fn probe(&self) -> Result<()> {
        let project = self.projects.first().map_or("", String::as_str);
        let (path, fields) = (format!("{project}/regions"), flat_fields(REGION));
        self.client.probe(Ask::get(&path, &fields)).await
    }

    /// Reads the projects. One that fails is a gap. What machine types are made of is asked for if that is wanted.
    ///
    /// # Errors
    /// No project could be read.
    pub(crate) async fn stock(&self, with_facts: bool) -> Result<(Stock, Option<Gap>)> {
        let calls: Vec<_> =
            self.projects.iter().map(|project| (project.clone(), self.report(project))).collect();
        let Seen { parts, gap } = self.reports.read(calls, PROJECTS_AT_ONCE).await?;
        let unread = gap.as_ref().is_some_and(|gap| !gap.bridged);
        let reports: Vec<&Report> = parts.iter().map(|project| &*project.value).collect();
        let gap = reports.iter().fold(gap, |gap, report| Gap::join(gap, gap_of(report)));
        let part_of_sites = reports.iter().any(|report| !report.unknown.is_empty());
        if !unread {
            self.all_chosen(&reports)?;
        }
        let (facts, facts_gap) = if with_facts {
            self.machines.facts(&self.client, &used(&parts)).await?
        } else {
            Default::default()
        };
        let unknown = facts_gap.as_ref().is_some_and(|gap| !gap.bridged);
        // A location has the sites of all projects, and a site the pools of all its zones.
        let unsure = [
            (Kind::Location, unread && self.projects.len() > 1),
            (Kind::OCloudSite, part_of_sites),
            (Kind::ResourceType, unknown),
        ];
        let unsure = unsure.into_iter().filter(|(_, unsure)| *unsure).map(|(kind, _)| kind).collect();
        let facts_gap = facts_gap.map(|gap| Gap { bridged: true, ..gap });
        Ok((Stock { unsure, ..map::stock(&self.scope, reports, &facts)? }, Gap::join(gap, facts_gap)))
    }

    /// Reads one resource that was seen before.
    pub(crate) async fn by_name(&self, name: &Name) -> Result<Object> {
        let Name { family, home, own: name } = name;
        let (scope, client) = (&self.scope, &self.client);
        let missing = || Error::new(ErrorKind::NotFound, "there is no such object");
        let plain = conf::name(name, &['-']);
        let path = |collection: &str| {
            let path = home.path(collection, name);
            path.strip_prefix("projects/").filter(|_| plain).map(str::to_owned).ok_or_else(missing)
        };
        match family {
            Sort::Instance => {
                let item: Instance = client.one(Ask::get(&path("instances")?, INSTANCE)).await?;
                map::instance(scope, home, &item)
            }
            Sort::Disk => map::disk(scope, home, &client.one(Ask::get(&path("disks")?, DISK)).await?),
            Sort::Network => {
                map::network(scope, home, &client.one(Ask::get(&path("networks")?, NETWORK)).await?)
            }
            Sort::Subnetwork => {
                map::subnetwork(scope, home, &client.one(Ask::get(&path("subnetworks")?, SUBNETWORK)).await?)
            }
        }
    }

    /// Sees that every region of the configuration exists: a misspelt one would pass for an empty one.
    fn all_chosen(&self, reports: &[&Report]) -> Result<()> {
        let regions = reports.iter().flat_map(|report| &report.regions);
        let known: BTreeSet<&str> = regions.map(|region| region.name.as_str()).collect();
        match self.regions.iter().find(|region| !known.contains(region.as_str())) {
            None => Ok(()),
            Some(region) => {
                Err(Error::invalid("regions", "names a region that no project has")
                    .with_private(region.clone()))
            }
        }
    }

    async fn report(&self, project: &str) -> Result<Report> {
        let (mut instances, mut disks, mut report) = futures::try_join!(
            Box::pin(self.family::<Instance>(Family::Instances, project, "instances", INSTANCE)),
            Box::pin(self.family::<Disk>(Family::Disks, project, "disks", DISK)),
            Box::pin(self.rest(project)),
        )?;
        report.missing.append(&mut instances.missing);
        report.missing.append(&mut disks.missing);
        (report.instances, report.disks) = (instances.items, disks.items);
        report.bridge(self.reports.last(&report.project).as_deref());
        Ok(report)
    }

    /// Reads what there are few of.
    async fn rest(&self, project: &str) -> Result<Report> {
        let mut regions: Vec<Region> = self.places(project, "regions", REGION).await?;
        regions.retain(|region| self.chosen(&region.name));
        let mut zones: Vec<Zone> = self.places(project, "zones", ZONE).await?;
        zones.retain(|zone| {
            let place = Place::parse(&format!("zones/{}", zone.name));
            place.is_some_and(|place| self.chosen(place.region()))
        });
        let networks = self.networks(project).await?;
        let family = Family::Networks;
        let mut subnetworks = self.family::<Subnetwork>(family, project, "subnetworks", SUBNETWORK).await?;
        let (groups, mut missing) = self.groups(project).await?;
        missing.append(&mut subnetworks.missing);
        let (project, subnetworks) = (project.to_owned(), subnetworks.items);
        Ok(Report { project, regions, zones, networks, subnetworks, groups, missing, ..Report::default() })
    }

    async fn networks(&self, project: &str) -> Result<Vec<Network>> {
        if !self.resources.contains(&Family::Networks) {
            return Ok(Vec::new());
        }
        self.flat(&format!("{project}/global/networks"), NETWORK).await
    }

    /// Reads the groups with their members, and says which places could not be read.
    async fn groups(&self, project: &str) -> Result<(Vec<Members>, BTreeSet<Place>)> {
        if self.pools == Pools::Zones || !self.resources.contains(&Family::Instances) {
            return Ok(Default::default());
        }
        let groups = self.scoped::<Group>(project, "instanceGroupManagers", GROUP).await?;
        let calls: Vec<_> =
            groups.items.into_iter().map(|(place, group)| self.members(project, place, group)).collect();
        let members = stream::iter(calls).buffered(GROUPS_AT_ONCE).try_collect().await?;
        Ok((members, groups.missing))
    }

    /// Adds the paths of a group's members.
    async fn members(&self, project: &str, place: Place, group: Group) -> Result<Members> {
        if !conf::name(&group.name, &['-']) {
            return Ok((place, group, Vec::new()));
        }
        let path = format!("{project}/{place}/instanceGroupManagers/{}/listManagedInstances", group.name);
        let mut members = Vec::new();
        let take = |page: wire::Members| {
            let urls = page.managed_instances.into_iter().flatten().filter_map(|member| member.instance);
            members.extend(urls.filter_map(|url| below_projects(&url)));
            members.len()
        };
        self.client.pages(Ask::post(&path, MEMBERS), take).await?;
        Ok((place, group, members))
    }

    /// Reads the places of a project, which always has some.
    async fn places<T: DeserializeOwned>(&self, project: &str, what: &str, of_item: &str) -> Result<Vec<T>> {
        let all = self.flat(&format!("{project}/{what}"), of_item).await?;
        if all.is_empty() { Err(error::incomplete(format!("{project} has no {what}"))) } else { Ok(all) }
    }

    async fn flat<T: DeserializeOwned>(&self, path: &str, of_item: &str) -> Result<Vec<T>> {
        self.client.flat(Ask::get(path, &flat_fields(of_item))).await
    }

    /// Reads a list of all places, if its family is read.
    async fn family<T: DeserializeOwned>(
        &self,
        family: Family,
        project: &str,
        collection: &str,
        of_item: &str,
    ) -> Result<Placed<Place, T>> {
        if self.resources.contains(&family) {
            self.scoped(project, collection, of_item).await
        } else {
            Ok(Placed { items: Vec::new(), missing: BTreeSet::new() })
        }
    }

    /// Reads a list of all places, and keeps what is in a place that is read.
    async fn scoped<T: DeserializeOwned>(
        &self,
        project: &str,
        collection: &str,
        of_item: &str,
    ) -> Result<Placed<Place, T>> {
        let (path, fields) =
            (format!("{project}/aggregated/{collection}"), scoped_fields(collection, of_item));
        let Placed { items, missing } = self.client.scoped::<T>(Ask::get(&path, &fields)).await?;
        let placed = |(place, item): (String, T)| Some((Place::parse(&place)?, item));
        let items = items.into_iter().filter_map(placed).filter(|(place, _)| self.chosen(place.region()));
        let place = |text: &String| {
            Place::within(text).ok_or_else(|| error::incomplete(format!("{path} lacks {text:?}")))
        };
        let mut missing: BTreeSet<Place> = missing.iter().map(place).collect::<Result<_>>()?;
        missing.retain(|place| self.chosen(place.region()));
        Ok(Placed { items: items.collect(), missing })
    }

    /// Tells whether a region is read; what is in none always is.
    fn chosen(&self, region: &str) -> bool {
        self.regions.is_empty() || region == Place::Global.region() || self.regions.contains(region)
    }
}

/// Returns what could not be read of a project that was read.
fn gap_of(report: &Report) -> Option<Gap> {
    let places: Vec<String> = report.missing.iter().map(ToString::to_string).collect();
    let gap = || Gap {
        error: error::incomplete(format!("{} without {}", report.project, places.join(", "))),
        bridged: report.unknown.is_empty(),
    };
    (!places.is_empty()).then(gap)
}

/// Returns the machine types that are used, each with a zone where it can be asked for: rather one of a project that
/// answers.
fn used(projects: &[Part<String, Report>]) -> BTreeMap<String, String> {
    let (fresh, old): (Vec<_>, Vec<_>) = projects.iter().partition(|project| project.fresh);
    let mut used = BTreeMap::new();
    for report in fresh.into_iter().chain(old).map(|project| &project.value) {
        for (place, instance) in &report.instances {
            let zone = || format!("{}/{place}", report.project);
            used.entry(map::type_name(instance).to_owned()).or_insert_with(zone);
        }
    }
    used
}

/// Returns the part of a URL that names the object: `projects/PROJECT/zones/ZONE/instances/NAME`.
pub(crate) fn below_projects(url: &str) -> Option<String> {
    let (_, path) = url.split_once("/projects/")?;
    Some(format!("projects/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_every_host_name_the_same_object() {
        for host in ["https://www.googleapis.com/compute/v1", "https://compute.googleapis.com/compute/v1"] {
            let url = format!("{host}/projects/p/zones/a-b/instances/x");
            assert_eq!(below_projects(&url).as_deref(), Some("projects/p/zones/a-b/instances/x"));
        }
        assert_eq!(below_projects("x"), None);
    }
}
