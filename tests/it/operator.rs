//! What an operator's commands say of a running gateway: certificates, capacity, bundles, configuration, shells.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::gateway::command;
use netweave_tests::harness::{Gateway, Inventory, Pki, Setup, soon};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = command(folder, arguments).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn json_of(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let (code, text, error) = run(folder, &[arguments, &["-o", "json"]].concat());
    (code, serde_json::from_str(&text).unwrap_or_else(|cause| panic!("{cause}: {text}{error}")))
}

async fn gateway(inventory: &Inventory) -> Gateway {
    Setup::memory().file("lab", inventory).set("/audit/sinks", json!(["file"])).start().await
}

#[tokio::test]
async fn certificates_of_files_and_of_a_listener_are_told() {
    let inventory = Inventory::with_servers(1);
    let gateway = gateway(&inventory).await;
    let folder = gateway.folder();
    let files = ["certs", "inspect", "-c", "netweave.yaml"];
    let (code, found) = json_of(folder, &files);
    assert_eq!((code, &found["state"]), (0, &json!("ok")), "{found}");
    let keys: Vec<_> = found["files"].as_array().expect("files").iter().map(|file| &file["key"]).collect();
    assert_eq!(keys, ["api.tls.certificate", "api.tls.clientCa"]);
    let own = &found["files"][0]["certificates"][0];
    assert_eq!(own["names"], json!(["DNS:localhost", "IP:127.0.0.1"]));
    let (code, listener) = json_of(folder, &["certs", "inspect", "--url", &gateway.url()]);
    assert_eq!(code, 0, "{listener}");
    assert_eq!(listener["files"][0]["certificates"][0]["fingerprint"], own["fingerprint"]);
    let other = gateway.url().replace("127.0.0.1", "127.0.0.2");
    let (code, _, error) = run(folder, &["certs", "inspect", "--url", &other]);
    assert_eq!(code, 4, "{error}");
    std::fs::write(folder.join("tls.crt"), gateway.pki().server_ending(time::Duration::days(20)).certificate)
        .expect("a certificate");
    let (code, text, _) = run(folder, &files);
    assert_eq!(code, 8, "{text}");
    assert!(text.contains("warning: `CN=netweave-gateway` ends in 19 days"), "{text}");
    std::fs::remove_file(folder.join("tls.crt")).expect("the file goes");
    assert_eq!(run(folder, &files).0, 1);
}

#[tokio::test]
async fn a_certificate_for_another_host_is_told() {
    let pki = std::sync::Arc::new(Pki::new());
    let inventory = Inventory::with_servers(1);
    let gateway = Setup::memory().file("lab", &inventory).pki(&pki).start().await;
    let leaf = pki.server_for(&["elsewhere.example.net"]);
    for (name, text) in [("tls.key", &leaf.key), ("tls.crt", &leaf.certificate)] {
        std::fs::write(gateway.folder().join(name), text).expect("a file");
    }
    soon("the other certificate to be served", async || {
        let (code, text, _) = run(gateway.folder(), &["certs", "inspect", "--url", &gateway.url()]);
        code == 1 && text.contains("the certificate is not for `127.0.0.1`")
    })
    .await;
}

#[tokio::test]
async fn what_is_used_is_set_against_what_is_configured() {
    let inventory = Inventory::with_servers(3);
    let gateway = gateway(&inventory).await;
    gateway.client("smo").get(&format!("{V2}/resourcePools")).await.expect(200);
    let (code, found) = json_of(gateway.folder(), &["capacity", "-c", "netweave.yaml", "--memory", "64GiB"]);
    let row = |what: &str| {
        let rows = found["rows"].as_array().expect("rows");
        rows.iter().find(|row| row["what"] == what).unwrap_or_else(|| panic!("{what}: {found}")).clone()
    };
    assert!(row("resources")["used"].as_f64().is_some_and(|used| used >= 3.0), "{found}");
    assert_eq!(row("subscriptions")["limit"], json!(10_000.0));
    assert!(row("memory")["used"].as_f64().is_some_and(|used| used > 1e6), "{found}");
    let disk = row("disk of the audit log")["ratio"].as_f64().expect("a part");
    assert_eq!(code, if disk >= 0.8 { 8 } else { 0 }, "{found}");
    let (code, text, _) = run(gateway.folder(), &["capacity", "-c", "netweave.yaml", "--memory", "1MiB"]);
    assert_eq!(code, 8, "{text}");
    assert!(text.contains("first to be reached: memory, --memory"), "{text}");
    let nobody = ["capacity", "-c", "netweave.yaml", "--ops", "http://127.0.0.1:1"];
    assert_eq!(run(gateway.folder(), &nobody).0, 4);
}

#[tokio::test]
async fn a_bundle_holds_what_it_promises() {
    let inventory = Inventory::with_servers(1);
    let gateway = gateway(&inventory).await;
    let folder = gateway.folder();
    let pack = ["support-bundle", "-c", "netweave.yaml", "--to", "bundle.tar.gz"];
    let (code, made) = json_of(folder, &pack);
    assert_eq!(code, 0, "{made}");
    let listed = Command::new("tar").args(["-tzf", "bundle.tar.gz"]).current_dir(folder).output();
    let listed = String::from_utf8_lossy(&listed.expect("tar runs").stdout).into_owned();
    let members: Vec<&str> =
        listed.lines().filter_map(|line| line.strip_prefix("netweave-bundle/")).collect();
    for member in [
        "version.json",
        "configuration.yaml",
        "faults.json",
        "doctor.json",
        "certificates.json",
        "redis.json",
        "gateway-1/readyz.json",
        "gateway-1/metrics.txt",
    ] {
        assert!(members.contains(&member), "{member} is missing: {members:?}");
    }
    assert_eq!(made["members"].as_array().map(Vec::len), Some(members.len()));
    assert_eq!(run(folder, &pack).0, 7, "a file that exists stays");
    // Also of a configuration with a fault, and of a gateway that is gone.
    std::fs::write(folder.join("bad.yaml"), "limits: { boddy: 1 }").expect("a file");
    let bad = ["support-bundle", "-c", "bad.yaml", "--ops", "http://127.0.0.1:1", "--to", "bad.tar.gz"];
    let (code, _, error) = run(folder, &bad);
    assert_eq!(code, 0, "{error}");
    let read = Command::new("tar").args(["-xzOf", "bad.tar.gz"]).current_dir(folder).output();
    let read = String::from_utf8_lossy(&read.expect("tar runs").stdout).into_owned();
    assert!(read.contains("did you mean `body`?"), "{read}");
}

#[test]
fn configurations_are_compared_and_keys_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("old.yaml"), "limits: { body: 64KiB }").expect("a file");
    std::fs::write(folder.path().join("new.yaml"), "environment: dev\nlog: { level: debug }")
        .expect("a file");
    let (code, found) = json_of(folder.path(), &["config", "diff", "old.yaml", "new.yaml"]);
    assert_eq!(code, 0);
    let right = json!([
        { "path": "limits.body", "old": "64KiB", "new": "1MiB", "live": false },
        { "path": "log.level", "old": "info", "new": "debug", "live": true },
    ]);
    assert_eq!(found, right);
    assert_eq!(run(folder.path(), &["config", "diff", "old.yaml", "none.yaml"]).0, 3);
    let (code, text, _) = run(folder.path(), &["config", "explain", "shutdown.delay"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("default   15s (prod)") && text.contains("NETWEAVE_SHUTDOWN_DELAY"), "{text}");
    let (code, _, error) = run(folder.path(), &["config", "explain", "limits.boddy"]);
    assert_eq!((code, error.contains("did you mean `body`?")), (1, true), "{error}");
}

#[test]
fn pages_scripts_and_manuals_are_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, text, _) = run(folder.path(), &["runbook", "netweavepodsdown"]);
    assert!(code == 0 && text.starts_with("# NetweavePodsDown\n"), "{text}");
    let (code, text, _) = run(folder.path(), &["runbook"]);
    assert!(code == 0 && text.lines().count() > 40, "{text}");
    let (code, _, error) = run(folder.path(), &["runbook", "NetweavePodDown"]);
    assert_eq!((code, error.contains("`NetweavePodsDown`")), (1, true), "{error}");
    for (shell, mark) in
        [("bash", "complete -F"), ("zsh", "#compdef netweave"), ("fish", "complete -c netweave")]
    {
        let (code, text, _) = run(folder.path(), &["completion", shell]);
        assert!(code == 0 && text.contains(mark) && text.contains("doctor"), "{shell}");
    }
    let script = run(folder.path(), &["completion", "bash"]).1;
    std::fs::write(folder.path().join("script"), script).expect("a file");
    let read = Command::new("bash").args(["-n", "script"]).current_dir(folder.path()).status();
    assert!(read.expect("bash runs").success());
    let (code, text, _) = run(folder.path(), &["man", "doctor"]);
    assert!(code == 0 && text.contains(".TH") && text.contains("replicas"), "{text}");
    assert_eq!(run(folder.path(), &["man", "nothing"]).0, 1);
}
