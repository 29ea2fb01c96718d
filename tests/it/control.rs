//! The running gateway: what the control socket, signals and the configuration file change in it.

use http::Method;
use netweave_tests::harness::client::V2;
use netweave_tests::harness::{Gateway, Inventory, Setup, soon};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::time::Duration;

const SOCKET: &str = "control.sock";
const FAILED: &str = "netweave_config_reloads_total{result=\"failed\"}";
const OK: &str = "netweave_config_reloads_total{result=\"ok\"}";
const SUCCESSFUL: &str = "netweave_config_last_reload_successful";

async fn gateway() -> (Gateway, Inventory) {
    let inventory = Inventory::with_servers(1);
    let setup = Setup::memory().file("lab", &inventory).set("/ops/control", json!(SOCKET));
    (setup.start().await, inventory)
}

/// Runs a command on the gateway's control socket.
async fn ask(gateway: &Gateway, arguments: &[&str]) -> (i32, Value) {
    let (code, out, err) = gateway.run(&[arguments, &["-c", "netweave.yaml", "-o", "json"]].concat()).await;
    (code, serde_json::from_str(&out).unwrap_or_else(|_| json!(err)))
}

#[tokio::test]
async fn drain_returns_when_the_process_has_ended_and_takes_its_socket_along() {
    let (mut gateway, _inventory) = gateway().await;
    let socket = gateway.folder().join(SOCKET);
    assert_eq!(fs::metadata(&socket).expect("the socket").mode() & 0o777, 0o600);
    let (code, told) = ask(&gateway, &["drain"]).await;
    assert_eq!((code, &told["ended"]), (0, &json!(true)), "{told}");
    let (status, took) = gateway.ended(Duration::from_secs(10)).await;
    assert_eq!(status.code(), Some(0), "{}", gateway.log());
    assert!(took < Duration::from_secs(1), "it had ended when the command did");
    assert!(!socket.exists());
    assert_eq!(ask(&gateway, &["drain"]).await.0, 4, "nobody answers");
}

#[tokio::test]
async fn a_profile_says_where_the_time_goes() {
    let (gateway, _inventory) = gateway().await;
    let smo = gateway.client("smo");
    let path = format!("{V2}/resourcePools");
    let load = async {
        loop {
            smo.get(&path).await.expect(200);
        }
    };
    let profiles = async {
        let asked = ["profile", "--seconds", "1", "--frequency", "999"];
        let (first, second) = tokio::join!(ask(&gateway, &asked), async {
            let under_way = "a profile of the processor's time is being taken";
            soon("the first has begun", async || gateway.log().contains(under_way)).await;
            ask(&gateway, &asked).await
        });
        let ours = first.1["stacks"].as_array().expect("stacks").iter();
        let ours = ours.filter(|line| line.as_str().is_some_and(|line| line.contains("netweave::gateway")));
        assert!(first.0 == 0 && ours.count() > 0, "{first:?}");
        assert_eq!(second.0, 2, "one at a time: {second:?}");
        let graph = ["profile", "--seconds", "1", "--out", "graph.svg"];
        assert_eq!(ask(&gateway, &graph).await.0, 0);
        let drawn = fs::read_to_string(gateway.folder().join("graph.svg")).expect("the graph");
        assert!(drawn.starts_with("<svg ") && drawn.contains("netweave::gateway"), "{drawn}");
        assert_eq!(ask(&gateway, &graph).await.0, 7, "the file exists");
    };
    tokio::select! {
        () = load => unreachable!("it goes on"),
        () = profiles => {}
    }
    assert_eq!(ask(&gateway, &["profile", "--seconds", "61"]).await.0, 2);
}

#[tokio::test]
async fn a_build_without_a_heap_profile_says_so() {
    let (gateway, _inventory) = gateway().await;
    let socket = gateway.folder().join(SOCKET).display().to_string();
    let (code, out, err) = gateway.run(&["profile", "--heap", "--socket", &socket]).await;
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    let missing = "this build has no heap profile: build it with --features heap-profile";
    assert!(err.contains(missing), "{err}");
    let (code, ..) = gateway.run(&["profile", "--heap", "--seconds", "5", "--socket", &socket]).await;
    assert_eq!(code, 2, "a heap has no time");
}

#[tokio::test]
async fn a_live_key_is_taken_over_and_a_key_that_needs_a_restart_is_named() {
    let (gateway, _inventory) = gateway().await;
    let smo = gateway.client("smo");
    smo.get(V2).await.expect(200);
    gateway.configure("/limits/perIdentity", json!({ "rate": 1, "burst": 1 }));
    gateway.configure("/shutdown/grace", json!("6s"));
    let (code, told) = ask(&gateway, &["reload"]).await;
    assert_eq!(code, 0, "{told}");
    // The file's change may have been seen before the command.
    let live = told["live"].as_array().expect("a list").len();
    assert!([0, 2].contains(&live), "{told}");
    assert_eq!(told["restart"], json!(["shutdown.grace"]));
    // The connection that stands has the new rate.
    smo.get(V2).await.expect(200);
    smo.get(V2).await.expect(429);
}

#[tokio::test]
async fn rules_count_at_once_for_connections_that_stand() {
    let (gateway, _inventory) = gateway().await;
    let smo = gateway.client("smo");
    let path = format!("{V2}/resourceTypes");
    smo.get(&path).await.expect(200);
    gateway.configure("/access/others", json!([]));
    gateway.signal(Signal::HUP);
    soon("the reader is none any more", async || smo.get(&path).await.status == 403).await;
    gateway.configure("/access/others", json!(["reader"]));
    soon("it is one again", async || smo.get(&path).await.status == 200).await;
}

#[tokio::test]
async fn a_faulty_file_leaves_everything_as_it_is_until_it_is_mended() {
    let (gateway, _inventory) = gateway().await;
    let good = fs::read_to_string(gateway.folder().join("netweave.yaml")).expect("the configuration");
    gateway.write_configuration("limits: { perIdentity: { rate: 1, burst: 1 }, boddy: 1MiB }");
    let (code, told) = reload(&gateway).await;
    assert_eq!(code, 3, "{told}");
    assert!(told["faults"][0].as_str().expect("a fault").contains("limits.boddy"), "{told}");
    assert_eq!(gateway.metric(SUCCESSFUL).await, Some(0.0));
    assert!(gateway.metric(FAILED).await.is_some_and(|count| count >= 1.0));
    assert!(gateway.log().contains("the one before stays in force"));
    let smo = gateway.client("smo");
    for _ in 0..5 {
        smo.get(V2).await.expect(200);
    }
    gateway.write_configuration(&good);
    soon("the mended file is taken over", async || gateway.metric(SUCCESSFUL).await == Some(1.0)).await;
}

/// Asks without reading the file in the command, which would find the fault itself.
async fn reload(gateway: &Gateway) -> (i32, Value) {
    let (code, out, err) = gateway.run(&["reload", "--socket", SOCKET, "-o", "json"]).await;
    (code, serde_json::from_str(&out).unwrap_or_else(|_| json!(err)))
}

#[tokio::test]
async fn a_file_that_is_exchanged_by_a_link_is_seen() {
    let (gateway, _inventory) = gateway().await;
    let folder = gateway.folder();
    let path = folder.join("netweave.yaml");
    let text = fs::read_to_string(&path).expect("the configuration");
    for (version, text) in [("one", text.clone()), ("two", text.replace("\"admin\"", "\"reader\""))] {
        fs::create_dir(folder.join(version)).expect("a folder");
        fs::write(folder.join(version).join("netweave.yaml"), text).expect("a version");
    }
    symlink("one", folder.join("data")).expect("a link");
    symlink("data/netweave.yaml", folder.join("link")).expect("a link");
    fs::rename(folder.join("link"), &path).expect("the link in the file's place");
    let before = gateway.metric(OK).await.unwrap_or_default();
    symlink("two", folder.join("data.new")).expect("a link");
    fs::rename(folder.join("data.new"), folder.join("data")).expect("the other version");
    soon("the other version is taken over", async || gateway.metric(OK).await.unwrap_or_default() > before)
        .await;
}

#[tokio::test]
async fn a_log_level_lasts_as_long_as_it_was_asked_for() {
    let (gateway, _inventory) = gateway().await;
    let (code, told) = ask(&gateway, &["log-level", "debug", "--for", "6s"]).await;
    assert_eq!((code, &told["before"]), (0, &json!("info")), "{told}");
    let answered = "\"level\":\"debug\"";
    let smo = gateway.client("smo");
    soon("reads are logged", async || {
        smo.get(V2).await.expect(200);
        gateway.log().contains(answered)
    })
    .await;
    soon("the level is as before", async || gateway.log().contains("that of the configuration again")).await;
    let lines = gateway.log().matches(answered).count();
    smo.get(V2).await.expect(200);
    assert_eq!(gateway.log().matches(answered).count(), lines);
    assert_eq!(ask(&gateway, &["log-level", "a=b=c"]).await.0, 2);
    assert_eq!(ask(&gateway, &["log-level", "debug", "--for", "2d"]).await.0, 2);
}

#[tokio::test]
async fn a_new_process_takes_the_sockets_over_and_the_old_one_ends() {
    let (mut gateway, _inventory) = gateway().await;
    let old = gateway.pid();
    let smo = gateway.client("smo");
    smo.get(V2).await.expect(200);
    assert_eq!(gateway.hand_over().await.code(), Some(0), "{}", gateway.log());
    assert_ne!(gateway.pid(), old);
    smo.get(&format!("{V2}/resourceTypes")).await.expect(200);
    // The control socket is the new process's.
    let (code, told) = ask(&gateway, &["drain"]).await;
    assert_eq!((code, &told["pid"]), (0, &json!(gateway.pid())), "{told}");
    assert_eq!(gateway.ended(Duration::from_secs(10)).await.0.code(), Some(0));
    assert!(!gateway.folder().join(SOCKET).exists());
}

#[tokio::test]
async fn without_a_process_that_takes_them_the_sockets_stay() {
    let (mut gateway, _inventory) = gateway().await;
    gateway.signal(Signal::QUIT);
    soon("nobody waits", async || gateway.log().contains("the sockets were not handed over")).await;
    gateway.client("smo").get(V2).await.expect(200);
    let (code, _, err) = gateway.run(&["serve", "-c", "netweave.yaml"]).await;
    assert_ne!(code, 0, "a second one on the same ports: {err}");
    assert!(gateway.is_running());
    let answer = gateway.client("smo").ask(Method::GET, V2, &[], "").await.expect("an answer");
    assert_eq!(answer.status, 200);
}
