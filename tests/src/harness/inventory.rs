//! An inventory file that a test edits while the gateway watches it.
//!
//! Ids are given, equal to the keys, so that a test can write paths: pools `pool-a` and `pool-b`, resources `server-00`
//! and so on, alternating between the pools.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The file's name in its folder.
const NAME: &str = "inventory.yaml";

/// An inventory file in a folder of its own.
pub struct Inventory {
    folder: TempDir,
    document: Value,
}

impl Inventory {
    /// Writes an inventory with two of each kind of place, two types and so many servers.
    pub fn with_servers(count: usize) -> Self {
        let servers: Vec<Value> = (0..count).map(server).collect();
        let mut document = frame();
        document["resources"] = servers.into();
        let inventory = Self { folder: tempfile::tempdir().expect("a temporary folder"), document };
        inventory.write();
        inventory
    }

    /// Returns the file's path.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(NAME)
    }

    /// Changes the document and replaces the file by it, atomically.
    pub fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        change(&mut self.document);
        self.write();
    }

    /// Adds a server to a pool.
    pub fn add(&mut self, key: &str, pool: &str) {
        let mut entry = server(0);
        for (name, value) in [("key", key), ("id", key), ("pool", pool), ("description", key)] {
            entry[name] = value.into();
        }
        self.edit(|document| {
            document["resources"].as_array_mut().expect("resources").push(entry);
        });
    }

    /// Removes a server.
    pub fn remove(&mut self, key: &str) {
        self.edit(|document| {
            document["resources"].as_array_mut().expect("resources").retain(|entry| entry["key"] != key);
        });
    }

    /// Sets a server's description.
    pub fn describe(&mut self, key: &str, description: &str) {
        self.edit(|document| {
            let entries = document["resources"].as_array_mut().expect("resources");
            let entry = entries.iter_mut().find(|entry| entry["key"] == key).expect("a known server");
            entry["description"] = description.into();
        });
    }

    /// Replaces the file by text that is no inventory; the document stays, so that any edit mends it.
    pub fn spoil(&self) {
        replace(&self.path(), "apiVersion: netweave-inventory/v1\nresources: {not: a list");
    }

    /// Removes the file; any edit brings it back.
    pub fn vanish(&self) {
        std::fs::remove_file(self.path()).expect("the file goes");
    }

    /// Writes the document to the file.
    pub fn write(&self) {
        replace(&self.path(), &self.document.to_string());
    }
}

/// Replaces a file by renaming a new one over it, as editors and mounted volumes do.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).expect("a new file");
    std::fs::rename(&new, path).expect("the new file in place of the old");
}

/// Describes one server of the inventory; its attributes differ enough to be told apart by filters.
fn server(index: usize) -> Value {
    let key = format!("server-{index:02}");
    json!({
        "key": key,
        "id": key,
        "pool": if index.is_multiple_of(2) { "pool-a" } else { "pool-b" },
        "type": if index.is_multiple_of(3) { "accelerated" } else { "plain" },
        "description": format!("server {index}"),
        "globalAssetId": format!("asset/{index}"),
        "tags": [format!("rack-{}", index % 4), "server"],
        "groups": [],
        "extensions": {
            "cores": 16 + index,
            "installed": format!("2026-01-{:02}T00:00:00Z", index % 28 + 1),
            "labels": { "example.com/role": if index.is_multiple_of(5) { "edge" } else { "core" } },
        },
    })
}

/// Everything of the inventory but the servers.
fn frame() -> Value {
    json!({
        "apiVersion": "netweave-inventory/v1",
        "locations": [{
            "key": "north", "id": "north", "name": "North", "description": "The northern region",
            "coordinate": { "longitude": 13.4, "latitude": 52.5 }, "address": "1 North Street",
        }],
        "sites": [
            { "key": "site-a", "id": "site-a", "name": "Site A", "description": "The first site", "location": "north" },
            { "key": "site-b", "id": "site-b", "name": "Site B", "description": "The second site", "location": "north" },
        ],
        "alarmDictionaries": [{
            "key": "server-alarms", "id": "server-alarms", "version": "1.0", "entityType": "server", "vendor": "Example",
            "alarms": [{
                "key": "CPU_DOWN", "name": "CPU down", "description": "A processor has failed",
                "proposedRepairActions": "Replace it", "clearingType": "AUTOMATIC", "lastChange": "1.0",
            }],
            "probableCauses": [{ "code": "CPU_DOWN", "description": "A processor has failed" }],
        }],
        "performanceDictionaries": [{
            "key": "server-figures", "id": "server-figures", "version": "1.0", "vendorSoftwareProduct": "Example agent",
            "measurements": [{ "key": "cpu.load", "measurementDefinition": { "name": "cpu.load", "unit": "percent" } }],
        }],
        "resourceTypes": [
            {
                "key": "plain", "id": "plain", "name": "Plain server", "vendor": "Example", "model": "P-1", "version": "1",
                "resourceKind": "PHYSICAL", "resourceClass": "COMPUTE",
                "alarmDictionary": "server-alarms", "performanceDictionary": "server-figures",
            },
            {
                "key": "accelerated", "id": "accelerated", "name": "Accelerated server", "vendor": "Example",
                "model": "A-1", "version": "2", "resourceKind": "PHYSICAL", "resourceClass": "COMPUTE",
            },
        ],
        "resourcePools": [
            { "key": "pool-a", "id": "pool-a", "name": "Pool A", "description": "The first pool", "site": "site-a" },
            { "key": "pool-b", "id": "pool-b", "name": "Pool B", "description": "The second pool", "site": "site-b" },
        ],
        "deploymentManagers": [{
            "key": "dms-1", "id": "dms-1", "name": "DMS 1", "description": "A cluster",
            "serviceUri": "https://dms.example.com", "supportedLocations": ["north"],
            "capabilities": { "kubernetes": "1.37" }, "capacity": { "cpu": "64" },
        }],
    })
}
