//! What the process itself may do: system calls beyond its seccomp profile are refused, and its memory is never written down.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::{Callbacks, Gateway, Inventory, Setup, soon};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::process::Command;
use std::time::Duration;

const CONFINED: &str = env!("CARGO_BIN_EXE_confined");
const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/seccomp/netweave.json");
/// Calls by which a process that was taken over goes further.
const NEVER: &[&str] = &[
    "bpf",
    "chroot",
    "delete_module",
    "finit_module",
    "init_module",
    "io_uring_setup",
    "kexec_load",
    "keyctl",
    "mount",
    "move_mount",
    "open_by_handle_at",
    "perf_event_open",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "reboot",
    "setgid",
    "setns",
    "setuid",
    "swapon",
    "umount2",
    "unshare",
    "userfaultfd",
];

#[tokio::test]
async fn the_gateway_serves_reloads_notifies_and_ends_under_its_seccomp_profile() {
    let mut inventory = Inventory::with_servers(1);
    let callbacks = Callbacks::start().await;
    let setup = Setup::embedded().file("lab", &inventory).starter(&[CONFINED, PROFILE]);
    let mut gateway = setup.start().await;
    let smo = gateway.client("smo");
    smo.get(&format!("{V2}/resourcePools")).await.expect(200);
    smo.post(&format!("{V2}/subscriptions"), &json!({ "callback": callbacks.url("/") })).await.expect(201);
    signal(&gateway, Signal::HUP);
    inventory.describe("server-00", "changed");
    soon("the change is told", async || !callbacks.received("/").is_empty()).await;
    gateway.terminate();
    let (status, _) = gateway.ended(Duration::from_secs(20)).await;
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_profile_is_taken_under_the_seccomp_profile() {
    let inventory = Inventory::with_servers(1);
    let setup = Setup::memory().file("lab", &inventory).set("/ops/control", json!("control.sock"));
    let gateway = setup.starter(&[CONFINED, PROFILE]).start().await;
    let smo = gateway.client("smo");
    let load = async {
        loop {
            smo.get(&format!("{V2}/resourcePools")).await.expect(200);
        }
    };
    let asked = ["profile", "--seconds", "1", "--frequency", "999", "-c", "netweave.yaml"];
    let (code, stacks, complaint) = tokio::select! {
        () = load => unreachable!("it goes on"),
        told = gateway.run(&asked) => told,
    };
    assert!(code == 0 && stacks.contains("netweave::gateway"), "{code} {complaint} {stacks}");
}

#[test]
fn what_the_profile_lacks_is_refused() {
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(CONFINED).arg(PROFILE).arg(program).args(arguments).output();
        output.expect("confined starts")
    };
    let unshared = run("unshare", &["--user", "true"]);
    assert!(!unshared.status.success());
    let said = String::from_utf8_lossy(&unshared.stderr).into_owned();
    assert!(said.contains("not permitted"), "{said}");
    let text = std::fs::read_to_string(PROFILE).expect("the profile");
    for name in NEVER {
        assert!(!text.contains(&format!("\"{name}\"")), "{name}");
    }
}

#[tokio::test]
async fn the_process_leaves_no_core() {
    let inventory = Inventory::with_servers(1);
    let mut gateway = Setup::memory().file("lab", &inventory).start().await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", gateway.pid())).expect("its limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!(core.split_whitespace().skip(4).collect::<Vec<_>>(), ["0", "0", "bytes"]);
    signal(&gateway, Signal::ABORT);
    let (status, _) = gateway.ended(Duration::from_secs(20)).await;
    assert!(!std::os::unix::process::ExitStatusExt::core_dumped(&status), "{status}");
}

fn signal(gateway: &Gateway, signal: Signal) {
    let pid = i32::try_from(gateway.pid()).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, signal).expect("the process takes the signal");
}
