//! Reads the whole inventory, or one object of it.

use crate::accounts::{Account, Accounts};
use crate::client::{Client, Params, Site};
use crate::conf::{Family, Pools};
use crate::error::unreadable;
use crate::map::inventory::{Inventory, Name, Whole};
use crate::map::kind::Sort;
use crate::map::place::{Place, Zones};
use crate::map::{Here, Member, Scope, capacity, instance, network, pool, volume};
use crate::wire::Page;
use crate::wire::capacity::{CapacityReservations, Hosts};
use crate::wire::group::Groups;
use crate::wire::instance::{InstanceType, InstanceTypes, Instances};
use crate::wire::network::{Subnets, Vpcs};
use crate::wire::place::{Regions, Zones as ZoneList};
use crate::wire::volume::Volumes;
use aws_credential_types::Credentials;
use futures::{StreamExt, TryStreamExt, stream};
use netweave_model::parts::Parts;
use netweave_model::port::Gap;
use netweave_model::{Error, ErrorKind, Id, Kind, Object, Result};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

/// Regions that are read at the same time.
const AT_ONCE: usize = 4;
/// Values of one filter. Source: Amazon EC2 API Reference, `Filter`: at most 200.
const MAX_VALUES: usize = 100;

/// Everything that is needed to read.
pub(crate) struct Reader {
    pub(crate) client: Client,
    pub(crate) accounts: Accounts,
    pub(crate) scope: Scope,
    pub(crate) families: Vec<Family>,
    pub(crate) pools: Pools,
    /// All that are enabled if there are none.
    pub(crate) regions: Vec<String>,
    /// Where roles are assumed and regions asked for.
    pub(crate) home: String,
    /// Instance types that were seen: what they are made of does not change.
    pub(crate) types: Mutex<HashMap<String, InstanceType>>,
    /// The regions of each account.
    pub(crate) places: Parts<usize, Vec<Part>>,
    /// What is in each region of each account.
    pub(crate) inventories: Parts<PartKey, Inventory>,
}

/// An account, by its place in the configuration, and a region.
pub(crate) type PartKey = (usize, String);

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Depth {
    /// Zones and groups: locations, sites and pools follow from these.
    Places,
    /// The resources too.
    Resources,
    /// And what their types are made of.
    Everything,
}

impl Depth {
    /// Returns how much must be read for some kinds.
    pub(crate) fn of(kinds: &[Kind]) -> Self {
        if kinds.contains(&Kind::ResourceType) {
            Self::Everything
        } else if kinds.contains(&Kind::Resource) {
            Self::Resources
        } else {
            Self::Places
        }
    }
}

/// One region of one account.
#[derive(Clone)]
pub(crate) struct Part {
    account: usize,
    number: String,
    keys: Credentials,
    region: String,
}

impl Part {
    fn site(&self) -> Site<'_> {
        Site { keys: &self.keys, region: &self.region }
    }

    fn key(&self) -> PartKey {
        (self.account, self.region.clone())
    }

    fn name(&self, sort: Sort, id: &str) -> Name {
        Name { account: self.account, region: self.region.clone(), sort, id: id.to_owned() }
    }
}

/// The zones and pools of a part, which its objects refer to.
struct Ground {
    zones: Zones,
    groups: BTreeMap<String, Id>,
}

impl Ground {
    fn here<'a>(&'a self, scope: &'a Scope, part: &'a Part) -> Here<'a> {
        let (account, region) = (part.number.as_str(), part.region.as_str());
        Here { scope, account, region, zones: &self.zones, groups: &self.groups }
    }
}

impl Reader {
    /// Asks every account for something that the gateway must be able to read.
    pub(crate) async fn probe(&self) -> Result<()> {
        self.accounts.begin().await;
        let mut asked = Vec::new();
        for account in self.accounts.all() {
            asked.push(account.heeded(self.look(account)));
        }
        stream::iter(asked).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn look(&self, account: &Account) -> Result<()> {
        let keys = account.keys(&self.client, &self.home).await?;
        let site = Site { keys: &keys, region: &self.home };
        self.client.list::<ZoneList>(site, &[]).await.map(drop)
    }

    /// Reads the accounts and regions. One of them that fails is a gap.
    ///
    /// # Errors
    /// None could be read.
    pub(crate) async fn whole(&self, depth: Depth) -> Result<(Whole, Option<Gap>)> {
        self.accounts.begin().await;
        let mut asked = Vec::new();
        for (index, account) in self.accounts.all().iter().enumerate() {
            asked.push((index, account.heeded(self.parts(index, account))));
        }
        let places = self.places.read(asked, AT_ONCE).await?;
        let parts: Vec<&Part> = places.parts.iter().flat_map(|account| account.value.iter()).collect();
        let mut asked = Vec::new();
        for part in &parts {
            let account = self.account(part.account)?;
            asked.push((part.key(), account.heeded(self.part(part, depth))));
        }
        // What stands in for a part that fails must be all of it.
        let regions = match depth {
            Depth::Everything => self.inventories.read(asked, AT_ONCE).await?,
            Depth::Places | Depth::Resources => self.inventories.apart().read(asked, AT_ONCE).await?,
        };
        let mut inventory = Inventory::default();
        // In their order, so that what two accounts share is always told by the same one.
        for region in &regions.parts {
            inventory.merge(&region.value);
        }
        let fresh = regions.parts.iter().find(|region| region.fresh).map(|region| &region.key);
        let learnt = match parts.iter().find(|part| Some(&part.key()) == fresh) {
            Some(part) if depth == Depth::Everything => {
                self.account(part.account)?.heeded(self.learn(part, &inventory)).await
            }
            _ => Ok(()),
        };
        let gap = Gap::join(places.gap, regions.gap);
        let unsure = self.unsure(gap.as_ref(), learnt.is_err());
        let gap = Gap::join(gap, learnt.err().map(|error| Gap { error, bridged: true }));
        let types = self.types.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((Whole { unsure, ..inventory.finish(&self.scope, &types)? }, gap))
    }

    /// Returns the kinds that cannot be told as they are: a location has the sites of all accounts.
    fn unsure(&self, gap: Option<&Gap>, types_unknown: bool) -> Vec<Kind> {
        let shared = self.accounts.all().len() > 1 && gap.is_some_and(|gap| !gap.bridged);
        let kinds = [(Kind::Location, shared), (Kind::ResourceType, types_unknown)];
        kinds.into_iter().filter(|(_, unsure)| *unsure).map(|(kind, _)| kind).collect()
    }

    fn account(&self, index: usize) -> Result<&Account> {
        self.accounts.all().get(index).ok_or_else(missing)
    }

    /// Reads one resource as it is now.
    ///
    /// # Errors
    /// `NotFound`: it is gone.
    pub(crate) async fn one(&self, name: &Name) -> Result<Object> {
        self.accounts.begin().await;
        let account = self.account(name.account)?;
        account.heeded(Box::pin(self.one_of(account, name))).await
    }

    async fn one_of(&self, account: &Account, name: &Name) -> Result<Object> {
        let keys = account.keys(&self.client, &self.home).await?;
        let number = account.id(&self.client, &self.home).await?.to_owned();
        let part = Part { account: name.account, number, keys, region: name.region.clone() };
        let ground = self.ground(&part, &mut Inventory::default()).await?;
        let here = ground.here(&self.scope, &part);
        let site = part.site();
        let found = match name.sort {
            Sort::Instance => {
                let all = self.by_id::<Instances>(site, "InstanceId", &name.id).await?;
                all.iter()
                    .filter(|item| !instance::is_gone(item))
                    .map(|item| instance::instance(&here, item))
                    .next()
            }
            Sort::Host => {
                let all = self.by_id::<Hosts>(site, "HostId", &name.id).await?;
                all.iter()
                    .filter(|item| !capacity::host_is_gone(item))
                    .map(|item| capacity::host(&here, item))
                    .next()
            }
            Sort::CapacityReservation => {
                let all = self.by_id::<CapacityReservations>(site, "CapacityReservationId", &name.id).await?;
                let mut there = all.iter().filter(|item| !capacity::reservation_is_gone(item));
                there.next().map(|item| capacity::reservation(&here, item))
            }
            Sort::Vpc => {
                let all = self.by_id::<Vpcs>(site, "VpcId", &name.id).await?;
                all.first().map(|item| network::vpc(&here, item))
            }
            Sort::Subnet => {
                let all = self.by_id::<Subnets>(site, "SubnetId", &name.id).await?;
                all.first().map(|item| network::subnet(&here, item))
            }
            Sort::Volume => {
                let all = self.by_id::<Volumes>(site, "VolumeId", &name.id).await?;
                all.iter()
                    .filter(|item| !volume::is_gone(item))
                    .map(|item| volume::volume(&here, item))
                    .next()
            }
        };
        Ok(found.ok_or_else(missing)??.object)
    }

    /// Asks for one object by its id, which excludes paging.
    async fn by_id<T: Page>(&self, site: Site<'_>, parameter: &str, id: &str) -> Result<Vec<T::Item>> {
        let params = [(format!("{parameter}.1"), id.to_owned())];
        Ok(self.client.call::<T>(site, &params).await?.into_parts().0)
    }

    /// Returns the regions of an account, with keys for each.
    async fn parts(&self, index: usize, account: &Account) -> Result<Vec<Part>> {
        let keys = account.keys(&self.client, &self.home).await?;
        let number = account.id(&self.client, &self.home).await?;
        let regions = if self.regions.is_empty() {
            let all = self.client.list::<Regions>(Site { keys: &keys, region: &self.home }, &[]).await?;
            let enabled = all.into_iter().filter(|region| region.opt_in_status != "not-opted-in");
            let names: Vec<String> = enabled.map(|region| region.region_name).collect();
            if names.is_empty() || names.iter().any(String::is_empty) {
                return Err(unreadable("no region, or one without a name"));
            }
            names
        } else {
            self.regions.clone()
        };
        let part = |region| Part { account: index, number: number.to_owned(), keys: keys.clone(), region };
        Ok(regions.into_iter().map(part).collect())
    }

    /// Reads one region of one account.
    async fn part(&self, part: &Part, depth: Depth) -> Result<Inventory> {
        let mut inventory = Inventory::default();
        let ground = self.ground(part, &mut inventory).await?;
        let here = ground.here(&self.scope, part);
        for family in self.families.iter().filter(|_| depth != Depth::Places) {
            match family {
                Family::Instances => self.instances(part, &here, &mut inventory).await?,
                Family::Hosts => self.hosts(part, &here, &mut inventory).await?,
                Family::CapacityReservations => self.reservations(part, &here, &mut inventory).await?,
                Family::Networks => self.networks(part, &here, &mut inventory).await?,
                Family::Volumes => self.volumes(part, &here, &mut inventory).await?,
            }
        }
        Ok(inventory)
    }

    /// Reads the zones and, where they are pools, the groups; adds their pools.
    async fn ground(&self, part: &Part, inventory: &mut Inventory) -> Result<Ground> {
        let zones = Zones::new(self.client.list::<ZoneList>(part.site(), &[]).await?)?;
        let mut ground = Ground { zones, groups: BTreeMap::new() };
        let region = Place { region: part.region.clone(), words: None };
        let here = ground.here(&self.scope, part);
        inventory.put_pool(pool::region(&here), region.clone())?;
        for zone in ground.zones.iter() {
            inventory.put_pool(pool::zone(&here, zone), Place::of(zone))?;
        }
        let mut groups = BTreeMap::new();
        if self.pools == Pools::AutoScalingGroups {
            for group in self.client.list::<Groups>(part.site(), &[]).await? {
                if group.arn.is_empty() || group.auto_scaling_group_name.is_empty() {
                    return Err(unreadable("a group without a name"));
                }
                inventory.put_pool(pool::group(&here, &group), region.clone())?;
                groups.insert(group.auto_scaling_group_name.clone(), pool::group_id(&self.scope, &group));
            }
        }
        ground.groups = groups;
        Ok(ground)
    }

    async fn instances(&self, part: &Part, here: &Here<'_>, inventory: &mut Inventory) -> Result<()> {
        let each = |page: Vec<_>| {
            page.iter().filter(|item| !instance::is_gone(item)).try_for_each(|item| {
                put(inventory, instance::instance(here, item)?, part.name(Sort::Instance, &item.instance_id))
            })
        };
        self.client.all::<Instances>(part.site(), &[], each).await
    }

    async fn hosts(&self, part: &Part, here: &Here<'_>, inventory: &mut Inventory) -> Result<()> {
        let each = |page: Vec<_>| {
            page.iter().filter(|item| !capacity::host_is_gone(item)).try_for_each(|item| {
                put(inventory, capacity::host(here, item)?, part.name(Sort::Host, &item.host_id))
            })
        };
        self.client.all::<Hosts>(part.site(), &[], each).await
    }

    async fn reservations(&self, part: &Part, here: &Here<'_>, inventory: &mut Inventory) -> Result<()> {
        let each = |page: Vec<_>| {
            page.iter().filter(|item| !capacity::reservation_is_gone(item)).try_for_each(|item| {
                let name = part.name(Sort::CapacityReservation, &item.capacity_reservation_id);
                put(inventory, capacity::reservation(here, item)?, name)
            })
        };
        self.client.all::<CapacityReservations>(part.site(), &[], each).await
    }

    async fn networks(&self, part: &Part, here: &Here<'_>, inventory: &mut Inventory) -> Result<()> {
        let each = |page: Vec<_>| {
            page.iter().try_for_each(|item| {
                put(inventory, network::vpc(here, item)?, part.name(Sort::Vpc, &item.vpc_id))
            })
        };
        self.client.all::<Vpcs>(part.site(), &[], each).await?;
        let each = |page: Vec<_>| {
            page.iter().try_for_each(|item| {
                put(inventory, network::subnet(here, item)?, part.name(Sort::Subnet, &item.subnet_id))
            })
        };
        self.client.all::<Subnets>(part.site(), &[], each).await
    }

    async fn volumes(&self, part: &Part, here: &Here<'_>, inventory: &mut Inventory) -> Result<()> {
        let each = |page: Vec<_>| {
            page.iter().filter(|item| !volume::is_gone(item)).try_for_each(|item| {
                put(inventory, volume::volume(here, item)?, part.name(Sort::Volume, &item.volume_id))
            })
        };
        self.client.all::<Volumes>(part.site(), &[], each).await
    }

    /// Asks what the instance types are made of that are new in an inventory.
    async fn learn(&self, part: &Part, inventory: &Inventory) -> Result<()> {
        let unknown: Vec<String> = {
            let known = self.types.lock().unwrap_or_else(PoisonError::into_inner);
            inventory.instance_types().filter(|name| !known.contains_key(*name)).map(str::to_owned).collect()
        };
        for names in unknown.chunks(MAX_VALUES) {
            let mut params: Params = vec![("Filter.1.Name".to_owned(), "instance-type".to_owned())];
            let value =
                |(index, name): (usize, &String)| (format!("Filter.1.Value.{}", index + 1), name.clone());
            params.extend(names.iter().enumerate().map(value));
            let found = self.client.list::<InstanceTypes>(part.site(), &params).await?;
            let mut known = self.types.lock().unwrap_or_else(PoisonError::into_inner);
            known.extend(found.into_iter().map(|one| (one.instance_type.clone(), one)));
        }
        Ok(())
    }
}

pub(crate) fn put(inventory: &mut Inventory, member: Member, name: Name) -> Result<()> {
    if name.id.is_empty() {
        return Err(unreadable("an object without an id"));
    }
    inventory.put(member, name);
    Ok(())
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such object")
}
