//! What the gateway shows to callbacks, and whom it believes: certificates, tokens and signatures by trust domain.

use crate::rotation::Mounted;
use netweave_tests::harness::client::{Client, V2};
use netweave_tests::harness::figures::{full, record};
use netweave_tests::harness::guarded::Delivery;
use netweave_tests::harness::pki::Pki;
use netweave_tests::harness::{Callbacks, Gateway, Guarded, Setup, TokenServer, soon};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::path::Path;

/// What the client secret holds.
pub(crate) const CLIENT_SECRET: &str = "canary-client-secret";

/// A gateway whose callbacks are of these trust domains.
async fn gateway(domains: Value) -> Gateway {
    let callback = json!({ "schemes": ["http", "https"], "allow": ["127.0.0.0/8"], "domains": domains });
    let setup = Setup::memory().set("/subscriptions/callback", callback);
    setup.set("/delivery", json!({ "maxPause": "100ms" })).start().await
}

async fn subscribe(client: &Client, callback: &str) -> (String, String) {
    let created =
        client.post(&format!("{V2}/subscriptions"), &json!({ "callback": callback })).await.expect(201);
    let id = created.json()["subscriptionId"].as_str().expect("an id").to_owned();
    (id, created.header("x-o2ims-webhook-secret").to_owned())
}

/// Queues so many test notices.
async fn queue(client: &Client, id: &str, count: usize) {
    for _ in 0..count {
        client.post(&format!("/netweave/v1/subscriptions/{id}/test"), &json!({})).await.expect(202);
    }
}

/// Returns the words for what went wrong with deliveries, newest first.
async fn errors(client: &Client, id: &str) -> Vec<String> {
    let shown = client.get(&format!("/netweave/v1/subscriptions/{id}/deliveries")).await.expect(200).json();
    let attempts = shown["attempts"].as_array().expect("attempts");
    attempts.iter().filter_map(|attempt| attempt["error"].as_str().map(str::to_owned)).collect()
}

fn sequences(accepted: &[Delivery]) -> Vec<u64> {
    accepted.iter().map(|delivery| delivery.sequence).collect()
}

/// Waits until so many deliveries were accepted, and checks that they are all there, each once and in order.
async fn all_in_order(consumer: &Guarded, count: u64) {
    soon("all deliveries come", async || consumer.accepted().len() as u64 >= count).await;
    assert_eq!(sequences(&consumer.accepted()), (1..=count).collect::<Vec<_>>());
}

fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate").to_vec()
}

#[tokio::test]
async fn a_consumer_that_asks_for_a_certificate_gets_that_of_its_domain_and_no_other() {
    let (pki, strangers) = (Pki::new(), Pki::new());
    let addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"];
    let server = pki.server_for(&addresses);
    let (right, wrong) = (pki.client("gateway"), strangers.client("gateway"));
    let files = Mounted::new(&[
        ("ca.crt", &pki.authority()),
        ("strangers.crt", &strangers.authority()),
        ("right.crt", &right.certificate),
        ("right.key", &right.key),
        ("wrong.crt", &wrong.certificate),
        ("wrong.key", &wrong.key),
    ]);
    let path = |name: &str| files.path(name);
    let domains = json!([
        { "name": "right", "hosts": ["127.0.0.1"], "ca": path("ca.crt"), "certificate": path("right.crt"), "key": path("right.key") },
        { "name": "wrong", "hosts": ["127.0.0.2/32"], "ca": path("ca.crt"), "certificate": path("wrong.crt"), "key": path("wrong.key") },
        { "name": "none", "hosts": ["127.0.0.3"], "ca": path("ca.crt") },
        { "name": "strangers", "hosts": ["127.0.0.4"], "ca": path("strangers.crt"), "certificate": path("right.crt"), "key": path("right.key") },
    ]);
    let gateway = gateway(domains).await;
    let client = gateway.client("smo");
    let mut consumers = Vec::new();
    for address in addresses {
        let consumer = Guarded::start(address, &server, &[&pki], None).await;
        let (id, _) = subscribe(&client, &consumer.url()).await;
        queue(&client, &id, 1).await;
        consumers.push((consumer, id));
    }
    let (consumer, _) = &consumers[0];
    soon("the delivery comes", async || consumer.accepted().len() == 1).await;
    assert_eq!(consumer.accepted()[0].certificate, der(&right.certificate));
    for (consumer, id) in &consumers[1..] {
        soon("the delivery fails", async || errors(&client, id).await.len() > 1).await;
        let errors = errors(&client, id).await;
        assert!(errors.iter().all(|error| ["tls", "io"].contains(&error.as_str())), "{errors:?}");
        assert!(consumer.accepted().is_empty(), "{}", consumer.url());
    }
    let ends =
        gateway.metric("netweave_tls_certificate_expiration_timestamp_seconds{role=\"webhook_client\"}");
    assert!(ends.await.expect("the end of the certificate that is shown") > 1.7e9);
    record("checks=9");
}

#[tokio::test]
async fn the_pair_is_exchanged_under_running_deliveries_and_none_is_lost() {
    let (pki, next) = (Pki::new(), Pki::new());
    let first = pki.client("gateway");
    let ca = pki.authority();
    let mut files =
        Mounted::new(&[("tls.crt", &*first.certificate), ("tls.key", &first.key), ("ca.crt", &ca)]);
    let domain = json!({
        "name": "smo", "hosts": ["127.0.0.1"], "ca": files.path("ca.crt"),
        "certificate": files.path("tls.crt"), "key": files.path("tls.key"),
    });
    let consumer = Guarded::start("127.0.0.1", &pki.server(), &[&pki, &next], None).await;
    let gateway = gateway(json!([domain])).await;
    let client = gateway.client("smo");
    let (id, _) = subscribe(&client, &consumer.url()).await;
    let rotations = if full() { 20 } else { 4 };
    let reloaded =
        |result: &str| format!("netweave_webhook_reloads_total{{result=\"{result}\",what=\"tls\"}}");
    let mut told = 0;
    for rotation in 1..=rotations {
        let leaf = if rotation % 2 == 0 { pki.client("gateway") } else { next.client("gateway") };
        files.put(&[("tls.crt", &*leaf.certificate), ("tls.key", &leaf.key), ("ca.crt", &ca)]);
        let (ok, wanted) = (reloaded("ok"), f64::from(rotation));
        while gateway.metric(&ok).await != Some(wanted) {
            queue(&client, &id, 5).await;
            told += 5;
        }
        queue(&client, &id, 5).await;
        told += 5;
        all_in_order(&consumer, told).await;
        let shown = consumer.accepted().pop().expect("a delivery").certificate;
        assert_eq!(shown, der(&leaf.certificate), "new connections show the new certificate");
    }
    let other = pki.client("other");
    let before = consumer.accepted().pop().expect("a delivery").certificate;
    files.put(&[("tls.crt", &*other.certificate), ("tls.key", &first.key), ("ca.crt", &ca)]);
    let failed = reloaded("failed");
    soon("the pair is refused", async || gateway.metric(&failed).await == Some(1.0)).await;
    assert!(gateway.log().contains("the old ones stay"), "an operator is told");
    queue(&client, &id, 1).await;
    all_in_order(&consumer, told + 1).await;
    assert_eq!(consumer.accepted().pop().expect("a delivery").certificate, before);
    record(&format!(
        "checks={} pair_rotations={rotations} rotation_deliveries={told} lost=0",
        2 * rotations + 4
    ));
}

/// A consumer that asks for tokens, their server, and a gateway that has a client secret for it.
struct Tokens {
    idp: TokenServer,
    consumer: Guarded,
    gateway: Gateway,
    files: Mounted,
}

impl Tokens {
    async fn start(seconds: f64) -> Self {
        let (pki, idp) = (Pki::new(), TokenServer::start(seconds).await);
        let leaf = pki.client("gateway");
        let files = Mounted::new(&[
            ("ca.crt", &pki.authority()),
            ("tls.crt", &leaf.certificate),
            ("tls.key", &leaf.key),
            ("secret", &format!("{CLIENT_SECRET}\n")),
        ]);
        let consumer = Guarded::start("127.0.0.1", &pki.server(), &[&pki], Some(&idp)).await;
        let oauth2 = json!({
            "tokenUrl": idp.url(), "clientId": "gateway", "clientSecretFile": files.path("secret"), "scope": "o2",
        });
        let domain = json!({
            "name": "smo", "hosts": ["127.0.0.1"], "ca": files.path("ca.crt"),
            "certificate": files.path("tls.crt"), "key": files.path("tls.key"), "oauth2": oauth2,
        });
        Self { gateway: gateway(json!([domain])).await, idp, consumer, files }
    }

    fn bearers(&self) -> Vec<String> {
        let bearer = |delivery: &Delivery| {
            let value = delivery.headers.get("authorization").and_then(|value| value.to_str().ok());
            value.unwrap_or_default().trim_start_matches("Bearer ").to_owned()
        };
        self.consumer.accepted().iter().map(bearer).collect()
    }
}

#[tokio::test]
async fn one_token_serves_many_deliveries_and_a_refused_one_is_replaced() {
    let stage = Tokens::start(3600.0).await;
    let client = stage.gateway.client("smo");
    let (id, _) = subscribe(&client, &stage.consumer.url()).await;
    queue(&client, &id, 50).await;
    all_in_order(&stage.consumer, 50).await;
    assert_eq!((stage.idp.asked(), stage.consumer.refused()), (1, 0));
    // Base64 of `gateway:canary-client-secret`.
    assert_eq!(stage.idp.authorization(), "Basic Z2F0ZXdheTpjYW5hcnktY2xpZW50LXNlY3JldA==");
    stage.idp.revoke();
    queue(&client, &id, 10).await;
    all_in_order(&stage.consumer, 60).await;
    assert_eq!((stage.idp.asked(), stage.consumer.refused()), (2, 1), "within the same attempt");
    assert!(errors(&client, &id).await.is_empty());
    assert_eq!(stage.bearers().pop(), stage.idp.issued().pop());
    let fetched = "netweave_webhook_token_requests_total{result=\"ok\"}";
    soon("both are counted", async || stage.gateway.metric(fetched).await == Some(2.0)).await;
    assert!(stage.files.path("secret").exists());
    record("checks=7 token_deliveries=60 token_requests=2");
}

#[tokio::test]
async fn a_token_is_replaced_before_it_ends() {
    let stage = Tokens::start(1.0).await;
    let client = stage.gateway.client("smo");
    let (id, _) = subscribe(&client, &stage.consumer.url()).await;
    let mut told = 0;
    while stage.idp.issued().len() < 3 {
        queue(&client, &id, 1).await;
        told += 1;
        all_in_order(&stage.consumer, told).await;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(stage.consumer.refused(), 0);
    assert!(stage.bearers().is_sorted(), "an older token is never shown again");
    record("checks=2");
}

#[tokio::test]
async fn while_the_token_server_is_down_deliveries_wait_in_order_and_none_is_lost() {
    let stage = Tokens::start(3600.0).await;
    let client = stage.gateway.client("smo");
    stage.idp.fail(Some(503));
    let (id, _) = subscribe(&client, &stage.consumer.url()).await;
    queue(&client, &id, 20).await;
    soon("deliveries fail", async || errors(&client, &id).await.len() > 5).await;
    assert!(errors(&client, &id).await.iter().all(|error| error == "token"));
    let asked = stage.idp.asked();
    assert!(asked < errors(&client, &id).await.len(), "the token server has rest: {asked}");
    assert!(
        stage.consumer.accepted().is_empty() && stage.consumer.refused() == 0,
        "nothing goes without a token"
    );
    stage.idp.fail(None);
    all_in_order(&stage.consumer, 20).await;
    record("checks=4");
}

#[tokio::test]
async fn both_secrets_sign_while_one_is_being_replaced() {
    let callbacks = Callbacks::start().await;
    let gateway = gateway(json!([])).await;
    let client = gateway.client("smo");
    let (id, old) = subscribe(&client, &callbacks.url("/")).await;
    let path = format!("/netweave/v1/subscriptions/{id}/rotate-secret");
    // How many deliveries have a signature that does not fit this secret.
    let bad = async |secret: &str| {
        callbacks.trust("/", secret);
        let (before, came) = (callbacks.badly_signed("/"), callbacks.received("/").len());
        queue(&client, &id, 1).await;
        soon("a delivery comes", async || callbacks.received("/").len() > came).await;
        callbacks.badly_signed("/") - before
    };
    assert_eq!(bad(&old).await, 0);
    let rotated = client.post(&path, &json!({ "overlap": "1h" })).await.expect(200);
    let new = rotated.header("x-o2ims-webhook-secret").to_owned();
    assert!(new.starts_with("whsec_") && new != old);
    assert!(rotated.json()["formerSecretUntil"].is_string(), "{rotated:?}");
    assert_eq!((bad(&old).await, bad(&new).await), (0, 0), "either fits");
    let rotated = client.post(&path, &json!({ "overlap": "0s" })).await.expect(200);
    let newest = rotated.header("x-o2ims-webhook-secret").to_owned();
    assert!(rotated.json().get("formerSecretUntil").is_none(), "{rotated:?}");
    assert_eq!((bad(&newest).await, bad(&new).await, bad(&old).await), (0, 1, 1), "the old ones are gone");
    for body in [json!({ "overlap": "8d" }), json!({ "overlap": 7 }), json!({ "overlap": "x" })] {
        client.post(&path, &body).await.problem(400);
    }
    gateway.client("other").post(&path, &json!({})).await.problem(404);
    record("checks=13");
}

#[tokio::test]
async fn the_secrets_of_a_domain_sign_beside_those_of_the_subscription() {
    let text = |byte: char| format!("whsec_{}", byte.to_string().repeat(32));
    let (new, old) = (text('a'), text('b'));
    let mut files = Mounted::new(&[("new", &*new), ("old", &old)]);
    let domain = json!({
        "name": "smo", "hosts": ["127.0.0.1"], "signingSecretFiles": [files.path("new"), files.path("old")],
    });
    let (callbacks, gateway) = (Callbacks::start().await, gateway(json!([domain])).await);
    let client = gateway.client("smo");
    let third = text('c');
    for (path, secret) in [("/new", &new), ("/old", &old), ("/third", &third)] {
        callbacks.trust(path, secret);
        let (id, _) = subscribe(&client, &callbacks.url(path)).await;
        queue(&client, &id, 1).await;
        soon("it comes", async || callbacks.received(path).len() == 1).await;
        assert_eq!(callbacks.badly_signed(path), usize::from(path == "/third"), "{path}");
    }
    files.put(&[("new", &*third), ("old", &new)]);
    let exchanged = "netweave_webhook_reloads_total{result=\"ok\",what=\"secrets\"}";
    soon("the secrets are exchanged", async || gateway.metric(exchanged).await == Some(1.0)).await;
    for (path, secret, bad) in [("/a", &third, 0), ("/b", &new, 0), ("/c", &old, 1)] {
        callbacks.trust(path, secret);
        let (id, _) = subscribe(&client, &callbacks.url(path)).await;
        queue(&client, &id, 1).await;
        soon("it comes", async || callbacks.received(path).len() == 1).await;
        assert_eq!(callbacks.badly_signed(path), bad, "{path}");
    }
    record("checks=6");
}

#[tokio::test]
async fn where_callbacks_may_lead_is_asked_again_when_they_are_called() {
    let callbacks = Callbacks::start().await;
    let mut gateway = Setup::embedded()
        .set(
            "/subscriptions/callback",
            json!({ "schemes": ["http"], "allow": ["127.0.0.1"], "onlyAllowed": true }),
        )
        .set("/delivery", json!({ "maxPause": "100ms" }))
        .start()
        .await;
    let client = gateway.client("smo");
    let subscriptions = format!("{V2}/subscriptions");
    for url in ["http://1.1.1.1/", "http://[2606:4700::1111]/", "http://127.0.0.2/", "https://127.0.0.1/"] {
        let problem = client.post(&subscriptions, &json!({ "callback": url })).await.problem(400);
        assert!(problem.to_string().contains("callback"), "{problem}");
    }
    let (id, _) = subscribe(&client, &callbacks.url("/")).await;
    queue(&client, &id, 1).await;
    soon("it comes", async || callbacks.received("/").len() == 1).await;
    gateway.kill9();
    edit(gateway.folder(), "/subscriptions/callback/ports", json!([443]));
    gateway.restart().await;
    queue(&client, &id, 1).await;
    soon("it is refused", async || errors(&client, &id).await.contains(&"forbidden-address".to_owned()))
        .await;
    assert_eq!(callbacks.received("/").len(), 1);
    record("checks=6");
}

/// Changes one key of the configuration in a gateway's folder.
pub(crate) fn edit(folder: &Path, pointer: &str, value: Value) {
    let file = folder.join("netweave.yaml");
    let mut conf: Value =
        serde_json::from_str(&std::fs::read_to_string(&file).expect("the configuration")).expect("JSON");
    let (section, key) = pointer.rsplit_once('/').expect("a pointer");
    conf.pointer_mut(section).expect("the section")[key] = value;
    std::fs::write(file, conf.to_string()).expect("the configuration");
}
