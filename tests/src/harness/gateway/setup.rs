//! What a gateway of a test is started with.

use super::{Gateway, START, Start};
use crate::harness::inventory::Inventory;
use crate::harness::peers;
use crate::harness::pki::Pki;
use crate::harness::ports::Port;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// The library that gives a process another time of day.
pub const FAKETIME: &str = "libfaketime.so";

/// What a gateway will be started with.
pub struct Setup {
    conf: Value,
    environment: Vec<(String, String)>,
    pki: Option<Arc<Pki>>,
    ready: &'static str,
    starter: Vec<String>,
}

impl Setup {
    /// A gateway that keeps its state in memory.
    pub fn memory() -> Self {
        Self::state(json!({ "kind": "memory" }))
    }

    /// A gateway that keeps its state in a file of its folder.
    pub fn embedded() -> Self {
        Self::state(json!({ "kind": "embedded", "path": "netweave.db" }))
    }

    /// A gateway that keeps its state in a Redis, which it may share with others.
    pub fn redis(url: &str) -> Self {
        Self::state(json!({ "kind": "redis", "url": url }))
    }

    /// A gateway that keeps its state where that section of the configuration says.
    pub fn state(state: Value) -> Self {
        let mut conf = json!({
            "apiVersion": "netweave/v1",
            "environment": "dev",
            "oCloud": { "id": "cloud-1", "globalCloudId": "global-1", "name": "Test cloud", "description": "A cloud of the tests" },
            "api": { "tls": { "certificate": "tls.crt", "key": "tls.key", "clientCa": "ca.crt" } },
            "ops": {},
            "access": { "others": ["admin", "deployer"] },
            "limits": {
                "requestsPerSecond": 100_000,
                "perIdentity": { "rate": 100_000, "burst": 100_000 },
                "newSubscriptions": { "rate": 100_000, "burst": 100_000 },
            },
            "subscriptions": { "callback": { "schemes": ["http", "https"], "allow": ["127.0.0.0/8"] } },
            "shutdown": { "delay": "100ms", "grace": "5s" },
            "log": { "level": "info", "format": "json" },
            "backends": [],
        });
        conf["state"] = state;
        Self { conf, environment: Vec::new(), pki: None, ready: "/readyz", starter: Vec::new() }
    }

    /// Adds a file backend of that name.
    #[must_use]
    pub fn file(self, name: &str, inventory: &Inventory) -> Self {
        self.backend(json!({ "name": name, "kind": "file", "path": inventory.path() }))
    }

    /// Adds a Kubernetes backend of that name.
    #[must_use]
    pub fn kubernetes(self, name: &str, kubeconfig: &Path) -> Self {
        self.backend(json!({ "name": name, "kind": "kubernetes", "kubeconfig": kubeconfig }))
    }

    /// Adds a backend as the configuration spells it.
    #[must_use]
    pub fn backend(mut self, backend: Value) -> Self {
        if let Some(backends) = self.conf["backends"].as_array_mut() {
            backends.push(backend);
        }
        self
    }

    /// Sets one key, named by a JSON pointer such as `/subscriptions/ttl`.
    #[must_use]
    pub fn set(mut self, pointer: &str, value: Value) -> Self {
        let mut place = &mut self.conf;
        for key in pointer.split('/').skip(1) {
            if place.is_null() {
                *place = json!({});
            }
            place = place.as_object_mut().expect("a section").entry(key).or_insert(Value::Null);
        }
        *place = value;
        self
    }

    /// Takes certificates of an authority that other gateways have as well, instead of one of its own.
    #[must_use]
    pub fn pki(mut self, pki: &Arc<Pki>) -> Self {
        self.pki = Some(Arc::clone(pki));
        self
    }

    /// Sets an environment variable of the process, in each of its lives.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Moves the process's time of day, such as by `+5m`; what measures durations goes as ever.
    #[must_use]
    pub fn clock(self, offset: &str) -> Self {
        let library = peers::program(FAKETIME, "faketime.sh").expect("libfaketime");
        let library = library.to_string_lossy().into_owned();
        let setup = self.variable("LD_PRELOAD", library).variable("FAKETIME", offset);
        setup.variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }

    /// Takes another sign than `/readyz` on the operations port for being up.
    #[must_use]
    pub fn ready_at(mut self, path: &'static str) -> Self {
        self.ready = path;
        self
    }

    /// Has another program, with these arguments before the gateway's command line, become the gateway.
    #[must_use]
    pub fn starter(mut self, command: &[&str]) -> Self {
        self.starter = command.iter().map(|&part| part.to_owned()).collect();
        self
    }

    /// Starts the gateway and waits until it is ready.
    pub async fn start(self) -> Gateway {
        let mut gateway = self.launch();
        gateway.wait_ready().await;
        gateway
    }

    /// Starts a gateway that refuses to run; returns its exit code, if it has one, and its log.
    pub async fn refused(self) -> (Option<i32>, String) {
        let mut gateway = self.launch();
        let (status, _) = gateway.ended(START).await;
        (status.code(), gateway.log())
    }

    fn launch(mut self) -> Gateway {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pki = self.pki.take().unwrap_or_default();
        pki.write_server(folder.path());
        let (api, ops) = (Port::reserve(), Port::reserve());
        self = self.set("/api/listen", json!([api.address()])).set("/ops/listen", json!(ops.address()));
        // JSON is YAML, too.
        std::fs::write(folder.path().join("netweave.yaml"), self.conf.to_string())
            .expect("the configuration");
        let start = Start { starter: self.starter, environment: self.environment };
        let child = start.spawn(folder.path(), &[]);
        Gateway { child, folder, start, pki, api, ops, ready: self.ready }
    }
}
