//! `netweave doctor`: silent about what is well, and each trouble named by its own check and by no other.

use http::StatusCode;
use netweave::webhook::inbox::Answer;
use netweave_tests::harness::client::V2;
use netweave_tests::harness::consumer::Consumer;
use netweave_tests::harness::figures::record;
use netweave_tests::harness::gateway::command;
use netweave_tests::harness::pki::Leaf;
use netweave_tests::harness::{Gateway, Inventory, Pki, RedisLab, RedisServer, Setup, soon, until};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a trouble may take until it is told, and until it is no longer told.
const TOLD: Duration = Duration::from_secs(40);

/// What the command printed, and how it ended.
struct Verdict {
    code: Option<i32>,
    json: Value,
}

impl Verdict {
    fn of(folder: &Path, arguments: &[&str]) -> Self {
        let arguments = [&["doctor", "-o", "json"], arguments].concat();
        let output = command(folder, &arguments).output().expect("the program starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        Self { code: output.status.code(), json }
    }

    /// The verdict of nobody.
    fn of_nothing() -> Self {
        Self {
            code: None,
            json: json!({ "checks": [{ "name": "none", "state": "failed", "findings": [] }] }),
        }
    }

    /// The pages that its findings lead to.
    fn pages(&self) -> Vec<&str> {
        let checks = self.json["checks"].as_array().expect("checks");
        let findings = checks.iter().flat_map(|check| check["findings"].as_array().expect("findings"));
        findings.filter_map(|finding| finding["runbook"].as_str()).collect()
    }

    /// The checks with a finding.
    fn named(&self) -> Vec<String> {
        let checks = self.json["checks"].as_array().expect("checks");
        let bad = checks
            .iter()
            .filter(|check| ["warning", "failed"].contains(&check["state"].as_str().unwrap_or("")));
        bad.map(|check| check["name"].as_str().expect("a name").to_owned()).collect()
    }
}

/// Two gateways on one Sentinel lab, with all that a doctor looks at.
struct Ward {
    lab: RedisLab,
    gateways: [Gateway; 2],
    pki: Arc<Pki>,
    inventory: Inventory,
    consumer: Consumer,
    lists: TempDir,
    /// A replica or Sentinel that was killed.
    dead: usize,
}

impl Ward {
    async fn new() -> Option<Self> {
        let lab = RedisLab::start().await?;
        let (pki, inventory) = (Arc::new(Pki::new()), Inventory::with_servers(2));
        let lists = tempfile::tempdir().expect("a folder");
        std::fs::write(lists.path().join(LIST), pki.revocations(&[])).expect("a list");
        let start = || {
            let setup = Setup::state(lab.state()).file("lab", &inventory).pki(&pki);
            setup
                .set("/delivery/maxPause", json!("500ms"))
                .set("/api/tls/crl", json!(lists.path().join(LIST)))
                .start()
        };
        let gateways = [start().await, start().await];
        let consumer = Consumer::start().await;
        let body = json!({ "callback": consumer.url("smo") });
        gateways[0].client("smo").post(&format!("{V2}/subscriptions"), &body).await.expect(201);
        Some(Self { lab, gateways, pki, inventory, consumer, lists, dead: 0 })
    }

    fn verdict(&self) -> Verdict {
        let [one, other] =
            self.gateways.each_ref().map(|gateway| format!("http://{}", gateway.ops_address()));
        let arguments = ["-c", "netweave.yaml", "--ops", &one, "--ops", &other, "--replicas", "2"];
        Verdict::of(self.gateways[0].folder(), &arguments)
    }

    /// Waits until exactly these checks have findings, twice in a row.
    async fn names(&self, right: &[&str]) -> Verdict {
        let mut last = Verdict::of_nothing();
        let start = Instant::now();
        loop {
            let verdict = self.verdict();
            if verdict.named() == right && last.named() == right {
                return verdict;
            }
            last = verdict;
            assert!(start.elapsed() < TOLD, "not {right:?} alone: {}", last.json);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn serve(&self, leaf: &Leaf) {
        for (name, text) in [("tls.key", &leaf.key), ("tls.crt", &leaf.certificate)] {
            std::fs::write(self.gateways[0].folder().join(name), text).expect("a file of the gateway");
        }
    }

    fn revoke(&self, list: &str) {
        std::fs::write(self.lists.path().join(LIST), list).expect("the list");
    }

    fn policy(&self, policy: &str) {
        self.lab.ask(self.lab.primary(), &["CONFIG", "SET", "maxmemory-policy", policy]);
    }
}

const LIST: &str = "crl.pem";

#[derive(Clone, Copy, Debug)]
enum Fault {
    ReplicaGone,
    SentinelGone,
    WrongPolicy,
    SourceBroken,
    CallbackRefuses,
    CertificateEnds,
    ListStale,
    GatewayGone,
}

impl Fault {
    const ALL: [Self; 8] = [
        Self::ReplicaGone,
        Self::SentinelGone,
        Self::WrongPolicy,
        Self::SourceBroken,
        Self::CallbackRefuses,
        Self::CertificateEnds,
        Self::ListStale,
        Self::GatewayGone,
    ];

    /// The check that names it, and the page that it leads to.
    fn check(self) -> (&'static str, &'static str) {
        match self {
            Self::ReplicaGone => ("redis-replicas", "NetweaveRedisReplicaDown"),
            Self::SentinelGone => ("redis-sentinels", "NetweaveSentinelDown"),
            Self::WrongPolicy => ("redis-memory", "NetweaveRedisDropsState"),
            Self::SourceBroken => ("sources", "NetweaveSourceNotLive"),
            Self::CallbackRefuses => ("subscriptions", "NetweaveDeliveryFailing"),
            Self::CertificateEnds => ("certificates", "NetweaveCertificateEndsIn7Days"),
            Self::ListStale => ("revocation-lists", "NetweaveRevocationListStale"),
            Self::GatewayGone => ("gateways", "NetweavePodsDown"),
        }
    }

    fn inject(self, ward: &mut Ward) {
        match self {
            Self::ReplicaGone => {
                ward.dead = (ward.lab.primary() + 1) % 3;
                ward.lab.kill9(ward.dead);
            }
            Self::SentinelGone => ward.lab.kill_sentinel(1),
            Self::WrongPolicy => ward.policy("allkeys-lru"),
            Self::SourceBroken => ward.inventory.spoil(),
            Self::CallbackRefuses => {
                ward.consumer.answer_always(Some(Answer::status(StatusCode::SERVICE_UNAVAILABLE)));
                ward.inventory.describe("server-00", "changed");
            }
            Self::CertificateEnds => ward.serve(&ward.pki.server_ending(time::Duration::days(5))),
            Self::ListStale => ward.revoke(&ward.pki.stale_revocations()),
            Self::GatewayGone => ward.gateways[1].kill9(),
        }
    }

    async fn mend(self, ward: &mut Ward) {
        match self {
            Self::ReplicaGone | Self::SentinelGone => ward.lab.settled().await,
            Self::WrongPolicy => ward.policy("noeviction"),
            Self::SourceBroken => ward.inventory.write(),
            Self::CallbackRefuses => ward.consumer.answer_always(None),
            Self::CertificateEnds => ward.serve(&ward.pki.server()),
            Self::ListStale => ward.revoke(&ward.pki.revocations(&[])),
            Self::GatewayGone => ward.gateways[1].restart().await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_named_by_exactly_its_check() {
    let Some(mut ward) = Ward::new().await else { return };
    let healthy = ward.names(&[]).await;
    assert_eq!((healthy.code, &healthy.json["state"]), (Some(0), &json!("ok")), "{}", healthy.json);
    let mut named = 0;
    for fault in Fault::ALL {
        let (check, page) = fault.check();
        fault.inject(&mut ward);
        let verdict = ward.names(&[check]).await;
        let failed = verdict.json["state"] == "failed";
        assert_eq!(verdict.code, Some(if failed { 1 } else { 8 }), "{fault:?}: {}", verdict.json);
        assert_eq!(verdict.pages(), [page], "{fault:?}: {}", verdict.json);
        named += 1;
        fault.mend(&mut ward).await;
        let mended = ward.names(&[]).await;
        assert_eq!(mended.code, Some(0), "{fault:?}: {}", mended.json);
    }
    record(&format!("doctor_faults={} doctor_named={named}", Fault::ALL.len()));
}

/// Of a state without a server nothing more can be said than that; what follows from it is not told as more troubles.
#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_is_gone_is_named_alone() {
    let Some(mut redis) = RedisServer::start().await else { return };
    redis.ask(&["CONFIG", "SET", "appendonly", "yes", "maxmemory", "100mb"]);
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::redis(&redis.url()).file("lab", &inventory).start().await;
    let url = format!("http://{}", gateway.ops_address());
    let verdict = || Verdict::of(gateway.folder(), &["-c", "netweave.yaml", "--ops", &url]);
    soon("all to be well", async || verdict().code == Some(0)).await;
    redis.kill9();
    let found = verdict();
    assert_eq!((found.named(), found.code), (vec!["redis-primary".to_owned()], Some(1)), "{}", found.json);
    // Also when the gateway has noticed.
    until(TOLD, "the gateway to notice", async || {
        (gateway.metric(r#"netweave_redis_up{role="state"}"#).await == Some(0.0)).then_some(())
    })
    .await;
    let found = verdict();
    assert_eq!(found.named(), ["redis-primary"], "{}", found.json);
}

#[tokio::test]
async fn before_the_first_start_files_ports_and_servers_are_judged() {
    let pki = Pki::new();
    let folder = tempfile::tempdir().expect("a folder");
    let inventory = Inventory::with_servers(1);
    let conf = json!({
        "api": { "listen": ["127.0.0.1:0"], "tls": { "certificate": "tls.crt", "key": "tls.key", "clientCa": "ca.crt" } },
        "ops": { "listen": "127.0.0.1:0" },
        "state": { "kind": "memory" },
        "backends": [{ "name": "lab", "kind": "file", "path": inventory.path() }],
    });
    std::fs::write(folder.path().join("netweave.yaml"), conf.to_string()).expect("the configuration");
    let verdict = || Verdict::of(folder.path(), &["--pre", "-c", "netweave.yaml"]);
    let found = verdict();
    assert_eq!((found.named(), found.code), (vec!["certificates".to_owned(), "files".to_owned()], Some(1)));
    pki.write_server(folder.path());
    let found = verdict();
    assert_eq!((found.named(), found.code), (Vec::new(), Some(0)), "{}", found.json);
    inventory.vanish();
    assert!(verdict().named().contains(&"backends".to_owned()), "{}", verdict().json);
    let output = command(folder.path(), &["doctor", "--ops", "http://127.0.0.1:1"]).output();
    let output = output.expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.lines()
            .any(|line| line.starts_with("failed") && line.contains("(netweave runbook NetweavePodsDown)")),
        "{text}"
    );
}
