//! The configuration of a measured gateway.

use crate::Result;
use crate::server::free;
use serde_json::{Value, json};
use std::net::SocketAddr;

/// What a gateway is started with.
#[derive(Debug)]
pub struct Conf {
    /// Where its API will be.
    pub api: SocketAddr,
    /// Where its operations port will be.
    pub ops: SocketAddr,
    /// The configuration file.
    pub document: Value,
}

impl Conf {
    /// Puts a section in place of what is planned.
    pub fn set(&mut self, section: &str, value: Value) {
        if let Some(document) = self.document.as_object_mut() {
            document.insert(section.to_owned(), value);
        }
    }

    /// Puts single keys in place of what is planned: of mappings, only the keys that are given, unless they are of another kind.
    pub fn put(&mut self, keys: Value) {
        merge(&mut self.document, keys);
    }
}

fn merge(document: &mut Value, keys: Value) {
    match (document, keys) {
        (Value::Object(document), Value::Object(keys))
            if keys.get("kind").is_none_or(|kind| document.get("kind") == Some(kind)) =>
        {
            for (key, value) in keys {
                merge(document.entry(key).or_insert(Value::Null), value);
            }
        }
        (document, value) => *document = value,
    }
}

/// Plans a gateway over inventory files, `NAME.yaml` each, in a folder with certificates, with its limits out of the way.
///
/// # Errors
/// There is no free port.
pub fn conf(files: &[String]) -> Result<Conf> {
    let (api, ops) = (free()?, free()?);
    let backends: Vec<Value> = files
        .iter()
        .map(|file| json!({ "name": file, "kind": "file", "path": format!("{file}.yaml") }))
        .collect();
    let document = json!({
        "apiVersion": "netweave/v1",
        "environment": "dev",
        "api": { "listen": [api], "tls": { "certificate": "tls.crt", "key": "tls.key", "clientCa": "ca.crt" } },
        "ops": { "listen": ops },
        "state": { "kind": "embedded", "path": "netweave.db" },
        "limits": { "connections": 20_000, "connectionsPerIp": 20_000, "requestsPerSecond": 1_000_000, "perIdentity": { "rate": 1_000_000, "burst": 1_000_000 }, "newSubscriptions": { "rate": 1_000_000, "burst": 1_000_000 } },
        "shutdown": { "delay": "0s", "grace": "1s" },
        "log": { "level": "info", "format": "json" },
        "backends": backends,
    });
    Ok(Conf { api, ops, document })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_put_one_by_one_and_a_section_of_another_kind_as_a_whole() {
        let mut conf = conf(&[]).unwrap();
        conf.put(json!({ "limits": { "shared": true }, "state": { "kind": "redis", "url": "redis://a" } }));
        assert_eq!(conf.document["limits"]["shared"], true);
        assert_eq!(conf.document["limits"]["connections"], 20_000);
        assert_eq!(conf.document["state"], json!({ "kind": "redis", "url": "redis://a" }));
        conf.put(json!({ "state": { "kind": "redis", "username": "netweave" } }));
        assert_eq!(
            conf.document["state"],
            json!({ "kind": "redis", "url": "redis://a", "username": "netweave" })
        );
    }
}
