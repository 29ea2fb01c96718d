//! The audit log of a whole gateway: what is on record of calls, refusals and handshakes, and what survives `kill -9`.

use netweave_tests::harness::audit as log;
use netweave_tests::harness::client::{V2, raw};
use netweave_tests::harness::gateway::command;
use netweave_tests::harness::pki::Pki;
use netweave_tests::harness::{Gateway, Inventory, Setup, figures, soon, until};
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

/// Where the tests' gateways keep their log.
const FOLDER: &str = "audit";

/// A gateway that records into files, with keys that are written into a folder of the test.
fn setup(keys: &Path, mode: &str) -> Setup {
    let pair = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    std::fs::write(keys.join("sign.key"), pair.serialize_pem()).expect("a file");
    std::fs::write(keys.join("sign.pub"), pair.public_key_pem()).expect("a file");
    std::fs::write(keys.join("redact.key"), [1; 32]).expect("a file");
    Setup::embedded()
        .set("/audit/mode", json!(mode))
        .set("/audit/sinks", json!(["file"]))
        .set("/audit/file/directory", json!(FOLDER))
        .set("/audit/signingKeyFile", json!(keys.join("sign.key")))
        .set("/audit/redactionKeyFile", json!(keys.join("redact.key")))
}

/// Reads all records of a gateway's folder without adding to it.
fn records(gateway: &Gateway) -> Vec<Value> {
    log::records(&gateway.folder().join(FOLDER))
}

/// Waits for a record.
async fn recorded(gateway: &Gateway, holds: impl Fn(&Value) -> bool) -> Value {
    let look = async || records(gateway).into_iter().find(|record| holds(record));
    until(Duration::from_secs(10), "the record", look).await.0
}

fn audit(gateway: &Gateway, arguments: &[&str]) -> Output {
    let arguments: Vec<&str> = std::iter::once("audit").chain(arguments.iter().copied()).collect();
    command(gateway.folder(), &arguments).output().expect("the command runs")
}

/// Says what `audit verify` says with the key of a test, and how it ends.
fn verdict(gateway: &Gateway, keys: &Path) -> (Option<i32>, String) {
    let key = keys.join("sign.pub");
    let output = audit(gateway, &["verify", FOLDER, "--pubkey", &key.to_string_lossy()]);
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn a_call_is_on_record_with_who_what_when_and_how_it_ended() {
    let keys = tempfile::tempdir().expect("a folder");
    let inventory = Inventory::with_servers(1);
    // Whatever the zone of the machine is, records are in UTC.
    let gateway =
        setup(keys.path(), "best-effort").file("lab", &inventory).variable("TZ", "Asia/Tokyo").start().await;
    let client = gateway.client("smo-1");
    let trace = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let path = format!("{V2}/resourcePools/pool-a/resources");
    client.get_with(&path, &[("x-request-id", "read-1"), trace]).await.expect(200);
    let record = recorded(&gateway, |record| record["requestId"] == "read-1").await;
    for (member, value) in [
        ("commonName", "smo-1"),
        ("identity", "spiffe://test/smo-1"),
        ("identityField", "uri"),
        ("event", "api.call"),
        ("operation", "ListResources"),
        ("method", "GET"),
        ("collection", "resources"),
        ("parent", "pool-a"),
        ("sourceIp", "127.0.0.1"),
        ("decision", "allowed"),
        ("traceId", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("target", path.as_str()),
    ] {
        assert_eq!(record[member], value, "{member} of {record}");
    }
    assert_eq!(record["status"], 200);
    assert!(
        record["durationUs"].as_u64().is_some() && record["responseBytes"].as_u64() > Some(2),
        "{record}"
    );
    assert!(
        record["route"].as_str().expect("a route").ends_with("/resourcePools/{resourcePoolId}/resources")
    );
    assert_eq!(record["certificate"]["alternativeNames"], json!(["URI:spiffe://test/smo-1"]));
    assert_eq!(record["certificate"]["fingerprint"].as_str().map(str::len), Some(64));
    assert!(record["certificate"]["serial"].as_str().is_some_and(|serial| !serial.is_empty()));
    let time = record["time"].as_str().expect("a time");
    let now = jiff::Timestamp::now();
    let age = now.duration_since(time.parse().expect("RFC 3339"));
    assert!(time.len() == 24 && time.ends_with('Z') && age.as_secs().abs() < 60, "{time}, now {now}");
}

#[tokio::test]
async fn every_refusal_is_on_record_with_its_reason() {
    let keys = tempfile::tempdir().expect("a folder");
    let gateway = setup(keys.path(), "strict")
        .set("/limits/perIdentity", json!({ "rate": 1, "burst": 6 }))
        .start()
        .await;
    gateway.nobody().get(&format!("{V2}/resourcePools")).await.problem(401);
    let client = gateway.client("smo");
    client.get("/nothing").await.problem(404);
    client.get(&format!("{V2}/resourcePools/none")).await.problem(404);
    client.put(&format!("{V2}/subscriptions"), &json!({})).await.problem(405);
    client
        .send(http::Method::POST, &format!("{V2}/subscriptions"), &[("content-type", "text/plain")], "x")
        .await
        .problem(415);
    client.post(&format!("{V2}/subscriptions"), &json!({ "callback": 1 })).await.problem(400);
    let mut limited = client.get(V2).await;
    while limited.status != 429 {
        limited = client.get(V2).await;
    }
    limited.problem(429);
    for (status, reason, decision, name) in [
        (401, "unauthenticated", "refused", Value::Null),
        (404, "not-found", "refused", json!("smo")),
        (404, "not-found", "allowed", json!("smo")),
        (405, "method-not-allowed", "refused", json!("smo")),
        (415, "unsupported-media-type", "refused", json!("smo")),
        (400, "invalid", "allowed", json!("smo")),
        (429, "rate-limited", "refused", json!("smo")),
    ] {
        recorded(&gateway, |record| {
            record["status"] == status
                && record["reason"] == reason
                && record["decision"] == decision
                && record["commonName"] == name
        })
        .await;
    }
    assert_eq!(gateway.metric("netweave_audit_dropped_total{place=\"queue\"}").await, Some(0.0));
    assert_eq!(verdict(&gateway, keys.path()).0, Some(0));
}

#[tokio::test]
async fn a_head_that_cannot_be_read_and_a_handshake_that_fails_are_on_record() {
    let keys = tempfile::tempdir().expect("a folder");
    let gateway = setup(keys.path(), "best-effort").start().await;
    let leaf = gateway.pki().client("smo");
    let mut stream = raw(gateway.pki(), Some(&leaf), gateway.api_address()).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n").await.expect("it is sent");
    stream.read_to_end(&mut Vec::new()).await.ok();
    let record = recorded(&gateway, |record| record["route"] == "unread").await;
    assert_eq!(
        (record["commonName"].as_str(), record["status"].as_u64()),
        (Some("smo"), Some(400)),
        "{record}"
    );

    let stranger = Pki::new().client("stranger");
    let mut stream = tokio::net::TcpStream::connect(gateway.api_address()).await.expect("a connection");
    stream.write_all(b"this is no TLS\r\n").await.expect("it is sent");
    stream.read_to_end(&mut Vec::new()).await.ok();
    recorded(&gateway, |record| record["event"] == "tls.handshake" && record["reason"] == "protocol").await;
    let client = netweave_tests::harness::Client::new(gateway.pki(), Some(&stranger), gateway.url());
    assert!(
        client.ask(http::Method::GET, V2, &[], "").await.is_err(),
        "a stranger's certificate is accepted"
    );
    let refused =
        |record: &Value| record["event"] == "tls.handshake" && record["reason"] == "certificate-refused";
    let record = recorded(&gateway, refused).await;
    assert_eq!(record["sourceIp"], "127.0.0.1");
}

#[tokio::test]
async fn bodies_of_changes_are_shown_without_secrets_and_hashed_whole() {
    let keys = tempfile::tempdir().expect("a folder");
    let gateway = setup(keys.path(), "strict").start().await;
    let client = gateway.client("smo");
    let callback = "http://user:CANARY-A@127.0.0.1:9/inbox?token=CANARY-B";
    let body = json!({ "callback": callback, "consumerSubscriptionId": "mine", "clientSecret": "CANARY-C" });
    let answer = client.post(&format!("{V2}/subscriptions"), &body).await;
    let record = recorded(&gateway, |record| record["operation"] == "CreateSubscription").await;
    assert_eq!(record["status"], answer.status);
    let sent = &record["request"];
    assert_eq!(sent["sha256"], netweave::digest::sha256(body.to_string().as_bytes()));
    assert_eq!(
        (sent["bytes"].as_u64(), sent["contentType"].as_str()),
        (Some(body.to_string().len() as u64), Some("application/json"))
    );
    let text = sent["text"].as_str().expect("the text");
    assert!(text.contains("\"consumerSubscriptionId\":\"mine\"") && text.contains("hmac-sha256:"), "{text}");
    assert!(record["response"]["sha256"].is_string(), "{record}");
    for entry in std::fs::read_dir(gateway.folder().join(FOLDER)).expect("the folder") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a file");
        assert!(!text.contains("CANARY"), "{text}");
    }
}

#[tokio::test]
async fn start_reload_drain_stop_and_readings_are_on_record_and_the_log_is_closed() {
    let keys = tempfile::tempdir().expect("a folder");
    let mut gateway = setup(keys.path(), "strict").start().await;
    gateway.client("smo").delete(&format!("{V2}/subscriptions/none")).await.problem(404);
    let output = audit(&gateway, &["query", FOLDER, "--operation", "DeleteSubscription", "-o", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("one record");
    assert_eq!((found["id"].as_str(), found["status"].as_u64()), (Some("none"), Some(404)));
    let reading = recorded(&gateway, |record| record["event"] == "audit.read").await;
    assert_eq!(
        (reading["detail"]["command"].as_str(), reading["detail"]["operation"].as_str()),
        (Some("query"), Some("DeleteSubscription"))
    );
    gateway.terminate();
    assert_eq!(gateway.ended(Duration::from_secs(20)).await.0.code(), Some(0));
    let events: Vec<String> = records(&gateway)
        .iter()
        .map(|record| record["event"].as_str().expect("an event").to_owned())
        .collect();
    for event in ["process.start", "process.drain", "process.stop", "audit.checkpoint"] {
        assert!(events.iter().any(|found| found == event), "{event} is not in {events:?}");
    }
    let (code, text) = verdict(&gateway, keys.path());
    assert!(code == Some(0) && text.contains("closed") && text.ends_with("ok\n"), "{code:?} {text}");
}

#[tokio::test]
async fn tampering_is_named_and_ends_with_6() {
    let keys = tempfile::tempdir().expect("a folder");
    let mut gateway = setup(keys.path(), "strict").start().await;
    for _ in 0..5 {
        gateway.client("smo").delete(&format!("{V2}/subscriptions/none")).await.problem(404);
    }
    gateway.terminate();
    gateway.ended(Duration::from_secs(20)).await;
    let segments = log::segments(&gateway.folder().join(FOLDER));
    let segment = segments.first().expect("a segment");
    let whole = std::fs::read_to_string(segment).expect("the segment");
    std::fs::write(segment, whole.replacen("\"status\":404", "\"status\":204", 1)).expect("it is written");
    let line = whole.lines().position(|line| line.contains("\"status\":404")).expect("a change") + 1;
    let (code, text) = verdict(&gateway, keys.path());
    assert!(code == Some(6) && text.contains(&format!(":{line}: record {line}: ")), "{code:?} {text}");
    std::fs::write(segment, whole).expect("it is written");
    assert_eq!(verdict(&gateway, keys.path()).0, Some(0));
}

#[tokio::test]
async fn an_encrypted_log_is_exported_with_its_key_and_a_kept_checkpoint_misses_it_when_it_is_gone() {
    let keys = tempfile::tempdir().expect("a folder");
    let secret = keys.path().join("seal.key");
    std::fs::write(&secret, [2; 32]).expect("a file");
    let mut gateway = setup(keys.path(), "strict").set("/audit/file/keyFile", json!(secret)).start().await;
    gateway.client("smo").delete(&format!("{V2}/subscriptions/none")).await.problem(404);
    gateway.terminate();
    gateway.ended(Duration::from_secs(20)).await;
    let (key, public) = (secret.to_string_lossy(), keys.path().join("sign.pub"));
    let public = public.to_string_lossy();
    let without = audit(&gateway, &["query", FOLDER]);
    assert_eq!(without.status.code(), Some(5), "{without:?}");
    let output = audit(&gateway, &["export", FOLDER, "--to", "plain.jsonl", "--key-file", &key]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let plain = std::fs::read_to_string(gateway.folder().join("plain.jsonl")).expect("the export");
    assert!(plain.lines().any(|line| line.contains("\"operation\":\"DeleteSubscription\"")), "{plain}");
    let kept = audit(&gateway, &["checkpoint", FOLDER, "--pubkey", &public]);
    std::fs::write(gateway.folder().join("kept"), kept.stdout).expect("a file");
    let judge = || {
        let with = ["--pubkey", &public, "--key-file", &key, "--against", "kept"];
        audit(&gateway, &[&["verify", FOLDER][..], &with].concat()).status.code()
    };
    assert_eq!(judge(), Some(0));
    std::fs::remove_dir_all(gateway.folder().join(FOLDER)).expect("the folder goes");
    std::fs::create_dir(gateway.folder().join(FOLDER)).expect("an empty folder");
    assert_eq!(judge(), Some(6));
}

#[tokio::test]
async fn a_gateway_whose_key_or_folder_is_of_no_use_does_not_start() {
    let keys = tempfile::tempdir().expect("a folder");
    let gone = setup(keys.path(), "strict").set("/audit/signingKeyFile", json!(keys.path().join("none")));
    let (code, log) = gone.refused().await;
    assert!(code == Some(3) && log.contains("audit.signingKeyFile"), "{code:?} {log}");
    let file = keys.path().join("sign.pub");
    let (code, _) = setup(keys.path(), "strict").set("/audit/file/directory", json!(file)).refused().await;
    assert_eq!(code, Some(3));
    let (code, log) = setup(keys.path(), "strict").set("/audit/sinks", json!(["stdout"])).refused().await;
    assert!(code == Some(3) && log.contains("audit.mode"), "{code:?} {log}");
}

#[tokio::test]
async fn standard_output_has_the_records_among_the_lines_of_the_log() {
    let gateway = Setup::memory().start().await;
    gateway.client("smo").get_with(V2, &[("x-request-id", "find-me")]).await.expect(200);
    let line = |line: &&str| line.starts_with("{\"audit\":") && line.contains("\"requestId\":\"find-me\"");
    soon("the call is recorded", async || gateway.log().lines().any(|text| line(&text))).await;
}

#[tokio::test]
async fn while_its_folder_takes_nothing_a_strict_gateway_reads_and_changes_nothing() {
    let keys = tempfile::tempdir().expect("a folder");
    // Every few records need a new file.
    let setup = setup(keys.path(), "strict").set("/audit/file/segmentSize", json!("4KiB"));
    let gateway = setup.start().await;
    let client = gateway.client("smo");
    let (folder, aside) = (gateway.folder().join(FOLDER), gateway.folder().join("aside"));
    std::fs::rename(&folder, &aside).expect("the folder can be moved");
    let path = format!("{V2}/subscriptions");
    let body = |number: usize| json!({ "callback": format!("http://127.0.0.1:9/{number}") });
    let mut made = 0;
    while client.post(&path, &body(made)).await.status == 201 {
        made += 1;
    }
    client.post(&path, &body(10_000)).await.problem(503);
    let listed = client.get(&path).await.expect(200).list();
    assert!(
        listed.len() <= made + 1,
        "{} subscriptions, {made} were confirmed and one perhaps made",
        listed.len()
    );
    assert!(
        !listed.iter().any(|one| one["callback"] == body(10_000)["callback"]),
        "a refused change was made"
    );
    assert!(gateway.metric("netweave_audit_refused_total").await > Some(0.0));
    std::fs::rename(&aside, &folder).expect("the folder can be moved back");
    soon("changes are made again", async || client.post(&path, &body(20_000)).await.status == 201).await;
    let (code, text) = verdict(&gateway, keys.path());
    assert_eq!(code, Some(0), "{text}");
}

/// Makes subscriptions, several at a time, until the gateway is gone; returns the request ids of those that were confirmed.
fn subscribe(gateway: &Gateway, round: usize, confirmed: &Arc<AtomicUsize>) -> Vec<JoinHandle<Vec<String>>> {
    let client = |number: usize| {
        let (client, confirmed) = (gateway.client("smo"), Arc::clone(confirmed));
        tokio::spawn(async move {
            let mut ids = Vec::new();
            loop {
                let id = format!("{round}-{number}-{}", ids.len());
                let body = json!({ "callback": format!("http://127.0.0.1:9/{id}") }).to_string();
                let headers = [("content-type", "application/json"), ("x-request-id", id.as_str())];
                match client.ask(http::Method::POST, &format!("{V2}/subscriptions"), &headers, &body).await {
                    Ok(answer) if answer.status == 201 => ids.push(id),
                    _ => return ids,
                }
                confirmed.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    (0..8).map(client).collect()
}

/// Changes go on until the process is killed; every one that was confirmed must be on record.
#[tokio::test]
async fn kill_9_loses_no_record_of_a_confirmed_change() {
    let rounds = if figures::full() { 25 } else { 5 };
    let keys = tempfile::tempdir().expect("a folder");
    let mut gateway =
        setup(keys.path(), "strict").set("/subscriptions/perOwner", json!(100_000)).start().await;
    let mut ids: Vec<String> = Vec::new();
    for round in 0..rounds {
        let confirmed = Arc::new(AtomicUsize::new(0));
        let clients = subscribe(&gateway, round, &confirmed);
        let enough = 20 + 7 * round;
        soon("some changes are confirmed", async || confirmed.load(Ordering::Relaxed) >= enough).await;
        gateway.kill9();
        for client in clients {
            ids.extend(client.await.expect("a client"));
        }
        gateway.restart().await;
    }
    let known: HashSet<String> = records(&gateway)
        .iter()
        .filter(|record| record["status"] == 201)
        .filter_map(|record| record["requestId"].as_str().map(str::to_owned))
        .collect();
    let lost: Vec<_> = ids.iter().filter(|id| !known.contains(*id)).collect();
    assert!(lost.is_empty(), "{} of {} confirmed changes are not on record: {lost:?}", lost.len(), ids.len());
    let (code, text) = verdict(&gateway, keys.path());
    assert_eq!(code, Some(0), "{text}");
    figures::record(&format!("audit_kills={rounds} audit_confirmed={} audit_lost=0", ids.len()));
}
