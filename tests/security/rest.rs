//! Secrets at rest: what lies in the store, under which key, and what happens without it.

use crate::outbound::edit;
use crate::rotation::Mounted;
use netweave_tests::harness::client::{Client, V2};
use netweave_tests::harness::figures::record;
use netweave_tests::harness::gateway::command;
use netweave_tests::harness::{Callbacks, Gateway, RedisServer, Setup, TokenServer, soon};
use serde_json::{Value, json};

/// Keys of 32 bytes.
pub(crate) const KEYS: [&str; 3] = [
    "first-key-of-the-subscriptions-1",
    "other-key-of-the-subscriptions-2",
    "third-key-of-the-subscriptions-3",
];
const CLIENT_SECRET: &str = "canary-client-secret";
pub(crate) const DOMAIN_SECRET: &str = "whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5";

/// Where a store keeps things, read from outside.
enum Store {
    File,
    Redis(Box<RedisServer>),
}

impl Store {
    /// Returns all that lies in the store.
    fn all(&self, gateway: &Gateway) -> String {
        match self {
            Self::File => {
                let bytes =
                    std::fs::read(gateway.folder().join("netweave.db")).expect("the file of the state");
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Self::Redis(server) => server.ask(&["KEYS", "*"]).iter().map(|key| value(server, key)).collect(),
        }
    }
}

/// Returns a key with all that it holds.
pub(crate) fn value(server: &RedisServer, key: &str) -> String {
    let kind = server.ask(&["TYPE", key]).concat();
    let words: &[&str] = match kind.as_str() {
        "string" => &["GET", key],
        "hash" => &["HGETALL", key],
        "list" => &["LRANGE", key, "0", "-1"],
        "set" => &["SMEMBERS", key],
        "zset" => &["ZRANGE", key, "0", "-1"],
        "stream" => &["XRANGE", key, "-", "+"],
        // Between the list of keys and this question it has ended.
        "none" => return String::new(),
        other => panic!("a {other} of Redis"),
    };
    format!("{key}\n{}\n", server.ask(words).join("\n"))
}

async fn subscribe(client: &Client, callback: &str) -> (String, String) {
    let created =
        client.post(&format!("{V2}/subscriptions"), &json!({ "callback": callback })).await.expect(201);
    let id = created.json()["subscriptionId"].as_str().expect("an id").to_owned();
    (id, created.header("x-o2ims-webhook-secret").to_owned())
}

async fn metric(gateway: &Gateway, form: &str) -> Option<f64> {
    gateway.metric(&format!("netweave_subscription_secrets{{form=\"{form}\"}}")).await
}

/// Queues a test notice; returns the id of the notification.
async fn queue(client: &Client, id: &str) -> Value {
    let path = format!("/netweave/v1/subscriptions/{id}/test");
    client.post(&path, &json!({})).await.expect(202).json()["notificationId"].take()
}

/// Waits until a notification came, rightly signed.
///
/// One that came before a kill may come once more, so they are not counted.
async fn came(notification: &Value, callbacks: &Callbacks) {
    let is_there = || callbacks.received("/").iter().any(|body| body["notificationId"] == *notification);
    soon("it is delivered", async || is_there()).await;
    assert_eq!(callbacks.badly_signed("/"), 0);
}

/// Queues a test notice and waits until it is delivered.
async fn delivered(client: &Client, id: &str, callbacks: &Callbacks) {
    came(&queue(client, id).await, callbacks).await;
}

fn id_of_key(stored: &str) -> String {
    let rest = stored.split("sealed:1:").nth(1).expect("a sealed secret");
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

#[expect(clippy::cognitive_complexity, reason = "one story, step by step")]
async fn keys_are_exchanged(store: Store, setup: Setup) {
    let mut files = Mounted::new(&[("new", KEYS[0]), ("old", KEYS[0])]);
    let callbacks = Callbacks::start().await;
    let mut gateway = setup
        .set("/subscriptions/secretKeyFiles", json!([files.path("new"), files.path("old")]))
        .set("/delivery", json!({ "maxPause": "100ms" }))
        .start()
        .await;
    let client = gateway.client("smo");
    let (id, secret) = subscribe(&client, &callbacks.url("/")).await;
    callbacks.trust("/", &secret);
    delivered(&client, &id, &callbacks).await;
    let first = store.all(&gateway);
    assert!(first.contains("sealed:1:") && !first.contains(&secret), "only sealed");
    // The next key comes in front while the gateway runs, and all is sealed with it.
    files.put(&[("new", KEYS[1]), ("old", KEYS[0])]);
    let resealed = "netweave_subscription_secrets_resealed_total";
    soon("all is sealed anew", async || gateway.metric(resealed).await == Some(1.0)).await;
    delivered(&client, &id, &callbacks).await;
    if let Store::Redis(_) = &store {
        assert_ne!(id_of_key(&store.all(&gateway)), id_of_key(&first));
    }
    // The old key goes, and the gateway starts anew.
    files.put(&[("new", KEYS[1]), ("old", KEYS[1])]);
    gateway.kill9();
    gateway.restart().await;
    delivered(&client, &id, &callbacks).await;
    soon("it is counted", async || metric(&gateway, "sealed").await == Some(1.0)).await;
    // A wrong key: deliveries wait and say so. The right one comes back: they go on.
    files.put(&[("new", KEYS[2]), ("old", KEYS[2])]);
    gateway.kill9();
    gateway.restart().await;
    let waiting = queue(&client, &id).await;
    soon("it is said", async || metric(&gateway, "unreadable").await == Some(1.0)).await;
    let attempts = || async {
        let path = format!("/netweave/v1/subscriptions/{id}/deliveries");
        client.get(&path).await.expect(200).json()["attempts"].to_string()
    };
    soon("the reason is shown", async || attempts().await.contains("\"sealed\"")).await;
    assert!(gateway.log().contains("sealed with a key that is not there"));
    files.put(&[("new", KEYS[2]), ("old", KEYS[1])]);
    came(&waiting, &callbacks).await;
    assert!(!store.all(&gateway).contains(&secret));
    record("checks=11");
}

#[tokio::test]
async fn keys_are_exchanged_in_a_file_and_a_wrong_one_holds_deliveries() {
    keys_are_exchanged(Store::File, Setup::embedded()).await;
}

#[tokio::test]
async fn keys_are_exchanged_in_redis_and_a_wrong_one_holds_deliveries() {
    let Some(server) = RedisServer::start().await else { return };
    let setup = Setup::redis(&server.url());
    keys_are_exchanged(Store::Redis(Box::new(server)), setup).await;
}

#[tokio::test]
async fn what_lay_in_the_store_as_it_was_is_sealed_when_there_is_a_key() {
    let Some(server) = RedisServer::start().await else { return };
    let callbacks = Callbacks::start().await;
    let mut gateway = Setup::redis(&server.url()).start().await;
    let client = gateway.client("smo");
    let (id, secret) = subscribe(&client, &callbacks.url("/")).await;
    callbacks.trust("/", &secret);
    let store = Store::Redis(Box::new(server));
    assert!(store.all(&gateway).contains(&secret), "without a key it lies there as it is");
    let files = Mounted::new(&[("key", KEYS[0])]);
    gateway.kill9();
    edit(gateway.folder(), "/subscriptions/secretKeyFiles", json!([files.path("key")]));
    gateway.restart().await;
    soon("it is sealed", async || !store.all(&gateway).contains(&secret)).await;
    delivered(&client, &id, &callbacks).await;
    record("checks=3");
}

/// Every secret that the gateway is given or makes, looked for wherever it writes.
#[expect(clippy::cognitive_complexity, reason = "one story, step by step")]
async fn no_secret_is_found(store: Store, setup: Setup) {
    let (idp, callbacks) = (TokenServer::start(3600.0).await, Callbacks::start().await);
    let files = Mounted::new(&[("key", KEYS[0]), ("client", CLIENT_SECRET), ("signing", DOMAIN_SECRET)]);
    let oauth2 =
        json!({ "tokenUrl": idp.url(), "clientId": "gateway", "clientSecretFile": files.path("client") });
    let domain = json!({
        "name": "smo", "hosts": ["127.0.0.1"], "signingSecretFiles": [files.path("signing")], "oauth2": oauth2,
    });
    let callback = json!({ "schemes": ["http"], "allow": ["127.0.0.0/8"], "domains": [domain] });
    let mut gateway = setup
        .set("/subscriptions/callback", callback)
        .set("/subscriptions/secretKeyFiles", json!([files.path("key")]))
        .set("/log/level", json!("debug"))
        .start()
        .await;
    let client = gateway.client("smo");
    let (id, first) = subscribe(&client, &callbacks.url("/")).await;
    callbacks.trust("/", &first);
    delivered(&client, &id, &callbacks).await;
    let rotate = format!("/netweave/v1/subscriptions/{id}/rotate-secret");
    let second =
        client.post(&rotate, &json!({})).await.expect(200).header("x-o2ims-webhook-secret").to_owned();
    delivered(&client, &id, &callbacks).await;
    let metrics = gateway.ops("/metrics").await.expect(200);
    let mut shown = vec![
        ("the store", store.all(&gateway)),
        ("the metrics", String::from_utf8_lossy(&metrics.body).into_owned()),
    ];
    for path in [format!("{V2}/subscriptions/{id}"), format!("/netweave/v1/subscriptions/{id}/deliveries")] {
        shown.push((
            "an answer",
            String::from_utf8_lossy(&client.get(&path).await.expect(200).body).into_owned(),
        ));
    }
    gateway.kill9();
    shown.push(("the log", gateway.log()));
    for arguments in
        [&["config", "show", "-c", "netweave.yaml"][..], &["backup", "create", "-c", "netweave.yaml", "-"]]
    {
        let output = command(gateway.folder(), arguments).output().expect("the program starts");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        shown.push((arguments[0], String::from_utf8_lossy(&output.stdout).into_owned()));
    }
    let exported = &shown.last().expect("the export").1;
    assert_eq!(exported.matches("sealed:1:").count(), 2, "both secrets are carried, sealed: {exported}");
    let token = idp.issued().pop().expect("a token");
    let mut checks = 1;
    for (place, text) in &shown {
        for secret in [&*first, &second, CLIENT_SECRET, DOMAIN_SECRET, KEYS[0], &token] {
            assert!(!text.contains(secret), "{place} holds {secret}");
            checks += 1;
        }
    }
    record(&format!("checks={checks}"));
}

#[tokio::test]
async fn no_secret_is_in_the_file_of_the_state_the_log_the_metrics_or_an_export() {
    no_secret_is_found(Store::File, Setup::embedded()).await;
}

#[tokio::test]
async fn no_secret_is_in_redis_the_log_the_metrics_or_an_export() {
    let Some(server) = RedisServer::start().await else { return };
    let setup = Setup::redis(&server.url());
    no_secret_is_found(Store::Redis(Box::new(server)), setup).await;
}

#[tokio::test]
async fn a_gateway_whose_keys_or_secrets_cannot_be_read_does_not_start() {
    let domain = |more: Value| {
        let mut domain = json!({ "name": "smo", "hosts": ["smo.example.net"] });
        for (key, value) in more.as_object().expect("an object") {
            domain[key] = value.clone();
        }
        json!({ "domains": [domain] })
    };
    let files = Mounted::new(&[("short", "short")]);
    let oauth2 =
        |more: &str| json!({ "tokenUrl": "https://idp.example.net/", "clientId": "c", more: "/none/secret" });
    let cases = [
        ("/subscriptions/secretKeyFiles", json!(["/none/key"]), "secretKeyFiles[0]"),
        ("/subscriptions/secretKeyFiles", json!([files.path("short")]), "secretKeyFiles[0]"),
        (
            "/subscriptions/callback",
            domain(json!({ "certificate": "/none/crt", "key": "/none/key" })),
            "domains[0].certificate",
        ),
        ("/subscriptions/callback", domain(json!({ "certificate": "tls.crt" })), "needs `key`"),
        ("/subscriptions/callback", domain(json!({ "ca": "/none/ca" })), "domains[0].ca"),
        (
            "/subscriptions/callback",
            domain(json!({ "signingSecretFiles": [files.path("short")] })),
            "signingSecretFiles[0]",
        ),
        (
            "/subscriptions/callback",
            domain(json!({ "oauth2": oauth2("clientSecretFile") })),
            "clientSecretFile",
        ),
        (
            "/subscriptions/callback",
            domain(json!({ "oauth2": oauth2("clientSecretEnv") })),
            "clientSecretEnv",
        ),
        (
            "/subscriptions/callback",
            domain(
                json!({ "oauth2": { "tokenUrl": "http://idp.example.net/", "clientId": "c", "clientSecretFile": "tls.key" } }),
            ),
            "the scheme of the token endpoint is not allowed",
        ),
        ("/subscriptions/callback", json!({ "onlyAllowed": true }), "onlyAllowed"),
    ];
    let count = cases.len();
    for (pointer, value, named) in cases {
        let (code, log) = Setup::memory().set(pointer, value.clone()).refused().await;
        assert_eq!(code, Some(3), "{value}: {log}");
        assert!(log.contains(named), "{value}: {log}");
    }
    record(&format!("checks={}", 2 * count));
}
