//! A bench over a real Kubernetes API server, which is reached through a wire that can be made to fail.
//!
//! Starting a server takes seconds, so one test runs all cases on one server, one after the other.

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::StreamExt;
use k8s_openapi::api::core::v1::Node;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use netweave_kubernetes::{Conf, Kubernetes};
use netweave_model::port::Backend;
use netweave_model::{Id, Kind, SourceName};
use netweave_tests::conformance::backend::{self as suite, Bench, Resources};
use netweave_tests::harness::clock::TestClock;
use netweave_tests::harness::kube::Cluster;
use netweave_tests::harness::{Fault, FaultProxy};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

const NAME: &str = "edge-1";
/// Requests that set the stage at the same time.
const PARALLEL: usize = 16;

/// The server, the wire and the backend at its end.
struct ClusterBench {
    cluster: Cluster,
    wire: FaultProxy,
    backend: Arc<dyn Backend>,
    _folder: tempfile::TempDir,
}

impl ClusterBench {
    async fn start() -> Option<Self> {
        let cluster = Cluster::start().await?;
        let kubeconfig = std::fs::read_to_string(cluster.gateway_kubeconfig()).unwrap();
        let port = after(&kubeconfig, "https://127.0.0.1:").parse().unwrap();
        let ca = BASE64_STANDARD.decode(after(&kubeconfig, "certificate-authority-data: ")).unwrap();
        let wire = FaultProxy::to_tls(SocketAddr::from(([127, 0, 0, 1], port)), &ca).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubeconfig");
        let through = kubeconfig.replace(&format!("https://127.0.0.1:{port}"), &wire.url());
        std::fs::write(&path, through).unwrap();
        let backend = connect(&path).await;
        Some(Self { cluster, wire, backend, _folder: folder })
    }
}

/// Connects a backend to the server of a kubeconfig.
pub(super) async fn connect(kubeconfig: &Path) -> Arc<dyn Backend> {
    let conf = Conf {
        name: NAME.to_owned(),
        kubeconfig: Some(kubeconfig.to_owned()),
        context: None,
        pool_label: "topology.kubernetes.io/zone".to_owned(),
        service_uri: None,
    };
    Arc::new(Kubernetes::connect(&conf, &Id::from("cloud"), Arc::new(TestClock::new())).await.unwrap())
}

/// Returns the value that stands after a mark, up to what cannot belong to it.
fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    let (_, rest) = text.split_once(mark).expect("a value after its mark");
    rest.split(['"', '}']).next().unwrap_or_default()
}

#[async_trait]
impl Bench for ClusterBench {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    async fn set(&mut self, resources: &Resources) {
        let api = &self.cluster.nodes();
        let listed = api.list(&ListParams::default()).await.unwrap();
        let revision = |node: &Node| node.metadata.labels.as_ref()?.get("revision")?.parse::<u32>().ok();
        let now: BTreeMap<String, Option<u32>> =
            listed.into_iter().map(|node| (node.metadata.name.clone().unwrap(), revision(&node))).collect();
        let steps = now.keys().chain(resources.keys().filter(|name| !now.contains_key(*name)));
        futures::stream::iter(steps)
            .for_each_concurrent(PARALLEL, |name| {
                let (now, wanted) = (now.get(name).copied(), resources.get(name).copied());
                async move {
                    match (now, wanted) {
                        (Some(_), None) => drop(api.delete(name, &DeleteParams::default()).await.unwrap()),
                        (Some(now), Some(wanted)) if now == Some(wanted) => {}
                        (Some(_), Some(wanted)) => {
                            let labels = json!({"metadata": {"labels": {"revision": wanted.to_string()}}});
                            drop(
                                api.patch(name, &PatchParams::default(), &Patch::Merge(labels))
                                    .await
                                    .unwrap(),
                            );
                        }
                        (None, Some(wanted)) => {
                            let labels =
                                json!({"revision": wanted.to_string(), "topology.kubernetes.io/zone": "z"});
                            let node = json!({"metadata": {"name": name, "labels": labels}});
                            let node = serde_json::from_value(node).unwrap();
                            drop(api.create(&PostParams::default(), &node).await.unwrap());
                        }
                        (None, None) => {}
                    }
                }
            })
            .await;
    }

    fn id(&self, name: &str) -> Id {
        Id::stable(&SourceName::from(NAME), Kind::Resource, &format!("node/{name}"))
    }

    async fn cut(&mut self) {
        self.wire.all(Fault::Cut);
    }

    async fn mend(&mut self) {
        self.wire.pass();
    }

    fn page(&self) -> usize {
        500
    }

    fn large(&self) -> usize {
        if std::env::var_os("NETWEAVE_FULL").is_some() { 10_000 } else { 1_100 }
    }

    fn wire(&self) -> Option<&FaultProxy> {
        Some(&self.wire)
    }

    fn odd(&self) -> Vec<(&'static str, String)> {
        let page = |items: &str| {
            format!(r#"{{ "kind": "NodeList", "apiVersion": "v1", "metadata": {{}}, "items": {items} }}"#)
        };
        let many = |item: &str| format!("[{}]", vec![item; (30 << 20) / (item.len() + 1)].join(","));
        let node = |status: &str| format!(r#"[{{ "metadata": {{ "name": "r1" }}, "status": {status} }}]"#);
        [
            page("[{}]"),
            page(r#"[{ "metadata": {} }]"#),
            page(r#"[{ "metadata": { "name": 1 } }]"#),
            page(r#""many""#),
            page(&node(r#"{ "conditions": "good" }"#)),
            page(&many("{}")),
            page(&node(&format!(r#"{{ "images": {} }}"#, many("{}")))),
            page(&node(&format!(r#"{{ "unknown": {} }}"#, "[".repeat(1000)))),
        ]
        .map(|text| ("/api/v1/nodes?&limit=500", text))
        .into()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_cluster_holds_the_contract() {
    let Some(mut bench) = ClusterBench::start().await else {
        return eprintln!("SKIPPED: no kube-apiserver; run tests/peers/build.sh");
    };
    suite::every_case("kubernetes", &mut bench).await;
}
