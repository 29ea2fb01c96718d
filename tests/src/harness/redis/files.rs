//! The files of `deploy/redis`, filled in for one test.

use super::wire::Access;
use crate::harness::client;
use crate::harness::pki::Pki;
use aws_lc_rs::digest::{SHA256, digest};
use rustls::ClientConfig;
use serde_json::{Value, json};
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Under which name the Sentinels watch the servers.
pub(crate) const SERVICE: &str = "mymaster";

const STATE: &str = include_str!("../../../../deploy/redis/state.conf");
const CACHE: &str = include_str!("../../../../deploy/redis/cache.conf");
const SENTINEL: &str = include_str!("../../../../deploy/redis/sentinel.conf");
const TLS: &str = include_str!("../../../../deploy/redis/tls.conf");
const USERS: [(&str, &str); 2] = [
    ("users.acl", include_str!("../../../../deploy/redis/users.acl")),
    ("sentinels.acl", include_str!("../../../../deploy/redis/sentinels.acl")),
];

/// What a test wants otherwise than an installation does.
const ON_LOOPBACK: &str = "bind 127.0.0.1\n";
const QUICK: &str =
    "sentinel down-after-milliseconds mymaster 1000\nsentinel failover-timeout mymaster 3000\n";

/// The files of one lab, and the data of its servers.
pub(crate) struct Files {
    folder: TempDir,
    tls: Option<Arc<ClientConfig>>,
}

/// Returns the password of an ACL user of `deploy/redis`, in every lab.
pub fn password(user: &str) -> String {
    format!("{user}-of-the-lab")
}

impl Files {
    /// Writes what all servers share: users, passwords, and certificates of the authority, if there is one.
    pub(crate) fn new(pki: Option<&Pki>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("a file of the lab");
        };
        for (name, text) in USERS {
            write(name, &fill(text, folder.path(), &[]));
        }
        write("password", &password("netweave"));
        let tls = pki.map(|pki| {
            let (server, client) = (pki.server(), pki.client("redis"));
            write("ca.crt", &pki.authority());
            write("server.crt", &server.certificate);
            write("server.key", &server.key);
            write("client.crt", &client.certificate);
            write("client.key", &client.key);
            Arc::new(client::tls(pki, Some(&client)))
        });
        Self { folder, tls }
    }

    /// Writes the configuration of a server that keeps state, which follows a primary if one is named.
    pub(crate) fn state(&self, home: &Path, port: u16, primary: Option<u16>) -> PathBuf {
        let follow = primary.map_or_else(String::new, |port| format!("replicaof 127.0.0.1 {port}\n"));
        self.write(&[STATE, self.tls(), ON_LOOPBACK, &follow], home, port, &[("MAXMEMORY", "256mb")])
    }

    /// Writes the configuration of a cache.
    pub(crate) fn cache(&self, home: &Path, port: u16, maxmemory: &str) -> PathBuf {
        self.write(&[CACHE, self.tls(), ON_LOOPBACK], home, port, &[("MAXMEMORY", maxmemory)])
    }

    /// Writes the configuration of a Sentinel.
    pub(crate) fn sentinel(&self, home: &Path, port: u16, primary: u16) -> PathBuf {
        let values = [("PRIMARY_HOST", "127.0.0.1"), ("PRIMARY_PORT", &primary.to_string())];
        self.write(&[SENTINEL, self.tls(), ON_LOOPBACK, QUICK], home, port, &values)
    }

    /// Returns how an administrator reaches a server.
    pub(crate) fn access(&self, address: SocketAddr) -> Access {
        let user = ("admin".to_owned(), password("admin"));
        Access { address, user: Some(user), tls: self.tls.clone() }
    }

    /// Returns a folder in which a server may keep what it likes.
    pub(crate) fn home(&self, name: &str) -> PathBuf {
        let home = self.folder.path().join(name);
        std::fs::create_dir_all(&home).expect("a folder for a server");
        home
    }

    /// Returns what a gateway's configuration says of its user and of TLS, for a server and for Sentinels.
    pub(crate) fn section(&self) -> Value {
        let path = |name: &str| json!(self.folder.path().join(name));
        let mut section = json!({ "username": "netweave", "passwordFile": path("password") });
        if self.tls.is_some() {
            let (certificate, key) = (path("client.crt"), path("client.key"));
            section["tls"] = json!({ "ca": path("ca.crt"), "certificate": certificate, "key": key });
        }
        section
    }

    fn tls(&self) -> &'static str {
        if self.tls.is_some() { TLS } else { "" }
    }

    fn write(&self, parts: &[&str], home: &Path, port: u16, values: &[(&str, &str)]) -> PathBuf {
        let (port, data) = (port.to_string(), home.display().to_string());
        let values = [values, &[("PORT", &port), ("DATA", &data)]].concat();
        let path = home.join("redis.conf");
        std::fs::write(&path, fill(&parts.concat(), self.folder.path(), &values)).expect("a configuration");
        path
    }
}

/// Puts values in the places of `${NAMES}`, as `envsubst` does.
fn fill(text: &str, folder: &Path, values: &[(&str, &str)]) -> String {
    let folder = folder.display().to_string();
    let mut text = text.replace("${CONF}", &folder).replace("${TLS}", &folder);
    for user in ["netweave", "replica", "sentinel", "admin"] {
        let name = user.to_uppercase();
        text = text.replace(&format!("${{{name}_SHA256}}"), &sha256(&password(user)));
        text = text.replace(&format!("${{{name}_PASSWORD}}"), &password(user));
    }
    for (name, value) in values {
        text = text.replace(&format!("${{{name}}}"), value);
    }
    let settings = text.lines().filter(|line| !line.starts_with('#'));
    assert!(settings.into_iter().all(|line| !line.contains("${")), "a value is missing in: {text}");
    text
}

fn sha256(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("text takes text");
        hex
    })
}
