//! The command line: what each command prints, and its exit code.

use netweave_tests::harness::gateway::command;
use netweave_tests::harness::{Gateway, Inventory, Setup, soon, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    ended(&command(folder, arguments).output().expect("the program starts"))
}

fn ended(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A gateway with one server in its inventory, and the flags with which commands reach it.
struct Lab {
    gateway: Gateway,
    inventory: Inventory,
    url: String,
}

impl Lab {
    async fn new() -> Self {
        let inventory = Inventory::with_servers(1);
        let gateway = Setup::memory().file("lab", &inventory).start().await;
        let leaf = gateway.pki().client("smo");
        std::fs::write(gateway.folder().join("smo.crt"), leaf.certificate).expect("the certificate");
        std::fs::write(gateway.folder().join("smo.key"), leaf.key).expect("the key");
        let url = gateway.url();
        Self { gateway, inventory, url }
    }

    fn flags(&self) -> [&str; 8] {
        ["--url", &self.url, "--ca", "ca.crt", "--cert", "smo.crt", "--key", "smo.key"]
    }

    fn ask(&self, arguments: &[&str]) -> (i32, String, String) {
        run(self.gateway.folder(), &[arguments, &self.flags()].concat())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let (code, out, err) = self.ask(&[arguments, &["-o", "json"]].concat());
        assert_eq!(code, 0, "{arguments:?}: {err}");
        serde_json::from_str(&out).expect("JSON")
    }
}

/// A command that runs on; it is killed when this is dropped.
struct Running(Child);

impl Running {
    fn start(mut command: Command) -> Self {
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts"))
    }

    fn line(&mut self) -> impl FnMut() -> String + use<> {
        let mut lines = BufReader::new(self.0.stdout.take().expect("its output")).lines();
        move || lines.next().expect("one more line").expect("text")
    }

    fn complaint(&mut self) -> String {
        let mut line = String::new();
        let stderr = self.0.stderr.as_mut().expect("its complaints");
        BufReader::new(stderr).read_line(&mut line).expect("a line");
        line
    }

    fn interrupt(&mut self) -> Option<i32> {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).expect("a process id")).expect("a process id");
        kill_process(pid, Signal::INT).expect("it runs");
        self.0.wait().expect("it ends").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn a_faulty_file_exits_3_with_every_fault_and_its_line() {
    let folder = folder();
    let text =
        "environment: dev\nlimits:\n  boddy: 1MiB\n  inFlight: 0\nbackends: [{ kind: file, name: a }]\n";
    std::fs::write(folder.path().join("bad.yaml"), text).expect("the file");
    let (code, out, _) = run(folder.path(), &["check-config", "--skip-files", "bad.yaml"]);
    assert_eq!(code, 3, "{out}");
    let lines: Vec<&str> = out.lines().collect();
    let right = [
        "fault: bad.yaml:3:3: limits.boddy: unknown key `boddy`; did you mean `body`?",
        "fault: bad.yaml:4:13: limits.inFlight: must be a whole number from 1 to 100000",
        "fault: bad.yaml:5:12: backends[0]: lacks the key `path`",
    ];
    assert_eq!(lines.get(..3), Some(&right[..]), "{out}");
    let (code, out, _) = run(folder.path(), &["check-config", "--skip-files", "bad.yaml", "-o", "json"]);
    assert_eq!(code, 3);
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(report["faults"][0]["line"], 3);
    assert_eq!(report["faults"][0]["path"], "limits.boddy");
    let (code, _, err) = run(folder.path(), &["serve", "-c", "bad.yaml"]);
    assert_eq!(code, 3);
    assert!(err.contains("bad.yaml:3:3: limits.boddy: unknown key"), "{err}");
}

#[test]
fn the_default_file_and_every_example_pass_the_check() {
    let folder = folder();
    let (code, out, _) = run(folder.path(), &["config", "default"]);
    assert_eq!(code, 0);
    std::fs::write(folder.path().join("default.yaml"), out).expect("the file");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conf/examples");
    let examples =
        std::fs::read_dir(examples).expect("the examples").map(|entry| entry.expect("an entry").path());
    for file in examples.chain([folder.path().join("default.yaml")]) {
        let file = file.to_string_lossy().into_owned();
        let (code, out, _) = run(folder.path(), &["check-config", "--skip-files", &file]);
        assert_eq!(code, 0, "{out}");
    }
}

#[test]
fn values_in_force_name_their_origin() {
    let folder = folder();
    std::fs::write(folder.path().join("c.yaml"), "limits:\n  body: 2MiB\n").expect("the file");
    let mut command = command(folder.path(), &["config", "show", "-c", "c.yaml", "--origin"]);
    let (code, out, _) = ended(&command.env("NETWEAVE_LIMITS_URL", "1KiB").output().expect("it starts"));
    assert_eq!(code, 0);
    for line in ["  body: 2MiB  # 2:9", "  url: 1KiB  # NETWEAVE_LIMITS_URL", "  header: 16KiB  # default"] {
        assert!(out.lines().any(|found| found == line), "{line}\n{out}");
    }
}

#[test]
fn a_wrong_command_line_exits_2_and_help_exits_0() {
    let folder = folder();
    for arguments in [
        &["frobnicate"][..],
        &["serve", "--dir", "x"],
        &["subs", "list"],
        &["webhook", "listen", "--answer", "9"],
    ] {
        assert_eq!(run(folder.path(), arguments).0, 2, "{arguments:?}");
    }
    for arguments in [&["--help"][..], &["--version"], &["version"], &["serve", "--help"]] {
        assert_eq!(run(folder.path(), arguments).0, 0, "{arguments:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = folder();
    let mut child = command(folder.path(), &["config", "default"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let (code, _, err) = ended(&child.wait_with_output().expect("it ends"));
    assert_eq!((code, err.as_str()), (0, ""));
}

#[test]
fn made_certificates_fit_a_configuration_and_are_not_overwritten() {
    let folder = folder();
    assert_eq!(run(folder.path(), &["gen-certs", "--dir", "certs"]).0, 0);
    let text = "api: { tls: { certificate: certs/tls.crt, key: certs/tls.key, clientCa: certs/ca.crt } }\n";
    std::fs::write(folder.path().join("c.yaml"), text).expect("the file");
    let (code, out, _) = run(folder.path(), &["check-config", "c.yaml"]);
    assert_eq!(code, 0, "{out}");
    assert_eq!(run(folder.path(), &["gen-certs", "--dir", "certs"]).0, 7);
    assert_eq!(run(folder.path(), &["gen-certs", "--dir", "certs", "--force"]).0, 0);
}

#[tokio::test]
async fn the_healthcheck_follows_the_gateway() {
    let mut lab = Lab::new().await;
    let text =
        std::fs::read_to_string(lab.gateway.folder().join("netweave.yaml")).expect("its configuration");
    let conf: Value = serde_json::from_str(&text).expect("JSON");
    let url = format!("http://{}", conf["ops"]["listen"].as_str().expect("an address"));
    let check = |flags: &[&str]| run(Path::new("."), &[&["healthcheck", "--url", &url], flags].concat()).0;
    assert_eq!(check(&[]), 0);
    assert_eq!(check(&["--ready"]), 0);
    lab.gateway.kill9();
    assert_eq!(check(&[]), 1);
    assert_eq!(lab.ask(&["subs", "list"]).0, 4);
}

#[tokio::test]
async fn a_subscription_is_made_listed_shown_tested_and_deleted() {
    let lab = Lab::new().await;
    let create = ["subs", "create", "--callback", "http://127.0.0.1:9/", "--consumer-id", "me"];
    let created = lab.json(&create);
    let id = created["subscriptionId"].as_str().expect("an id");
    assert!(created["secret"].as_str().expect("a secret").starts_with("whsec_"));
    assert_eq!(lab.ask(&create).0, 7);
    let refused = lab.ask(&["subs", "create", "--callback", "ftp://x/"]);
    assert_eq!(refused.0, 2);
    assert!(refused.2.contains("/callback"), "{}", refused.2);
    assert_eq!(lab.json(&["subs", "list"])[0]["consumerSubscriptionId"], "me");
    let (_, table, _) = lab.ask(&["subs", "list"]);
    assert!(table.starts_with("ID ") && table.contains(id) && !table.contains('\u{1b}'), "{table}");
    assert_eq!(lab.json(&["subs", "get", id])["state"], "active");
    assert_eq!(lab.json(&["subs", "test", id])["sequence"], 1);
    assert_eq!(lab.json(&["subs", "delete", id]), json!({ "deleted": id }));
    assert_eq!(lab.ask(&["subs", "get", id]).0, 1);
    assert_eq!(lab.json(&["subs", "list"]), json!([]));
}

#[tokio::test]
async fn a_watch_prints_changes_and_deletes_its_subscription_when_interrupted() {
    let mut lab = Lab::new().await;
    let arguments = [&["subs", "watch", "-o", "json"][..], &lab.flags()].concat();
    let mut watch = Running::start(command(lab.gateway.folder(), &arguments));
    let mut line = watch.line();
    let id = watch.complaint().split_whitespace().nth(4).expect("an id").trim_end_matches(';').to_owned();
    lab.inventory.describe("server-00", "changed");
    let received: Value = serde_json::from_str(&line()).expect("JSON");
    assert_eq!(received["verified"], true, "{received}");
    assert_eq!(received["subscriptionId"], id.as_str());
    assert_eq!(watch.interrupt(), Some(0));
    assert_eq!(lab.ask(&["subs", "get", &id]).0, 1);
}

#[tokio::test]
async fn dead_letters_are_listed_and_replayed() {
    let lab = Lab::new().await;
    let folder = folder();
    // A consumer that refuses for good: after some attempts the notification is given up.
    let listen = ["webhook", "listen", "--port", "0", "--answer", "404", "-o", "json"];
    let mut consumer = Running::start(command(folder.path(), &listen));
    let callback =
        consumer.complaint().split_whitespace().nth(3).expect("a URL").trim_end_matches(';').to_owned();
    let created = lab.json(&["subs", "create", "--callback", &callback]);
    let id = created["subscriptionId"].as_str().expect("an id");
    lab.json(&["subs", "test", id]);
    let limit = Duration::from_mins(1);
    let (letters, _) = until(limit, "a dead letter", async || {
        let letters = lab.json(&["dead-letter", "list"]);
        letters.as_array().is_some_and(|letters| !letters.is_empty()).then_some(letters)
    })
    .await;
    assert_eq!(letters[0]["subscriptionId"], id);
    assert_eq!(letters[0]["reason"], "refused");
    assert!(lab.ask(&["dead-letter", "list", id]).1.contains("refused"));
    assert_eq!(lab.json(&["dead-letter", "replay", id])["deadLetters"], 1);
    soon("the dead letter is queued again", async || lab.json(&["dead-letter", "list", id]) == json!([]))
        .await;
}

#[test]
fn the_inbox_prints_what_is_posted_and_says_that_a_signature_is_bad() {
    let folder = folder();
    let mut listen = command(folder.path(), &["webhook", "listen", "--port", "0", "--count", "1"]);
    listen.env("WEBHOOK_SECRET", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    let mut inbox = Running::start(listen);
    let mut line = inbox.line();
    let url = inbox.complaint().split_whitespace().nth(3).expect("a URL").to_owned();
    let address = url.trim_start_matches("http://").trim_end_matches([';', '/']);
    let mut stream = std::net::TcpStream::connect(address).expect("it listens");
    let body = r#"{"objectRef":"/x"}"#;
    let head =
        format!("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).expect("it is sent");
    assert!(line().ends_with("/x  SIGNATURE BAD"));
    assert_eq!(inbox.0.wait().expect("it ends").code(), Some(0));
}

/// How often somebody began to watch the source, by the gateway's log.
fn beginnings(gateway: &Gateway) -> usize {
    gateway.log().matches("watching the source").count()
}

#[tokio::test]
async fn a_backend_is_listed_checked_and_read_anew() {
    let lab = Lab::new().await;
    until(Duration::from_secs(10), "the source to be read", async || {
        let listed = lab.json(&["backend", "list"]);
        (listed[0]["name"] == "lab" && listed[0]["objects"]["resources"] == 1).then_some(())
    })
    .await;
    let (code, out, _) = lab.ask(&["backend", "list"]);
    assert_eq!(code, 0);
    assert!(out.contains("lab") && out.contains("live"), "{out}");

    let check = |names: &[&str]| {
        run(lab.gateway.folder(), &[&["backend", "check", "-c", "netweave.yaml"], names].concat())
    };
    let (code, out, err) = check(&["lab"]);
    assert_eq!((code, out.contains("answers in")), (0, true), "{out}{err}");
    let (code, _, err) = check(&["other"]);
    assert_eq!((code, err.contains("no backend `other`")), (2, true), "{err}");

    let before = beginnings(&lab.gateway);
    let (code, out, err) = lab.ask(&["backend", "refresh", "lab"]);
    assert_eq!((code, &*out), (0, "lab is read anew\n"), "{err}");
    soon("the source is watched again", async || beginnings(&lab.gateway) > before).await;
    let (code, _, err) = lab.ask(&["backend", "refresh", "lab"]);
    assert_eq!((code, err.contains("just now")), (4, true), "{err}");
    assert_eq!(lab.ask(&["backend", "refresh", "other"]).0, 1);

    lab.inventory.vanish();
    let (code, out, _) = check(&[]);
    assert_eq!(code, 1, "{out}");
}
