//! No secret leaves the gateway: each is a text that is found nowhere else, and every output is searched for all of them.

use crate::outbound::CLIENT_SECRET;
use crate::rest::{DOMAIN_SECRET, KEYS, value};
use crate::rotation::Mounted;
use http::Method;
use netweave_tests::harness::client::V2;
use netweave_tests::harness::figures::record;
use netweave_tests::harness::gateway::command;
use netweave_tests::harness::issuer::{ISSUER, claims};
use netweave_tests::harness::pki::Pki;
use netweave_tests::harness::vcenter::{USER, Vcenter};
use netweave_tests::harness::{
    Gateway, Guarded, Inventory, KeyServer, RedisServer, Setup, SigningKey, TokenServer, soon,
};
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::json;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const REDIS: &str = "canary-password-of-redis";
const VCENTER: &str = "canary-password-of-vcenter";
const EC2: &str = "canary-secret-access-key";
const CLUSTER: &str = "canary-credentials-of-the-cluster";
const BAD_TOKEN: &str = "eyJhbGciOiJub25lIn0.Y2FuYXJ5LXRva2Vu.Y2FuYXJ5";
const REDACTION: &str = "canary-key-of-the-redaction-0001";
const ENCRYPTION: &str = "canary-key-of-the-audit-files-01";

/// An infrastructure whose every answer is an error that repeats what it was asked.
struct Echo {
    url: String,
    heard: Arc<Mutex<String>>,
    server: JoinHandle<()>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let heard = Arc::<Mutex<String>>::default();
        let all = Arc::clone(&heard);
        let server = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let all = Arc::clone(&all);
                tokio::spawn(async move {
                    let mut asked = Vec::new();
                    // A head and its body come apart; what comes later than this is not repeated.
                    let pause = Duration::from_millis(200);
                    while let Ok(Ok(1..)) = tokio::time::timeout(pause, stream.read_buf(&mut asked)).await {}
                    let asked = String::from_utf8_lossy(&asked).into_owned();
                    let answer = format!(
                        "HTTP/1.1 500 {0}\r\ncontent-type: text/xml\r\ncontent-length: {1}\r\nconnection: close\r\n\r\n{asked}",
                        "Internal Server Error",
                        asked.len()
                    );
                    all.lock().unwrap_or_else(PoisonError::into_inner).push_str(&asked);
                    stream.write_all(answer.as_bytes()).await.ok();
                });
            }
        });
        Self { url, heard, server }
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A gateway that holds every kind of secret, with what is around it.
struct Scene {
    gateway: Gateway,
    redis: RedisServer,
    echo: Echo,
    vcenter: Vcenter,
    consumer: Guarded,
    tokens: TokenServer,
    issuer: SigningKey,
    files: Mounted,
    inventory: Inventory,
    _keys: KeyServer,
}

impl Scene {
    async fn new() -> Option<Self> {
        let redis = RedisServer::start().await?;
        redis.ask(&["ACL", "SETUSER", "gate", "on", &format!(">{REDIS}"), "~*", "&*", "+@all"]);
        let (echo, vcenter) = (Echo::start().await, Vcenter::start(10).await);
        vcenter.set_password("another");
        let (pki, issuer) = (Pki::new(), SigningKey::new("k", "ES256"));
        let keys = KeyServer::start(&[&issuer]).await;
        let tokens = TokenServer::start(3600.0).await;
        let consumer =
            Guarded::start("127.0.0.1", &pki.server_for(&["127.0.0.1"]), &[&pki], Some(&tokens)).await;
        let pair = pki.client("gateway");
        let sign = KeyPair::generate_for(&PKCS_ED25519).expect("a key").serialize_pem();
        let files = Mounted::new(&[
            ("redis", REDIS),
            ("vcenter", VCENTER),
            ("ec2", &format!("[default]\naws_access_key_id = AKIDTEST\naws_secret_access_key = {EC2}\n")),
            ("client", CLIENT_SECRET),
            ("domain", DOMAIN_SECRET),
            ("seal", KEYS[0]),
            ("redaction", REDACTION),
            ("encryption", ENCRYPTION),
            ("sign", &sign),
            ("ca", &pki.authority()),
            ("crt", &pair.certificate),
            ("key", &pair.key),
        ]);
        let path = |name: &str| json!(files.path(name));
        let mut inventory = Inventory::with_servers(2);
        inventory.edit(|document| {
            document["deploymentManagers"][0]["extensions"] = json!({ "kubeconfig": { "token": CLUSTER } });
        });
        let mut state = redis.section();
        state["kind"] = "redis".into();
        state["username"] = "gate".into();
        state["passwordFile"] = path("redis");
        let domain = json!({
            "name": "smo", "hosts": ["127.0.0.1"], "ca": path("ca"), "certificate": path("crt"), "key": path("key"),
            "signingSecretFiles": [path("domain")],
            "oauth2": { "tokenUrl": tokens.url(), "clientId": "gateway", "clientSecretFile": path("client") },
        });
        let access = json!({
            "mode": "mtls+token", "others": ["admin"],
            "tokens": { "issuers": [{ "name": "idp", "issuer": ISSUER, "audience": ["o2ims"], "jwksUrl": keys.url() }] },
        });
        let setup = Setup::state(state)
            .file("lab", &inventory)
            .backend(json!({ "kind": "vmware", "name": "vc-1", "url": format!("http://{}", vcenter.address()), "username": USER, "passwordFile": path("vcenter") }))
            .backend(json!({ "kind": "aws", "name": "aws-1", "regions": ["eu-west-1"], "credentialsFile": path("ec2"), "endpoint": echo.url }))
            .set("/access", access)
            .set("/log/level", json!("trace"))
            .set("/subscriptions/secretKeyFiles", json!([path("seal")]))
            .set("/subscriptions/callback/domains", json!([domain]))
            .set("/audit/sinks", json!(["stdout", "file"]))
            .set("/audit/signingKeyFile", path("sign"))
            .set("/audit/redactionKeyFile", path("redaction"))
            .set("/audit/file", json!({ "directory": "audit", "keyFile": path("encryption") }));
        let gateway = setup.start().await;
        Some(Self { gateway, redis, echo, vcenter, consumer, tokens, issuer, files, inventory, _keys: keys })
    }

    /// Does what clients and operators do, well and badly; returns what was answered, and the secrets that came up.
    async fn use_it(&mut self) -> (String, Vec<(&'static str, String)>) {
        let smo = self.gateway.client("smo");
        let good = self.issuer.token(&claims(&json!({ "jti": "one" })));
        let bearer = format!("Bearer {good}");
        let mut told = String::new();
        let ask = async |method: Method, path: &str, token: &str, body: &str| {
            let headers = [("authorization", token), ("content-type", "application/json")];
            smo.send(method, path, &headers, body).await
        };
        let callback = json!({ "callback": self.consumer.url() }).to_string();
        let created = ask(Method::POST, &format!("{V2}/subscriptions"), &bearer, &callback).await.expect(201);
        let own = created.header("x-o2ims-webhook-secret").to_owned();
        let id = created.json()["subscriptionId"].as_str().expect("an id").to_owned();
        self.inventory.describe("server-00", "changed");
        soon("a change is told", async || !self.consumer.accepted().is_empty()).await;
        soon("both clouds were asked", async || {
            self.echo.heard().contains("Action=") && self.vcenter.calls("Login") > 0
        })
        .await;
        for path in [
            "/netweave/v1/self",
            "/netweave/v1/sources",
            &format!("{V2}/deploymentManagers"),
            &format!("{V2}/deploymentManagers?filter=(eq,extensions/kubeconfig/token,x)"),
            &format!("{V2}/subscriptions/{id}"),
            &format!("/netweave/v1/subscriptions/{id}/deliveries"),
            "/nowhere",
        ] {
            for token in [&*bearer, &format!("Bearer {BAD_TOKEN}"), BAD_TOKEN] {
                writeln!(told, "{:?}", ask(Method::GET, path, token, "").await).expect("text");
            }
        }
        for body in
            ["{", &json!({ "callback": format!("https://u:{CLIENT_SECRET}@example.net/") }).to_string()]
        {
            // What a client sends itself comes back to nobody else, and is not kept.
            ask(Method::POST, &format!("{V2}/subscriptions"), &bearer, body).await;
        }
        let refreshed = ask(Method::POST, "/netweave/v1/sources/vc-1/refresh", &bearer, "").await;
        writeln!(told, "{refreshed:?}").expect("text");
        for path in ["/metrics", "/readyz?verbose", "/healthz"] {
            let answer = self.gateway.ops(path).await;
            told += &String::from_utf8_lossy(&answer.body);
        }
        let signature = good.rsplit('.').next().unwrap_or_default().to_owned();
        let callback = self.tokens.issued().pop().expect("a token for the callback");
        let secrets = vec![
            ("a subscription's secret", own),
            ("a token's signature", signature),
            ("a callback's token", callback),
        ];
        (told, secrets)
    }

    fn commands(&self) -> String {
        let folder = self.gateway.folder();
        let run = |arguments: &[&str]| {
            let output = command(folder, arguments).output().expect("the command runs");
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
        };
        [
            &["check-config", "netweave.yaml"][..],
            &["redis", "status", "-c", "netweave.yaml"],
            &["redis", "check", "-c", "netweave.yaml"],
            &["backup", "create", "-c", "netweave.yaml", "-"],
            &["config", "show", "-c", "netweave.yaml"],
            &["config", "diff", "netweave.yaml", "netweave.yaml"],
            &["certs", "inspect", "-c", "netweave.yaml"],
            &["doctor", "-c", "netweave.yaml"],
            &["doctor", "--pre", "-c", "netweave.yaml", "-o", "json"],
            &["capacity", "-c", "netweave.yaml"],
        ]
        .map(run)
        .concat()
    }

    /// Returns all that is in a bundle for support.
    fn bundle(&self) -> String {
        let folder = self.gateway.folder();
        let pack = ["support-bundle", "-c", "netweave.yaml", "--to", "bundle.tar.gz"];
        let packed = command(folder, &pack).output().expect("the command runs");
        assert!(packed.status.success(), "{packed:?}");
        let unpacked = Command::new("tar").args(["-xzOf", "bundle.tar.gz"]).current_dir(folder).output();
        String::from_utf8_lossy(&unpacked.expect("tar runs").stdout).into_owned()
    }

    fn stored(&self) -> String {
        self.redis.ask(&["KEYS", "*"]).iter().map(|key| value(&self.redis, key)).collect()
    }

    /// Returns what each secret must not be found in.
    async fn outputs(&mut self, told: String) -> Vec<(&'static str, String)> {
        let (commands, bundle) = (self.commands(), self.bundle());
        self.gateway.terminate();
        self.gateway.ended(Duration::from_secs(20)).await;
        let key = self.files.path("encryption");
        let query = ["audit", "query", "audit", "-o", "json", "--key-file", key.to_str().expect("a path")];
        let audit = command(self.gateway.folder(), &query).output();
        let audit = audit.expect("the command runs");
        assert!(audit.status.success(), "{audit:?}");
        vec![
            ("an answer", told),
            ("a command", commands),
            ("a bundle for support", bundle),
            ("the store", self.stored()),
            ("the log", self.gateway.log()),
            ("the audit log", String::from_utf8_lossy(&audit.stdout).into_owned()),
            ("the files of the audit log", read_all(&self.gateway.folder().join("audit"))),
        ]
    }
}

/// Returns all that lies in a folder.
fn read_all(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default()).into_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_output() {
    let Some(mut scene) = Scene::new().await else { return };
    let (told, mut secrets) = scene.use_it().await;
    let key =
        std::fs::read_to_string(scene.files.path("key")).expect("the key of the callbacks' certificate");
    let key = key.lines().nth(1).expect("the key's text").to_owned();
    secrets.extend([
        ("the password of Redis", REDIS.to_owned()),
        ("the password of the vCenter", VCENTER.to_owned()),
        ("the secret access key", EC2.to_owned()),
        ("the client secret", CLIENT_SECRET.to_owned()),
        ("the secret of the domain", DOMAIN_SECRET.to_owned()),
        ("the key of the store", KEYS[0].to_owned()),
        ("the key of the redaction", REDACTION.to_owned()),
        ("the key of the audit files", ENCRYPTION.to_owned()),
        ("the key of the certificate", key),
        ("a bad token", BAD_TOKEN.to_owned()),
    ]);
    let outputs = scene.outputs(told).await;
    // What must be there, so that nothing is searched in vain; the files of the audit log are encrypted.
    let there = [
        "vc-1",
        "netweave.yaml",
        "redis-primary",
        "sealed:1:",
        "request answered",
        "CreateSubscription",
        "netweave-audit-sealed",
    ];
    for ((place, text), expected) in outputs.iter().zip(there) {
        assert!(text.contains(expected), "{place} lacks {expected}");
    }
    let mut checks = there.len();
    for (place, text) in &outputs {
        for (name, secret) in &secrets {
            assert!(!text.contains(secret), "{place} holds {name}");
            checks += 1;
        }
    }
    // The inventory holds what it was given; nobody but a deployer is shown it.
    for (place, text) in outputs.iter().filter(|(place, _)| *place != "the store") {
        assert!(!text.contains(CLUSTER), "{place} holds the credentials of the cluster");
        checks += 1;
    }
    record(&format!("checks={checks}"));
}
