//! Bearer tokens over the wire: which are taken, how the others are refused, and what a good one gives.

use aws_lc_rs::hmac;
use http::Method;
use netweave_tests::harness::audit::records;
use netweave_tests::harness::client::{Answer, Client, V2};
use netweave_tests::harness::figures::record;
use netweave_tests::harness::issuer::{ISSUER, claims, encode, seconds};
use netweave_tests::harness::pki::{Leaf, Pki};
use netweave_tests::harness::{Callbacks, Gateway, Inventory, KeyServer, Setup, SigningKey, soon};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::sync::Arc;

/// Where a client asks who it is.
pub(crate) const SELF: &str = "/netweave/v1/self";

/// A gateway that asks for tokens in a mode, with some changes to the section `access`.
pub(crate) fn setup(mode: &str, server: &KeyServer, changes: &Value) -> Setup {
    let mut access = json!({
        "mode": mode,
        "tokens": { "issuers": [issuer(server)] },
        "others": ["reader"],
    });
    merge(&mut access, changes);
    Setup::memory().set("/access", access)
}

pub(crate) fn issuer(server: &KeyServer) -> Value {
    json!({ "name": "idp", "issuer": ISSUER, "audience": ["o2ims"], "jwksUrl": server.url() })
}

fn merge(into: &mut Value, changes: &Value) {
    let Some(changes) = changes.as_object() else {
        *into = changes.clone();
        return;
    };
    for (name, value) in changes {
        match into.get_mut(name).filter(|known| known.is_object()) {
            Some(known) => merge(known, value),
            None => into[name] = value.clone(),
        }
    }
}

pub(crate) async fn ask(client: &Client, path: &str, token: &str) -> Answer {
    client.get_with(path, &[("authorization", &format!("Bearer {token}"))]).await
}

/// Returns the binding of a token to a certificate. Source: RFC 8705, section 3.1.
fn bound_to(leaf: &Leaf) -> Value {
    let der = CertificateDer::from_pem_slice(leaf.certificate.as_bytes()).expect("a certificate");
    json!({ "x5t#S256": encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der).as_ref()) })
}

/// Fails unless an answer refuses a token in the form of RFC 6750, section 3.
#[track_caller]
pub(crate) fn refused(answer: &Answer, status: u16, error: &str) {
    let problem = answer.clone().problem(status);
    let told = answer.header("www-authenticate");
    assert!(told.starts_with("Bearer realm=\"o2ims\""), "{answer:?}");
    let expected =
        if error.is_empty() { !told.contains("error") } else { told.contains(&format!("error=\"{error}\"")) };
    assert!(expected, "{error}: {told}");
    // What a role lacks is told in the problem; the header knows only that another token might do.
    let same = error.is_empty() || status == 403;
    assert!(same || problem["detail"].as_str().is_some_and(|detail| told.contains(detail)), "{told}");
}

/// Tokens that are not good, each with a name for it and what is wrong in a word.
fn bad_tokens(
    rsa: &SigningKey,
    ec: &SigningKey,
    attacker: &KeyServer,
) -> Vec<(&'static str, String, &'static str)> {
    let good = || claims(&json!({}));
    let other = SigningKey::new("ec", "ES256");
    let hs256 = |secret: &[u8]| {
        let header = json!({ "alg": "HS256", "kid": "rsa" });
        let signed =
            format!("{}.{}", encode(header.to_string().as_bytes()), encode(good().to_string().as_bytes()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        format!("{signed}.{}", encode(tag.as_ref()))
    };
    let unsigned = |alg: &str| {
        let header = json!({ "alg": alg, "kid": "ec" });
        format!("{}.{}.", encode(header.to_string().as_bytes()), encode(good().to_string().as_bytes()))
    };
    let with = |changes: Value| ec.token(&claims(&changes));
    let header = |header: Value| ec.token_with(&header, &good());
    let modulus = rsa.jwk()["n"].as_str().expect("a modulus").to_owned();
    let text = ec.token(&good());
    let (unsigned_part, _) = text.rsplit_once('.').expect("a signature");
    let brought = json!({ "alg": "ES256", "kid": "other", "jwk": other.jwk(), "jku": attacker.url() });
    let known = json!({ "alg": "ES256", "kid": "ec", "jwk": other.jwk(), "jku": attacker.url() });
    vec![
        ("expired", with(json!({ "exp": seconds(-31) })), "expired"),
        ("not yet valid", with(json!({ "nbf": seconds(90) })), "not-yet"),
        ("made out in the future", with(json!({ "iat": seconds(90) })), "not-yet"),
        ("for too long", with(json!({ "exp": seconds(90_000) })), "lifetime"),
        ("without an end", with(json!({ "exp": null })), "malformed"),
        ("for somebody else", with(json!({ "aud": "other" })), "audience"),
        ("for nobody", with(json!({ "aud": null })), "audience"),
        ("of another issuer", with(json!({ "iss": "https://idp.example.com" })), "issuer"),
        ("of no issuer", with(json!({ "iss": null })), "malformed"),
        ("alg none", unsigned("none"), "algorithm"),
        ("alg NONE", unsigned("NONE"), "algorithm"),
        ("ES256 without a signature", unsigned("ES256"), "signature"),
        ("HS256 by the public modulus", hs256(modulus.as_bytes()), "algorithm"),
        ("HS256 by the public key", hs256(rsa.jwk().to_string().as_bytes()), "algorithm"),
        ("HS256 by nothing", hs256(b""), "algorithm"),
        ("RS256 by a key for ES256", header(json!({ "alg": "RS256", "kid": "ec" })), "key"),
        ("ES256 by the name of an RSA key", header(json!({ "alg": "ES256", "kid": "rsa" })), "key"),
        ("ES384 by a key for ES256", header(json!({ "alg": "ES384", "kid": "ec" })), "key"),
        ("a name of a key that is a path", header(json!({ "alg": "ES256", "kid": "../../ec" })), "key"),
        ("a key of its own", other.token_with(&brought, &good()), "key"),
        ("a key of its own under a known name", other.token_with(&known, &good()), "signature"),
        ("an extension", header(json!({ "alg": "ES256", "kid": "ec", "crit": ["x"], "x": 1 })), "malformed"),
        ("another type", header(json!({ "alg": "ES256", "kid": "ec", "typ": "logout+jwt" })), "malformed"),
        (
            "bound to another certificate",
            with(json!({ "cnf": { "x5t#S256": encode(&[7; 32]) } })),
            "other-certificate",
        ),
        ("bound to a key", with(json!({ "cnf": { "jkt": encode(&[7; 32]) } })), "malformed"),
        ("oversize", with(json!({ "pad": "x".repeat(9000) })), "too-long"),
        ("two parts", unsigned_part.to_owned(), "malformed"),
        ("four parts", format!("{text}.{}", encode(b"x")), "malformed"),
        ("no base64url", text.replace('.', "=."), "malformed"),
        ("a padded signature", format!("{text}=="), "malformed"),
        ("no token", "opaque".to_owned(), "malformed"),
        ("another signature", format!("{unsigned_part}.{}", encode(&[1; 64])), "signature"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_not_good_is_refused_in_the_form_of_its_scheme_and_nothing_tells_its_text() {
    let (rsa, ec) = (SigningKey::new("rsa", "RS256"), SigningKey::new("ec", "ES256"));
    let (server, attacker) = (KeyServer::start(&[&rsa, &ec]).await, KeyServer::start(&[&ec]).await);
    let inventory = Inventory::with_servers(1);
    let gateway = setup("mtls+token", &server, &json!({})).file("lab", &inventory).start().await;
    let client = gateway.client("smo");
    let path = format!("{V2}/resourcePools");
    ask(&client, &path, &ec.token(&claims(&json!({})))).await.expect(200);
    let bad = bad_tokens(&rsa, &ec, &attacker);
    let mut checks = 0;
    for (name, token, word) in &bad {
        let outcome = format!("netweave_token_checks_total{{outcome=\"{word}\"}}");
        let before = gateway.metric(&outcome).await.unwrap_or_default();
        for method in [Method::GET, Method::POST] {
            let header = ("authorization", &*format!("Bearer {token}"));
            let path = if method == Method::GET { path.clone() } else { format!("{V2}/subscriptions") };
            let answer =
                client.send(method, &path, &[header, ("content-type", "application/json")], "{}").await;
            assert_eq!(answer.status, 401, "{name}: {answer:?}");
            refused(&answer, 401, "invalid_token");
            checks += 1;
        }
        assert!(gateway.metric(&outcome).await.unwrap_or_default() > before, "{name} is no {word}");
    }
    let text = ec.token(&claims(&json!({})));
    let bearer = &*format!("Bearer {text}");
    let second = ec.token(&claims(&json!({ "jti": "second" })));
    let second = &*format!("Bearer {second}");
    let query = format!("{path}?access_token={text}");
    for (name, path, headers, status, error) in [
        ("no header", &path, vec![], 401, ""),
        ("another scheme", &path, vec!["Basic YTpi"], 401, ""),
        ("two good headers", &path, vec![bearer, second], 400, "invalid_request"),
        ("the same header twice", &path, vec![bearer, bearer], 400, "invalid_request"),
        ("a good one beside another scheme", &path, vec!["Basic YTpi", bearer], 400, "invalid_request"),
        ("two in one header", &path, vec![&*format!("{bearer}, {second}")], 400, "invalid_request"),
        ("no token after the scheme", &path, vec!["Bearer"], 400, "invalid_request"),
        ("in the query", &query, vec![], 401, ""),
    ] {
        let headers: Vec<_> = headers.into_iter().map(|value| ("authorization", value)).collect();
        let answer = client.get_with(path, &headers).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        refused(&answer, status, error);
        checks += 1;
    }
    ask(&client, &path, &text).await.expect(200);
    assert_eq!(attacker.fetches(), 0, "a key that a token names is fetched");
    let metrics = String::from_utf8(gateway.ops("/metrics").await.body.to_vec()).expect("text");
    // Claims and signatures; the audit log goes to the same place.
    let told = [gateway.log(), metrics];
    for (name, token, _) in &bad {
        for part in token.split('.').skip(1).filter(|part| part.len() > 20) {
            assert!(told.iter().all(|text| !text.contains(part)), "{name} is told");
            checks += 1;
        }
    }
    record(&format!("checks={checks}"));
}

#[tokio::test]
async fn a_good_token_is_taken_in_every_algorithm_and_costs_its_check_once() {
    let keys =
        ["RS256", "PS256", "ES256", "ES384", "EdDSA"].map(|algorithm| SigningKey::new(algorithm, algorithm));
    let server = KeyServer::start(&keys.each_ref()).await;
    let gateway = setup("mtls+token", &server, &json!({})).start().await;
    let client = gateway.client("smo");
    let mut checks = 0;
    for key in &keys {
        let token = key.token(&claims(&json!({})));
        for _ in 0..3 {
            let shown = ask(&client, SELF, &token).await.expect(200).json();
            assert_eq!(shown["token"]["subject"], "subject-1");
            checks += 1;
        }
    }
    let outcome = async |word: &str| {
        gateway.metric(&format!("netweave_token_checks_total{{outcome=\"{word}\"}}")).await
    };
    assert_eq!((outcome("verified").await, outcome("known").await), (Some(5.0), Some(10.0)));
    // The same token with another certificate is another pair.
    let token = keys[2].token(&claims(&json!({})));
    for name in ["smo", "other", "smo"] {
        let shown = ask(&gateway.client(name), SELF, &token).await.expect(200).json();
        assert_eq!(shown["name"], format!("spiffe://test/{name}"));
        checks += 1;
    }
    assert_eq!(server.fetches(), 1);
    record(&format!("checks={checks}"));
}

#[tokio::test]
async fn a_token_that_is_known_ends_with_its_time() {
    let key = SigningKey::new("ec", "ES256");
    let server = KeyServer::start(&[&key]).await;
    let gateway = setup("mtls+token", &server, &json!({ "tokens": { "leeway": "0ms" } })).start().await;
    let client = gateway.client("smo");
    let token = key.token(&claims(&json!({ "exp": seconds(4) })));
    ask(&client, SELF, &token).await.expect(200);
    ask(&client, SELF, &token).await.expect(200);
    soon("the token ends", async || ask(&client, SELF, &token).await.status == 401).await;
    refused(&ask(&client, SELF, &token).await, 401, "invalid_token");
    let known = gateway.metric("netweave_token_checks_total{outcome=\"known\"}").await;
    assert!(known >= Some(1.0), "{known:?}");
    record("checks=3");
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_is_of_no_use_with_another() {
    let pki = Arc::new(Pki::new());
    let (smo, thief) = (pki.client("smo"), pki.client("thief"));
    let key = SigningKey::new("ec", "ES256");
    let server = KeyServer::start(&[&key]).await;
    let (bound, unbound) =
        (key.token(&claims(&json!({ "cnf": bound_to(&smo) }))), key.token(&claims(&json!({}))));
    let mut checks = 0;
    for required in [false, true] {
        let changes = json!({ "tokens": { "requireBinding": required } });
        let gateway = setup("mtls+token", &server, &changes).pki(&pki).start().await;
        let client = |leaf: &Leaf| Client::new(&pki, Some(leaf), gateway.url());
        // Twice, so that what is remembered of one is of no use to the other.
        for _ in 0..2 {
            let shown = ask(&client(&smo), SELF, &bound).await.expect(200).json();
            assert_eq!(shown["token"]["bound"], true);
            refused(&ask(&client(&thief), SELF, &bound).await, 401, "invalid_token");
            let answer = ask(&client(&smo), SELF, &unbound).await;
            assert_eq!(answer.status, if required { 401 } else { 200 }, "{answer:?}");
            checks += 3;
        }
    }
    record(&format!("checks={checks}"));
}

#[tokio::test]
async fn each_mode_asks_for_what_it_says() {
    let key = SigningKey::new("ec", "ES256");
    let server = KeyServer::start(&[&key]).await;
    let token = key.token(&claims(&json!({})));
    let (good, bad) = (format!("Bearer {token}"), "Bearer x".to_owned());
    let mut checks = 0;
    for (mode, expected) in [
        // With a certificate: no token, a bad one, a good one; and the same without a certificate.
        ("mtls", [200, 200, 200, 401, 401, 401]),
        ("mtls+token", [401, 401, 200, 401, 401, 401]),
        ("token", [401, 401, 200, 401, 401, 200]),
    ] {
        let gateway = setup(mode, &server, &json!({})).start().await;
        let clients = [gateway.client("smo"), gateway.nobody()];
        let asked =
            clients.iter().flat_map(|client| [None, Some(&bad), Some(&good)].map(|token| (client, token)));
        for ((client, token), status) in asked.zip(expected) {
            let headers: Vec<_> = token.iter().map(|token| ("authorization", token.as_str())).collect();
            let answer = client.get_with(SELF, &headers).await;
            assert_eq!(answer.status, status, "{mode} {token:?}: {answer:?}");
            if status == 401 {
                answer.problem(401);
            }
            checks += 1;
        }
        gateway.ops("/readyz").await.expect(200);
        gateway.nobody().get("/readyz").await.expect(200);
    }
    record(&format!("checks={checks}"));
}

#[tokio::test]
async fn in_mode_token_a_client_is_named_by_its_token() {
    let key = SigningKey::new("ec", "ES256");
    let server = KeyServer::start(&[&key]).await;
    let rules =
        json!([{ "match": format!("token:{ISSUER}#subject-*"), "roles": ["subscriber"], "tenant": "acme" }]);
    let gateway = setup("token", &server, &json!({ "rules": rules })).start().await;
    let shown = ask(&gateway.nobody(), SELF, &key.token(&claims(&json!({})))).await.expect(200).json();
    assert_eq!(shown["name"], format!("token:{ISSUER}#subject-1"));
    assert_eq!(
        (&shown["field"], &shown["roles"], &shown["tenant"]),
        (&json!("token"), &json!(["subscriber"]), &json!("acme"))
    );
    assert_eq!((&shown["fingerprint"], &shown["certificateDaysLeft"]), (&Value::Null, &Value::Null));
    let nameless = key.token(&claims(&json!({ "sub": null, "client_id": null })));
    refused(&ask(&gateway.nobody(), SELF, &nameless).await, 401, "invalid_token");
    record("checks=2");
}

#[tokio::test]
async fn a_mode_or_an_issuer_of_no_use_ends_the_start() {
    let key = SigningKey::new("ec", "ES256");
    let server = KeyServer::start(&[&key]).await;
    let with = |changes: Value| {
        let mut issuer = issuer(&server);
        merge(&mut issuer, &changes);
        json!({ "tokens": { "issuers": [issuer] } })
    };
    let mut checks = 0;
    for (environment, mode, changes, told) in [
        ("prod", "token", json!({}), "access.mode"),
        ("staging", "token", json!({}), "access.mode"),
        ("staging", "mtls+token", json!({}), "must be `https` outside `dev`"),
        ("dev", "mtls+token", json!({ "tokens": { "issuers": [] } }), "must name an issuer"),
        ("dev", "mtls+token", with(json!({ "algorithms": ["HS256"] })), "algorithms"),
        ("dev", "mtls+token", with(json!({ "algorithms": ["none"] })), "algorithms"),
        ("dev", "mtls+token", with(json!({ "algorithms": [] })), "algorithms"),
        ("dev", "mtls+token", with(json!({ "audience": [] })), "audience"),
        ("dev", "mtls+token", with(json!({ "jwksFile": "keys.json" })), "name one"),
        ("dev", "mtls+token", with(json!({ "ca": "/none" })), "ca: cannot be read"),
        ("dev", "mtls+token", with(json!({ "grace": "1s" })), "grace"),
        ("dev", "mtls", json!({ "rules": [{ "match": "*", "token": {} }] }), "never fits"),
    ] {
        let setup = setup(mode, &server, &changes).set("/environment", json!(environment));
        let (code, log) = setup.refused().await;
        assert!(code == Some(3) && log.contains(told), "{environment} {mode} {changes}: {code:?} {log}");
        checks += 1;
    }
    record(&format!("checks={checks}"));
}

/// A gateway whose rules give roles and scopes by tokens.
async fn with_rules(server: &KeyServer) -> (Gateway, Inventory) {
    let inventory = Inventory::with_servers(2);
    let rules = json!([
        { "match": "*", "token": { "scopes": ["o2ims:admin"], "client": "admin-*" }, "roles": ["admin"] },
        { "match": "spiffe://test/smo", "token": { "issuer": "idp", "scopes": ["o2ims:subscribe"] }, "roles": ["reader", "subscriber"], "tenant": "acme" },
        { "match": "*", "token": { "subject": "narrow" }, "roles": ["reader"], "scope": { "pools": ["pool-b"] } },
        { "match": "*", "token": { "subject": "slow" }, "roles": ["reader"], "rate": { "rate": 1, "burst": 3 } },
        { "match": "spiffe://test/certified", "roles": ["maintainer"] },
    ]);
    let gateway =
        setup("mtls+token", server, &json!({ "rules": rules, "others": [] })).file("lab", &inventory);
    (gateway.start().await, inventory)
}

#[tokio::test]
async fn roles_and_scopes_come_from_the_same_rules_as_for_certificates() {
    let key = SigningKey::new("ec", "ES256");
    let server = KeyServer::start(&[&key]).await;
    let (gateway, _inventory) = with_rules(&server).await;
    let (pools, sources) = (format!("{V2}/resourcePools"), "/netweave/v1/sources".to_owned());
    let subscriptions = format!("{V2}/subscriptions");
    let admin = json!({ "scope": "o2ims:admin", "client_id": "admin-1" });
    let mut checks = 0;
    for (name, changes, roles, expected) in [
        ("smo", admin.clone(), json!(["admin"]), [200, 200, 200]),
        ("other", admin, json!(["admin"]), [200, 200, 200]),
        ("smo", json!({ "scope": "o2ims:admin" }), json!([]), [403, 403, 403]),
        ("smo", json!({ "scope": "o2ims:subscribe x" }), json!(["reader", "subscriber"]), [200, 200, 403]),
        ("other", json!({ "scope": "o2ims:subscribe" }), json!([]), [403, 403, 403]),
        ("smo", json!({ "sub": "narrow" }), json!(["reader"]), [200, 403, 403]),
        ("certified", json!({}), json!(["maintainer"]), [200, 403, 200]),
        ("nobody", json!({}), json!([]), [403, 403, 403]),
    ] {
        let (client, token) = (gateway.client(name), key.token(&claims(&changes)));
        let shown = ask(&client, SELF, &token).await.expect(200).json();
        assert_eq!(shown["roles"], roles, "{name} {changes}");
        for (path, status) in [&pools, &subscriptions, &sources].into_iter().zip(expected) {
            let answer = ask(&client, path, &token).await;
            assert_eq!(answer.status, status, "{name} {changes} {path}: {answer:?}");
            if status == 403 {
                refused(&answer.clone(), 403, "insufficient_scope");
            }
            checks += 1;
        }
    }
    // One client, two tokens at a time: each answer is that of its own token, whoever filled the cache.
    let client = gateway.client("smo");
    let narrow = key.token(&claims(&json!({ "sub": "narrow" })));
    let wide = key.token(&claims(&json!({ "scope": "o2ims:subscribe" })));
    for (token, count) in [(&wide, 2), (&narrow, 1), (&wide, 2), (&narrow, 1)] {
        assert_eq!(ask(&client, &pools, token).await.expect(200).list().len(), count);
        checks += 1;
    }
    record(&format!("checks={checks}"));
}

#[tokio::test]
async fn a_client_is_told_its_token_and_a_rate_of_its_own_is_kept() {
    let key = SigningKey::new("ec", "ES256");
    let server = KeyServer::start(&[&key]).await;
    let (gateway, _inventory) = with_rules(&server).await;
    let client = gateway.client("smo");
    let end = seconds(60);
    let token = key.token(&claims(&json!({ "scope": "o2ims:subscribe b", "exp": end })));
    let shown = ask(&client, SELF, &token).await.expect(200).json();
    let ends = jiff::Timestamp::from_second(end).expect("a time");
    assert_eq!(
        shown["token"],
        json!({ "issuer": ISSUER, "subject": "subject-1", "client": "client-1", "scopes": ["b", "o2ims:subscribe"],
                "expiresAt": format!("{ends:.3}"), "bound": false })
    );
    assert_eq!((&shown["tenant"], &shown["name"]), (&json!("acme"), &json!("spiffe://test/smo")));
    let slow = key.token(&claims(&json!({ "sub": "slow" })));
    let mut statuses = Vec::new();
    for _ in 0..9 {
        statuses.push(ask(&client, SELF, &slow).await.status);
    }
    assert!(statuses.starts_with(&[200, 200]) && statuses.contains(&429), "{statuses:?}");
    ask(&client, SELF, &token).await.expect(200);
    record("checks=3");
}

#[tokio::test]
async fn subscriptions_belong_to_the_certificate_and_are_notified_without_a_token() {
    let key = SigningKey::new("ec", "ES256");
    let server = KeyServer::start(&[&key]).await;
    let (gateway, mut inventory) = with_rules(&server).await;
    let (client, callbacks) = (gateway.client("smo"), Callbacks::start().await);
    let token = key.token(&claims(&json!({ "scope": "o2ims:subscribe" })));
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    let body = json!({ "callback": callbacks.url("/a") }).to_string();
    let path = format!("{V2}/subscriptions");
    client.send(Method::POST, &path, &headers, &body).await.expect(201);
    ask(&client, &format!("{V2}/resourcePools/pool-a/resources"), &token).await.expect(200);
    inventory.describe("server-00", "changed");
    soon("the change is told", async || !callbacks.received("/a").is_empty()).await;
    // Another token of the same client sees its subscription; the token of an administrator with another certificate does not.
    let again = key.token(&claims(&json!({ "scope": "o2ims:subscribe", "jti": "later", "sub": "other" })));
    assert_eq!(ask(&client, &path, &again).await.expect(200).list().len(), 1);
    let admin = key.token(&claims(&json!({ "scope": "o2ims:admin", "client_id": "admin-1" })));
    assert!(ask(&gateway.client("other"), &path, &admin).await.expect(200).list().is_empty());
    record("checks=3");
}

#[tokio::test]
async fn the_audit_log_names_the_token_beside_the_certificate() {
    let key = SigningKey::new("ec", "ES256");
    let server = KeyServer::start(&[&key]).await;
    let gateway = setup("mtls+token", &server, &json!({}))
        .set("/audit/sinks", json!(["file"]))
        .set("/audit/file/directory", json!("audit"))
        .start()
        .await;
    let log = gateway.folder().join("audit");
    let client = gateway.client("smo");
    let end = seconds(60);
    let good = key.token(&claims(&json!({ "exp": end })));
    let expired = key.token(&claims(&json!({ "exp": seconds(-300), "sub": "not-believed" })));
    ask(&client, SELF, &good).await.expect(200);
    refused(&ask(&client, SELF, &expired).await, 401, "invalid_token");
    let ends = jiff::Timestamp::from_second(end).expect("a time");
    let expected = json!({ "client": "client-1", "expires": format!("{ends:.3}"), "id": "token-1", "issuer": ISSUER,
        "scopes": ["o2ims:read"], "subject": "subject-1" });
    let on_record = |token: &Value, status: u16| {
        let found = records(&log).into_iter().find(|record| record["token"] == *token);
        found.is_some_and(|record| {
            record["status"] == status
                && record["commonName"] == "smo"
                && record["identity"] == "spiffe://test/smo"
        })
    };
    soon("the good token is on record", async || on_record(&expected, 200)).await;
    soon("the other is too", async || on_record(&json!({ "refused": "expired" }), 401)).await;
    let text = records(&log).iter().map(Value::to_string).collect::<String>();
    assert!(!text.contains("not-believed"), "what a refused token says is not told");
    for token in [&good, &expired] {
        assert!(token.split('.').skip(1).all(|part| !text.contains(part)), "a token is told");
    }
    record("checks=5");
}
