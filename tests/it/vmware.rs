//! A vCenter behind the gateway: what an SMO lists of it, and how soon it is told of a change.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::vcsim::{USER, Vcsim};
use netweave_tests::harness::{Client, Delays, Setup, delay, until};
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;

/// How soon a subscriber must be told of a change.
const WITHIN: Duration = Duration::from_secs(1);

/// Reads all resources.
async fn resources(smo: &Client) -> Vec<Value> {
    let mut all = Vec::new();
    for pool in smo.all(&format!("{V2}/resourcePools")).await {
        let pool = pool["resourcePoolId"].as_str().expect("a pool's id");
        all.extend(smo.all(&format!("{V2}/resourcePools/{pool}/resources")).await);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_and_machines_of_a_vcenter_are_listed_and_a_power_off_is_told_within_a_second() {
    let Some(vcsim) = Vcsim::start(&["-cluster", "1", "-vm", "2"]).await else {
        std::io::stderr().write_all(b"SKIPPED: no vcsim; run tests/peers/build.sh vcsim\n").ok();
        return;
    };
    let backend = json!({
        "name": "vc", "kind": "vmware", "url": vcsim.url(), "username": USER,
        "passwordFile": vcsim.password_file(), "ca": vcsim.ca(),
    });
    let gateway = Setup::embedded().backend(backend).start().await;
    let smo = gateway.client("smo");
    let of = |all: &[Value], kind: &str| -> Vec<Value> {
        all.iter().filter(|of| of["extensions"]["managedType"] == kind).cloned().collect()
    };
    let (all, _) = until(Duration::from_secs(20), "the first list", async || {
        let all = resources(&smo).await;
        (of(&all, "VirtualMachine").len() == 4).then_some(all)
    })
    .await;
    let hosts = of(&all, "HostSystem");
    assert_eq!(hosts.len(), 4, "a cluster of three and one alone");
    assert!(hosts.iter().all(|host| host["extensions"]["hardware"]["cpuCores"] == 2), "{hosts:?}");

    let mut delays = Delays::subscribe(&smo).await;
    let admin = vcsim.admin().await;
    let machine = admin.find("VirtualMachine", "DC0_C0_RP0_VM0").await;
    for round in 0..delay::changes() {
        let on = round % 2 == 1;
        let state = if on { "poweredOn" } else { "poweredOff" };
        let is_it = |post: &Value| {
            let of = &post["extensions"];
            of["name"] == "DC0_C0_RP0_VM0" && of["powerState"] == state
        };
        delays.measure(admin.power(&machine, on), is_it).await;
    }
    delays.hold("vmware", WITHIN);
}
