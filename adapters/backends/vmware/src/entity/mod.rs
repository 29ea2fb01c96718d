//! What is kept of a managed object: its name, its links to others, and facts under the names they are served by.
//!
//! The tables say which properties are asked for and what becomes of each; there is no other list of them.

mod form;

use crate::soap::Family;
use crate::soap::answer::{Event, Update};
use crate::soap::{Ref, xml::Node};
use form::Form;
use netweave_model::domain::KeyValuePairs;
use netweave_model::{Error, Result};

/// Where a property goes.
enum Goes {
    Name,
    Parent,
    /// The compute resource that a pool belongs to.
    Owner,
    /// The pool that a machine runs in.
    Pool,
    /// The host that a machine runs on.
    Host,
    Datastores,
    Networks,
    /// Into the facts, under a key.
    Fact(&'static str, Form),
}

use Goes::{Datastores, Fact, Host, Name, Networks, Owner, Parent, Pool};

/// A property's path, and where it goes.
type Row = (&'static str, Goes);

const FOLDER: &[Row] = &[("parent", Parent)];
const DATACENTER: &[Row] = &[("name", Name), ("parent", Parent)];
const COMPUTE: &[Row] = DATACENTER;
const POOL: &[Row] = &[
    ("name", Name),
    ("parent", Parent),
    ("owner", Owner),
    ("config.cpuAllocation.reservation", Fact("cpuReservationMhz", Form::Count)),
    ("config.cpuAllocation.limit", Fact("cpuLimitMhz", Form::Count)),
    ("config.memoryAllocation.reservation", Fact("memoryReservationMiB", Form::Count)),
    ("config.memoryAllocation.limit", Fact("memoryLimitMiB", Form::Count)),
];
const HOST: &[Row] = &[
    ("name", Name),
    ("parent", Parent),
    ("runtime.connectionState", Fact("connectionState", Form::Text)),
    ("runtime.powerState", Fact("powerState", Form::Text)),
    ("runtime.inMaintenanceMode", Fact("inMaintenanceMode", Form::Flag)),
    ("summary.hardware", Fact("hardware", Form::Hardware)),
    ("hardware.systemInfo", Fact("system", Form::System)),
    ("hardware.biosInfo", Fact("bios", Form::Bios)),
    ("config.product", Fact("software", Form::Software)),
    ("config.network.pnic", Fact("nics", Form::Nics)),
];
const MACHINE: &[Row] = &[
    ("name", Name),
    ("parent", Parent),
    ("resourcePool", Pool),
    ("runtime.host", Host),
    ("datastore", Datastores),
    ("network", Networks),
    ("runtime.powerState", Fact("powerState", Form::Text)),
    ("runtime.connectionState", Fact("connectionState", Form::Text)),
    ("config.template", Fact("template", Form::Flag)),
    ("config.hardware.numCPU", Fact("cpus", Form::Count)),
    ("config.hardware.memoryMB", Fact("memoryMiB", Form::Count)),
    ("config.uuid", Fact("uuid", Form::Text)),
    ("config.instanceUuid", Fact("instanceUuid", Form::Text)),
    ("config.guestId", Fact("guestId", Form::Text)),
    ("config.guestFullName", Fact("guestName", Form::Text)),
    ("summary.config.numEthernetCards", Fact("nicCount", Form::Count)),
    ("summary.config.numVirtualDisks", Fact("diskCount", Form::Count)),
];
const DATASTORE: &[Row] = &[
    ("name", Name),
    ("parent", Parent),
    ("summary.type", Fact("type", Form::Text)),
    ("summary.url", Fact("url", Form::Text)),
    ("summary.capacity", Fact("capacityBytes", Form::Count)),
    ("summary.accessible", Fact("accessible", Form::Flag)),
    ("summary.maintenanceMode", Fact("maintenanceMode", Form::Text)),
    ("summary.multipleHostAccess", Fact("multipleHostAccess", Form::Flag)),
];
const NETWORK: &[Row] =
    &[("name", Name), ("parent", Parent), ("summary.accessible", Fact("accessible", Form::Flag))];

fn rows(family: Family) -> &'static [Row] {
    match family {
        Family::Folder => FOLDER,
        Family::Datacenter => DATACENTER,
        Family::Compute => COMPUTE,
        Family::Pool => POOL,
        Family::Host => HOST,
        Family::Machine => MACHINE,
        Family::Datastore => DATASTORE,
        Family::Network => NETWORK,
    }
}

/// Returns the properties that are asked for.
pub(crate) fn paths(family: Family) -> impl Iterator<Item = &'static str> {
    rows(family).iter().map(|(path, _)| *path)
}

/// To whom an object belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Links {
    pub(crate) parent: Option<Ref>,
    pub(crate) owner: Option<Ref>,
    pub(crate) pool: Option<Ref>,
    pub(crate) host: Option<Ref>,
}

impl Links {
    /// Returns all of them.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Ref> {
        [&self.parent, &self.owner, &self.pool, &self.host].into_iter().flatten()
    }
}

/// What is known of one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Entity {
    /// The server's own name of its type.
    pub(crate) subtype: Box<str>,
    pub(crate) name: Option<String>,
    pub(crate) links: Links,
    /// Sorted, each once.
    pub(crate) datastores: Vec<Ref>,
    /// Sorted, each once.
    pub(crate) networks: Vec<Ref>,
    pub(crate) facts: KeyValuePairs,
}

impl Entity {
    /// Takes in what was said; an object that enters begins empty.
    ///
    /// # Errors
    /// `Internal`: a value has another form than it should have.
    pub(crate) fn apply(&mut self, update: &Update) -> Result<()> {
        if update.event == Event::Enter {
            *self = Self { subtype: update.subtype.clone(), ..Self::default() };
        }
        for (path, value) in &update.changes {
            self.set(update.object.family, path, value.as_ref()).map_err(|error| {
                error.with_private(format!("{path} of {} {}", update.subtype, update.object.value))
            })?;
        }
        Ok(())
    }

    fn set(&mut self, family: Family, path: &str, value: Option<&Node>) -> Result<()> {
        let Some((_, goes)) = rows(family).iter().find(|(known, _)| *known == path) else {
            return part_of_a_property(family, path);
        };
        match goes {
            Name => self.name = form::text(value)?.map(|text| form::name(&text)),
            Parent => self.links.parent = form::reference(value)?,
            Owner => self.links.owner = form::reference(value)?,
            Pool => self.links.pool = form::reference(value)?,
            Host => self.links.host = form::reference(value)?,
            Datastores => self.datastores = form::references(value)?,
            Networks => self.networks = form::references(value)?,
            Fact(key, form) => match form.read(value)? {
                Some(fact) => drop(self.facts.insert((*key).to_owned(), fact)),
                None => drop(self.facts.remove(*key)),
            },
        }
        Ok(())
    }

    /// Returns a fact that is text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.facts.get(key).and_then(serde_json::Value::as_str)
    }

    /// Returns a fact that is a number.
    pub(crate) fn count(&self, key: &str) -> Option<i64> {
        self.facts.get(key).and_then(serde_json::Value::as_i64)
    }
}

/// Refuses a change of a part of a property, which cannot be put into what is kept; what nobody asked for is ignored.
fn part_of_a_property(family: Family, path: &str) -> Result<()> {
    let part = |known: &str| path.strip_prefix(known).is_some_and(|rest| rest.starts_with(['.', '[']));
    if paths(family).any(part) {
        return Err(Error::internal("a change tells a part of a property"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
