//! What Compute Engine answers, as far as it is read: per object a type, and beside it the names of its fields.
//!
//! Every field may be missing or null; a field of another type makes the answer unusable as a whole. Which fields exist
//! is checked by the peer of the tests, which refuses names that Google's discovery document does not know.

mod compute;
mod network;
mod page;
mod place;
mod storage;

pub(crate) use compute::{
    Accelerator, AttachedDisk, GROUP, Group, INSTANCE, Instance, Interface, MACHINE_TYPE, MEMBERS,
    MachineType, Members,
};
pub(crate) use network::{NETWORK, Network, SUBNETWORK, Subnetwork};
pub(crate) use page::{Flat, Page, Scoped, flat_fields, scoped_fields};
pub(crate) use place::{REGION, Region, ZONE, Zone};
pub(crate) use storage::{DISK, Disk};

/// Returns the last segment of a URL: the name of what it refers to.
pub(crate) fn last(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}

/// Returns the last segment of a URL that may be missing.
pub(crate) fn last_of(url: Option<&String>) -> Option<&str> {
    url.map(|url| last(url)).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
