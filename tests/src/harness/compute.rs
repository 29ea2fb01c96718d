//! A Compute Engine for one test: it answers as Google's discovery document says, and the official client agrees with it.

use super::peers;
use super::tls::install_provider;
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Where Google's answers say that objects are.
const BASE: &str = "https://www.googleapis.com/compute/v1/projects";
/// The service account's key file, and the public keys that the peer knows.
const CREDENTIALS: &str = "credentials.json";
const KEYS: &str = "keys.json";

/// A Compute Engine with some projects, regions and machine types; its process ends when this is dropped.
///
/// Every project has the regions `us-central1` (zones a, b, c, f), `europe-west3` (a, b, c) and `europe-north2` (a), and in each
/// zone the machine types `e2-small`, `n2-standard-4` and `c3-standard-192-metal`.
pub struct Compute {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
    http: reqwest::Client,
}

impl Compute {
    /// Starts it; `None` if it is not installed and `NETWEAVE_REQUIRE_PEERS` does not ask for it.
    pub fn start(projects: &[&str]) -> Option<Self> {
        let python = peers::program("compute-python", "compute.sh")?;
        install_provider();
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_keys(folder.path());
        let mut child = Command::new(python)
            .arg(peers::script("compute/fake.py"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg(folder.path().join(KEYS))
            .args(projects)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let port = line.trim().strip_prefix("listening ").and_then(|port| port.parse().ok());
        let port: u16 = port.unwrap_or_else(|| panic!("no port from the peer: {line:?}"));
        let address = (Ipv4Addr::LOCALHOST, port).into();
        Some(Self { child, address, folder, http: reqwest::Client::new() })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the key file of the service account that may read.
    pub fn credentials(&self) -> PathBuf {
        self.folder.path().join(CREDENTIALS)
    }

    /// Adds or replaces an object; `place` is `zones/ZONE`, `regions/REGION`, or nothing for networks, zones and regions.
    pub async fn put(&self, project: &str, collection: &str, place: Option<&str>, item: Value) {
        let item = json!({ "project": project, "collection": collection, "place": place, "item": item });
        self.hand("put", &item).await;
    }

    /// Adds so many objects in a place, which differ in their names only.
    pub async fn fill(&self, project: &str, collection: &str, place: &str, mut item: Value, count: usize) {
        item.as_object_mut().expect("an object").remove("at");
        let item = json!({ "project": project, "collection": collection, "place": place, "item": item, "copies": count });
        self.hand("put", &item).await;
    }

    /// Makes a collection of a project hold these objects only; `at` in each says its place.
    pub async fn replace(&self, project: &str, collection: &str, items: Vec<Value>) {
        let items = json!({ "project": project, "collection": collection, "items": items });
        self.hand("replace", &items).await;
    }

    /// Removes an object.
    pub async fn delete(&self, project: &str, collection: &str, place: Option<&str>, name: &str) {
        let what = json!({ "project": project, "collection": collection, "place": place, "name": name });
        assert_eq!(self.hand("delete", &what).await["gone"], true, "{name} was there");
    }

    /// Says which instances, by place and name, are members of a managed instance group.
    pub async fn members(&self, project: &str, place: &str, group: &str, instances: &[(&str, &str)]) {
        let urls: Vec<_> =
            instances.iter().map(|(place, name)| url(project, place, "instances", name)).collect();
        let what = json!({ "project": project, "place": place, "group": group, "instances": urls });
        self.hand("members", &what).await;
    }

    /// Makes it say things from now on: `unreachables` (a list), `warnings` (by place, or `list`), `throttled`.
    pub async fn say(&self, what: &Value) {
        self.hand("say", what).await;
    }

    /// Returns how often each method was called.
    pub async fn calls(&self) -> BTreeMap<String, u64> {
        serde_json::from_value(self.hand("calls", &json!({})).await).expect("counts")
    }

    /// Returns what the official Python client lists of a project: objects by collection.
    pub fn oracle(&self, project: &str) -> Value {
        let python = peers::program("compute-python", "compute.sh").expect("Python");
        let output = Command::new(python)
            .arg(peers::script("compute/oracle.py"))
            .arg(format!("http://{}", self.address))
            .arg(self.credentials())
            .arg(project)
            .stdin(Stdio::null())
            .output()
            .expect("Python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Runs the peer's own tests; returns what they say if they fail, and nothing if it is not installed.
    pub fn own_tests() -> Option<Result<(), String>> {
        let python = peers::program("compute-python", "compute.sh")?;
        let output = Command::new(python)
            .args(["-m", "unittest"])
            .current_dir(peers::script("compute"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .output()
            .expect("Python runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        Some(if output.status.success() && text.contains("OK") { Ok(()) } else { Err(text) })
    }

    async fn hand(&self, name: &str, what: &Value) -> Value {
        let url = format!("http://{}/_test/{name}", self.address);
        let sent = self.http.post(url).body(what.to_string()).send().await.expect("the peer answers");
        let (status, text) = (sent.status(), sent.text().await.expect("an answer"));
        assert!(status.is_success(), "{name}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }
}

impl Drop for Compute {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Returns how Google's answers refer to an object.
pub fn url(project: &str, place: &str, collection: &str, name: &str) -> String {
    format!("{BASE}/{project}/{place}/{collection}/{name}")
}

/// Describes an instance that runs.
pub fn instance(project: &str, zone: &str, name: &str, labels: &Value) -> Value {
    let place = format!("zones/{zone}");
    json!({
        "at": place,
        "name": name,
        "status": "RUNNING",
        "machineType": url(project, &place, "machineTypes", "n2-standard-4"),
        "cpuPlatform": "Intel Ice Lake",
        "labels": labels,
        "tags": { "items": ["ran", "edge"], "fingerprint": "YWJj" },
        "canIpForward": false,
        "deletionProtection": true,
        "fingerprint": "YWJj",
        "labelFingerprint": "YWJj",
        "lastStartTimestamp": "2026-01-02T00:00:00.000-08:00",
        "scheduling": { "provisioningModel": "STANDARD", "onHostMaintenance": "MIGRATE", "automaticRestart": true, "preemptible": false },
        "disks": [{
            "kind": "compute#attachedDisk", "type": "PERSISTENT", "mode": "READ_WRITE", "boot": true, "index": 0,
            "deviceName": name, "diskSizeGb": "20", "interface": "SCSI", "source": url(project, &place, "disks", name),
            "licenses": ["https://www.googleapis.com/compute/v1/projects/debian-cloud/global/licenses/debian-13"],
        }],
        "networkInterfaces": [{
            "kind": "compute#networkInterface", "name": "nic0", "networkIP": "10.0.0.7", "stackType": "IPV4_ONLY", "fingerprint": "YWJj",
            "network": url(project, "global", "networks", "default"),
            "subnetwork": url(project, "regions/us-central1", "subnetworks", "default"),
        }],
        "metadata": { "kind": "compute#metadata", "fingerprint": "YWJj", "items": [{ "key": "startup-script", "value": "echo hidden-metadata" }] },
        "serviceAccounts": [{ "email": "hidden-account@p.iam.gserviceaccount.com", "scopes": ["https://www.googleapis.com/auth/cloud-platform"] }],
    })
}

/// Describes a disk of an instance of the same name.
pub fn disk(project: &str, zone: &str, name: &str) -> Value {
    let place = format!("zones/{zone}");
    json!({
        "at": place, "name": name, "status": "READY", "sizeGb": "20", "physicalBlockSizeBytes": "4096",
        "type": url(project, &place, "diskTypes", "pd-balanced"), "users": [url(project, &place, "instances", name)],
        "licenseCodes": ["1002001"], "sourceImage": "https://www.googleapis.com/compute/v1/projects/debian-cloud/global/images/debian-13",
        "diskEncryptionKey": { "kmsKeyName": "hidden-key" },
    })
}

/// Writes the service account's key, and what the peer needs to check its tokens.
fn write_keys(folder: &Path) {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    let key = KEY
        .get_or_init(|| KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("an RSA key"));
    let credentials = json!({
        "type": "service_account",
        "client_email": "netweave@ran-core.iam.gserviceaccount.com",
        "private_key_id": "key-1",
        "private_key": key.serialize_pem(),
        "project_id": "ran-core",
        "token_uri": "https://oauth2.googleapis.com/token",
    });
    std::fs::write(folder.join(CREDENTIALS), credentials.to_string()).expect("the credentials");
    std::fs::write(folder.join(KEYS), json!({ "key-1": key.public_key_pem() }).to_string())
        .expect("the keys");
}
