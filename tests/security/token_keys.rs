//! The keys of token issuers: exchanged while clients ask, gone for a while, and asked for no more often than is right.

use crate::asked::Asked;
use crate::tokens::{SELF, ask, issuer, refused, setup};
use netweave_tests::harness::client::Client;
use netweave_tests::harness::figures::{full, record};
use netweave_tests::harness::issuer::{claims, jwks};
use netweave_tests::harness::pki::Pki;
use netweave_tests::harness::{Gateway, KeyServer, Setup, SigningKey, soon};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

const FAILED: &str = "netweave_token_key_fetches_total{issuer=\"idp\",result=\"failed\"}";

/// A gateway whose issuer has these settings beside the usual ones.
fn with(server: &KeyServer, settings: &Value) -> Setup {
    let mut issuer = issuer(server);
    for (name, value) in settings.as_object().expect("settings") {
        issuer[name] = value.clone();
    }
    setup("mtls+token", server, &json!({ "tokens": { "issuers": [issuer] } }))
}

fn token(key: &SigningKey) -> String {
    key.token(&claims(&json!({})))
}

/// What the clients of a load have in common.
struct Load {
    client: Client,
    token: Mutex<String>,
    asked: Asked,
}

impl Load {
    async fn ask(self: Arc<Self>) {
        while self.asked.goes_on() {
            let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let answer = ask(&self.client, SELF, &token).await;
            self.asked.count(&answer, answer.status == 200);
        }
    }
}

/// Waits until the gateway has fetched the keys once more, from the beginning.
async fn fetched(server: &KeyServer) {
    // The fetch that is under way may have begun before.
    let enough = server.fetches() + 2;
    soon("the keys are fetched", async || server.fetches() >= enough).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_exchanged_under_load_and_no_request_fails() {
    let mut key = SigningKey::new("key-0", "ES256");
    let server = KeyServer::start(&[&key]).await;
    let gateway = with(&server, &json!({ "refresh": "1s" })).start().await;
    let load = Arc::new(Load {
        client: gateway.client("smo"),
        token: Mutex::new(token(&key)),
        asked: Asked::default(),
    });
    let clients: Vec<_> = (0..4).map(|_| tokio::spawn(Arc::clone(&load).ask())).collect();
    let rotations: usize = if full() { 20 } else { 3 };
    for rotation in 1..=rotations {
        // As issuers do it: the new key is published beside the old one, then it signs, then the old one goes.
        let new = SigningKey::new(&format!("key-{rotation}"), "ES256");
        server.publish(&[&key, &new]);
        fetched(&server).await;
        *load.token.lock().unwrap_or_else(PoisonError::into_inner) = token(&new);
        let before = load.asked.requests();
        soon("all clients show the new token", async || load.asked.requests() > before + 8).await;
        server.publish(&[&new]);
        fetched(&server).await;
        assert_eq!(ask(&load.client, SELF, &token(&key)).await.status, 401, "the old key is gone");
        key = new;
    }
    let requests = load.asked.end(clients).await;
    record(&format!("key_rotations={rotations} key_rotation_requests={requests}"));
}

#[tokio::test]
async fn a_key_that_is_not_known_is_fetched_at_once_and_made_up_names_do_not_hammer_the_issuer() {
    let (old, new) = (SigningKey::new("old", "ES256"), SigningKey::new("new", "ES256"));
    let server = KeyServer::start(&[&old]).await;
    let gateway = with(&server, &json!({ "refresh": "1d", "grace": "2d" })).start().await;
    let client = gateway.client("smo");
    ask(&client, SELF, &token(&old)).await.expect(200);
    server.publish(&[&old, &new]);
    // The first token with the new key is good, although the next fetch is a day away.
    ask(&client, SELF, &token(&new)).await.expect(200);
    let before = server.fetches();
    for number in 0..100 {
        let header = json!({ "alg": "ES256", "kid": format!("made-up-{number}") });
        let answer = ask(&client, SELF, &new.token_with(&header, &claims(&json!({})))).await;
        answer.problem(401);
    }
    // Those who ask may have it fetched once in ten seconds; this took no minute.
    let asked = server.fetches() - before;
    assert!(asked <= 6, "{asked} fetches for 100 made-up names");
    for key in [&old, &new] {
        ask(&client, SELF, &token(key)).await.expect(200);
    }
    record(&format!("checks=104 made_up_fetches={asked}"));
}

#[tokio::test]
async fn while_the_issuer_is_away_its_keys_count_for_their_grace_and_then_nobody_comes_in() {
    let key = SigningKey::new("ec", "ES256");
    let server = KeyServer::start(&[&key]).await;
    let gateway = with(&server, &json!({ "refresh": "1s", "grace": "4s" })).start().await;
    let client = gateway.client("smo");
    let known = token(&key);
    ask(&client, SELF, &known).await.expect(200);
    server.down(true);
    soon("a fetch fails", async || gateway.metric(FAILED).await >= Some(1.0)).await;
    // Within the grace: a token that is known, and one that is not.
    ask(&client, SELF, &known).await.expect(200);
    ask(&client, SELF, &key.token(&claims(&json!({ "jti": "second" })))).await.expect(200);
    // Beyond it: neither, and no other token either; the client is told to come back.
    soon("the grace is over", async || ask(&client, SELF, &known).await.status != 200).await;
    for jti in ["token-1", "third"] {
        let answer = ask(&client, SELF, &key.token(&claims(&json!({ "jti": jti })))).await;
        assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
        answer.problem(503);
    }
    let answer = ask(&client, SELF, &known).await;
    assert_eq!(answer.problem(503)["type"], "/problems/unavailable");
    assert!(gateway.log().contains("the keys of a token issuer cannot be read"), "an operator is told");
    gateway.ops("/readyz").await.expect(200);
    server.down(false);
    soon("the issuer is back", async || ask(&client, SELF, &known).await.status == 200).await;
    record("checks=8");
}

#[tokio::test]
async fn an_answer_that_holds_no_keys_changes_nothing() {
    let key = SigningKey::new("ec", "ES256");
    let server = KeyServer::start(&[&key]).await;
    let gateway = with(&server, &json!({ "refresh": "1s", "grace": "1h" })).start().await;
    let client = gateway.client("smo");
    ask(&client, SELF, &token(&key)).await.expect(200);
    let secret = json!({ "keys": [{ "kty": "oct", "kid": "ec", "k": "AAAA" }] }).to_string();
    let many = json!({ "keys": vec![key.jwk(); 100] }).to_string();
    let mut checks = 0;
    for body in ["", "<html>", "{}", "{\"keys\":[]}", &secret, &many, &" ".repeat(300 << 10)] {
        let before = gateway.metric(FAILED).await.unwrap_or_default();
        server.answer(body.to_owned());
        // Pauses after failures double, so the good keys come between.
        soon("the answer is refused", async || gateway.metric(FAILED).await.unwrap_or_default() > before)
            .await;
        ask(&client, SELF, &token(&key)).await.expect(200);
        let fetches = server.fetches();
        server.publish(&[&key]);
        soon("the keys are fetched", async || server.fetches() > fetches).await;
        checks += 1;
    }
    record(&format!("checks={checks}"));
}

async fn served_over_tls(server: &KeyServer, authority: &Pki) -> (Gateway, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), authority.authority()).expect("the authority");
    (with(server, &json!({ "ca": file.path() })).start().await, file)
}

#[tokio::test]
async fn keys_come_from_a_server_whose_authority_is_believed_and_from_no_other() {
    let (theirs, others) = (Pki::new(), Pki::new());
    let key = SigningKey::new("ec", "ES256");
    let server = KeyServer::start_tls(&[&key], &theirs).await;
    let (gateway, _ca) = served_over_tls(&server, &theirs).await;
    ask(&gateway.client("smo"), SELF, &token(&key)).await.expect(200);
    let server = KeyServer::start_tls(&[&key], &theirs).await;
    let (gateway, _ca) = served_over_tls(&server, &others).await;
    ask(&gateway.client("smo"), SELF, &token(&key)).await.problem(503);
    assert_eq!(server.fetches(), 0, "the server is not believed and not asked");
    record("checks=2");
}

#[tokio::test]
async fn keys_can_come_from_a_file_and_change_with_it() {
    let (old, new) = (SigningKey::new("old", "ES256"), SigningKey::new("new", "EdDSA"));
    let server = KeyServer::start(&[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.json");
    std::fs::write(&path, jwks(&[&old]).to_string()).expect("the keys");
    let mut issuer = issuer(&server);
    issuer.as_object_mut().expect("a section").remove("jwksUrl");
    issuer["jwksFile"] = json!(path);
    let gateway = setup("mtls+token", &server, &json!({ "tokens": { "issuers": [issuer] } })).start().await;
    let client = gateway.client("smo");
    let (first, second) = (old.token(&claims(&json!({}))), new.token(&claims(&json!({}))));
    ask(&client, SELF, &first).await.expect(200);
    std::fs::write(&path, jwks(&[&new]).to_string()).expect("the keys");
    soon("the new key is taken", async || ask(&client, SELF, &second).await.status == 200).await;
    refused(&ask(&client, SELF, &first).await, 401, "invalid_token");
    record("checks=3");
}
