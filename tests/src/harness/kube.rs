//! A real Kubernetes API server for one test, and fake nodes in it.

use super::peers;
use super::ports::Port;
use super::tls::install_provider;
use futures::StreamExt;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Config};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// How many requests set the stage at the same time.
const PARALLEL: usize = 16;

/// The gateway's kubeconfig as it was at first: each start of the API server writes a new one.
const GATEWAY: &str = "gateway.kubeconfig";

/// An API server with its own etcd, started by `tests/peers/kube.sh`; stopped and forgotten when this is dropped.
pub struct Cluster {
    folder: TempDir,
    api: Port,
    etcd: Port,
    _etcd_peers: Port,
    client: kube::Client,
}

impl Cluster {
    /// Starts both programs; `None` if they are not built and `NETWEAVE_REQUIRE_PEERS` does not ask for them.
    pub async fn start() -> Option<Self> {
        peers::program("kube-apiserver", "build.sh")?;
        install_provider();
        // etcd's second port is the one after its first.
        let (etcd, etcd_peers) = std::iter::repeat_with(|| (Port::reserve(), Port::reserve()))
            .find(|(first, second)| second.number() == first.number() + 1)
            .expect("two ports in a row");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let api = Port::reserve();
        run(folder.path(), &api, &etcd, &["up"]);
        let own = folder.path().join("kube/gateway.kubeconfig");
        std::fs::copy(own, folder.path().join(GATEWAY)).expect("a copy of the gateway's kubeconfig");
        let client = admin(folder.path()).await;
        Some(Self { folder, api, etcd, _etcd_peers: etcd_peers, client })
    }

    /// Starts kwok, which keeps the nodes' leases as kubelets would.
    pub fn kwok(&self) {
        self.run("kwok");
    }

    /// Kills the API server hard; its data stays.
    pub fn kill9(&self) {
        self.run("kill9");
    }

    /// Brings the API server back on the same data.
    pub async fn up(&mut self) {
        self.run("up");
        self.client = admin(self.folder.path()).await;
    }

    /// Starts an API server on the same data at another port, where the gateway does not look for it.
    pub async fn up_elsewhere(&mut self) {
        run(self.folder.path(), &Port::reserve(), &self.etcd, &["up"]);
        self.client = admin(self.folder.path()).await;
    }

    /// Returns the kubeconfig of the account that the gateway is meant to use; it names the first port for ever.
    pub fn gateway_kubeconfig(&self) -> PathBuf {
        self.folder.path().join(GATEWAY)
    }

    /// Renews the heartbeat times of a node's conditions, as its kubelet does.
    pub async fn heartbeat(&self, name: &str) {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let patch = json!({ "status": { "conditions": [{
            "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "fake",
            "lastHeartbeatTime": now, "lastTransitionTime": "2026-01-01T00:00:00Z",
        }] } });
        let patched = self.nodes().patch_status(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.expect("the node's heartbeat");
    }

    /// Returns the nodes, as administrator.
    pub fn nodes(&self) -> Api<Node> {
        Api::all(self.client.clone())
    }

    /// Creates nodes with their status, several at a time.
    pub async fn add(&self, nodes: Vec<Value>) {
        let api = &self.nodes();
        futures::stream::iter(nodes)
            .for_each_concurrent(PARALLEL, |node| async move {
                let status = json!({ "status": node["status"] });
                let node: Node = serde_json::from_value(node).expect("a node");
                let name = node.metadata.name.clone().expect("a name");
                api.create(&PostParams::default(), &node).await.expect("the node is created");
                let patch = PatchParams::default();
                api.patch_status(&name, &patch, &Patch::Merge(status))
                    .await
                    .expect("the node's status is set");
            })
            .await;
    }

    /// Changes a node by a merge patch.
    pub async fn patch(&self, name: &str, patch: &Value) {
        let patched = self.nodes().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.expect("the node takes the patch");
    }

    /// Removes a node.
    pub async fn remove(&self, name: &str) {
        self.nodes().delete(name, &kube::api::DeleteParams::default()).await.expect("the node is removed");
    }

    fn run(&self, command: &str) {
        run(self.folder.path(), &self.api, &self.etcd, &[command]);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.run("down");
    }
}

/// Describes a fake node; kwok keeps it alive when it runs.
pub fn node(name: &str, zone: &str, labels: &Value, cpu: u32) -> Value {
    let mut all = json!({
        "kubernetes.io/hostname": name,
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": format!("m{cpu}.large"),
        "topology.kubernetes.io/region": "region-a",
        "topology.kubernetes.io/zone": zone,
    });
    if let (Some(all), Some(labels)) = (all.as_object_mut(), labels.as_object()) {
        all.extend(labels.clone());
    }
    let sized = |cpu: u32| json!({ "cpu": cpu.to_string(), "memory": "64Gi", "pods": "110", "hugepages-1Gi": "16Gi" });
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": name, "labels": all, "annotations": { "kwok.x-k8s.io/node": "fake" } },
        "spec": { "providerID": format!("peers:///{zone}/{name}") },
        "status": {
            "phase": "Running",
            "nodeInfo": {
                "kubeletVersion": "v1.37.2", "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": "amd64",
                "osImage": "fake", "kernelVersion": "6.1.0", "containerRuntimeVersion": "fake://1",
                "machineID": name, "systemUUID": name, "bootID": name,
            },
            "capacity": sized(cpu),
            "allocatable": sized(cpu - 1),
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "fake",
                "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z",
            }],
            "addresses": [{ "type": "Hostname", "address": name }],
        },
    })
}

/// Returns where the peers are built.
async fn admin(folder: &Path) -> kube::Client {
    let file =
        Kubeconfig::read_from(folder.join("kube/admin.kubeconfig")).expect("the administrator's kubeconfig");
    let config =
        Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.expect("a configuration");
    kube::Client::try_from(config).expect("a client")
}

fn run(folder: &Path, api: &Port, etcd: &Port, arguments: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/kube.sh");
    let output = Command::new("bash")
        .arg(script)
        .args(arguments)
        .env("PEERS_DIR", peers::folder())
        .env("PEERS_RUN", folder)
        .env("KUBE_PORT", api.number().to_string())
        .env("ETCD_PORT", etcd.number().to_string())
        .stdin(Stdio::null())
        .output()
        .expect("bash runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || std::thread::panicking(), "kube.sh {arguments:?}: {text}");
}
