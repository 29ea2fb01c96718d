//! Generated inventory files: one pool of servers each, whose objects have the size and shape of real ones.

use crate::Result;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// A file backend reads at most 64 MiB from one file.
pub const PER_FILE: usize = 50_000;

/// One file of so many servers. Ids are readable: pool `NAME`, servers `NAME-000000` and so on.
#[derive(Clone, Debug)]
pub struct Stock {
    /// The file's name without extension; also the pool's id.
    pub name: String,
    /// How many servers.
    pub servers: usize,
    /// Further text in each server's extensions, to reach a size.
    pub padding: usize,
    /// Descriptions of single servers, by number; changing one is a change of one object.
    pub marks: BTreeMap<usize, String>,
}

impl Stock {
    /// Plans a file.
    pub fn new(name: impl Into<String>, servers: usize) -> Self {
        Self { name: name.into(), servers, padding: 0, marks: BTreeMap::new() }
    }

    /// Plans as few files as so many servers need: `pool-0`, `pool-1` and so on.
    pub fn pools(servers: usize) -> Vec<Self> {
        let size = |index: usize| PER_FILE.min(servers - index * PER_FILE);
        (0..servers.div_ceil(PER_FILE)).map(|index| Self::new(format!("pool-{index}"), size(index))).collect()
    }

    /// Writes the file into a folder, replacing it atomically.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let new = folder.join(format!("{}.new", self.name));
        std::fs::write(&new, self.document().to_string())?;
        std::fs::rename(new, folder.join(format!("{}.yaml", self.name)))?;
        Ok(())
    }

    /// Returns the path of the pool's resources.
    pub fn list(&self) -> String {
        format!("/o2ims-infrastructureInventory/v2/resourcePools/{}/resources", self.name)
    }

    /// Returns the path of the first server.
    pub fn first(&self) -> String {
        format!("{}/{}-000000", self.list(), self.name)
    }

    fn document(&self) -> Value {
        let name = &self.name;
        json!({
            "apiVersion": "netweave-inventory/v1",
            "locations": [{ "key": name, "id": format!("location-{name}"), "address": "1 Bench Street" }],
            "sites": [{ "key": name, "id": format!("site-{name}"), "location": name }],
            "resourceTypes": [{
                "key": name, "id": format!("type-{name}"), "vendor": "Example", "model": "B-1", "version": "1",
                "resourceKind": "PHYSICAL", "resourceClass": "COMPUTE",
            }],
            "resourcePools": [{ "key": name, "id": name, "site": name }],
            "resources": (0..self.servers).map(|index| self.server(index)).collect::<Vec<_>>(),
        })
    }

    fn server(&self, index: usize) -> Value {
        let key = format!("{}-{index:06}", self.name);
        let description = self.marks.get(&index).cloned().unwrap_or_else(|| format!("server {index}"));
        let mut server = json!({
            "key": key, "id": key, "pool": self.name, "type": self.name, "description": description,
            "globalAssetId": format!("urn:asset:{index}"), "tags": ["bench", "server"],
            "extensions": {
                "serial": format!("SN{index:08}"), "cores": 16 + index % 48, "memoryMiB": 65_536, "rack": index % 40,
                "firmware": { "bios": "2.4.1", "bmc": "1.9.0", "nic": "22.31.6" },
                "labels": {
                    "kubernetes.io/arch": "amd64", "topology.kubernetes.io/zone": format!("zone-{}", index % 3),
                    "node-role.kubernetes.io/worker": "",
                },
                "nics": [
                    { "name": "eth0", "mbps": 25_000, "mac": format!("02:00:00:{:02x}:{:02x}:00", index >> 8 & 255, index & 255) },
                    { "name": "eth1", "mbps": 25_000, "mac": format!("02:00:00:{:02x}:{:02x}:01", index >> 8 & 255, index & 255) },
                ],
                "sriov": { "resource": "intel.com/sriov_vf", "virtualFunctions": 32, "driver": "vfio-pci" },
                "ptp": { "profile": "G.8275.1", "domain": 24, "locked": true },
                "accelerators": [{ "model": "ACC100", "vendor": "Example", "slot": "0000:3b:00.0" }],
                "hugepages": { "1Gi": 16, "2Mi": 0 },
            },
        });
        if self.padding > 0
            && let Some(extensions) = server.pointer_mut("/extensions").and_then(Value::as_object_mut)
        {
            extensions.insert("padding".to_owned(), "x".repeat(self.padding).into());
        }
        server
    }
}
