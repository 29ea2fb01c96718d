//! Benches over a vCenter in this process, which answers in pages, and over the real simulator behind a wire.

use super::file::Nobody;
use async_trait::async_trait;
use netweave_adapters::layers::{Guard, guard};
use netweave_model::port::Backend;
use netweave_model::{Id, Kind, SourceName};
use netweave_tests::conformance::backend::{self as suite, Bench, Need, Resources};
use netweave_tests::harness::clock::TestClock;
use netweave_tests::harness::fault_proxy::{Fault, FaultProxy};
use netweave_tests::harness::vcenter::{USER, Vcenter};
use netweave_tests::harness::vcsim::{Admin, Vcsim};
use netweave_vmware::{Conf, Served, Vmware};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const NAME: &str = "vc";
/// Objects in one answer of the vCenter in this process, as few as vCenters send.
const PAGE: usize = 100;
/// Objects in one page of a list, as the backend asks for them.
const ASKED: usize = 500;

/// Longer than the breaker stays open.
const BREAKER: Duration = Duration::from_mins(1);

/// Describes a server whose virtual machines alone are resources.
pub(super) fn conf(url: &str, password_file: &Path) -> Conf {
    Conf {
        name: NAME.to_owned(),
        url: url.to_owned(),
        username: USER.to_owned(),
        password_file: password_file.to_owned(),
        ca: None,
        resources: [Served::VirtualMachines].into_iter().collect(),
        service_uri: None,
    }
}

/// Connects a backend.
pub(super) async fn connect(conf: &Conf) -> Arc<dyn Backend> {
    Arc::new(Vmware::connect(conf, &Id::from("cloud"), Arc::new(TestClock::new())).await.unwrap())
}

/// Returns the identifier of the virtual machine that the server calls so.
pub(super) fn id(reference: &str) -> Id {
    Id::stable(&SourceName::from(NAME), Kind::Resource, &format!("vm/{reference}"))
}

/// The vCenter in this process, the wire and the backend at its end.
pub(crate) struct VcenterBench {
    pub(super) vcenter: Vcenter,
    pub(super) wire: FaultProxy,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) folder: TempDir,
    clock: Arc<TestClock>,
}

impl VcenterBench {
    pub(crate) async fn bare() -> Self {
        Self::of_page(PAGE).await
    }

    pub(super) async fn of_page(page: usize) -> Self {
        let vcenter = Vcenter::start(page).await;
        let wire = FaultProxy::to(vcenter.address()).await;
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, "secret\n").unwrap();
        let backend = connect(&conf(&wire.url(), &password)).await;
        Self { vcenter, wire, backend, folder, clock: Arc::new(TestClock::new()) }
    }

    pub(crate) async fn guarded() -> Self {
        let mut bench = Self::bare().await;
        let (source, clock, settings) = (SourceName::from(NAME), bench.clock.shared(), Guard::local());
        bench.backend = guard(bench.backend(), &source, Arc::new(Nobody), clock, &settings);
        bench
    }
}

#[async_trait]
impl Bench for VcenterBench {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    async fn set(&mut self, resources: &Resources) {
        self.vcenter.set(resources);
    }

    fn id(&self, name: &str) -> Id {
        id(&format!("vm-{name}"))
    }

    async fn cut(&mut self) {
        self.wire.all(Fault::Cut);
    }

    async fn mend(&mut self) {
        self.wire.pass();
        self.clock.advance(BREAKER);
    }

    fn page(&self) -> usize {
        PAGE
    }

    fn wire(&self) -> Option<&FaultProxy> {
        Some(&self.wire)
    }

    fn busy(&self) -> Vec<Fault> {
        busy()
    }

    fn odd(&self) -> Vec<(&'static str, String)> {
        odd()
    }
}

/// Answers to a page of a list and to a wait that are of no use.
fn odd() -> Vec<(&'static str, String)> {
    let answer = |operation: &str, value: &str| {
        format!(
            "<Envelope><Body><{operation}Response><returnval>{value}</returnval></{operation}Response></Body></Envelope>"
        )
    };
    let machine = r#"<obj type="VirtualMachine">vm-1</obj>"#;
    let value = |val: &str| format!("<name>config.hardware.numCPU</name>{val}");
    let of = |set: &str, properties: &str| format!("{machine}<{set}>{properties}</{set}>");
    let many = |item: &str| item.repeat((30 << 20) / item.len());
    let objects = |set: &str| {
        [
            String::new(),
            r#"<obj type="VirtualMachine"/>"#.to_owned(),
            "<obj>vm-1</obj>".to_owned(),
            of(set, "<val>1</val>"),
            of(set, &value("<val>many</val>")),
            of(set, &value("<val><many/></val>")),
            of(set, &value(&format!("<val>{}</val>", "<a>".repeat(100)))),
            of(set, &many("<a/>")),
        ]
    };
    let pages = objects("propSet").into_iter().chain([many("<b/>")]).map(|object| {
        ("<RetrievePropertiesEx ", answer("RetrievePropertiesEx", &format!("<objects>{object}</objects>")))
    });
    let event = |kind: &str, object: &str| {
        let set = format!("<filterSet><objectSet><kind>{kind}</kind>{object}</objectSet></filterSet>");
        ("<WaitForUpdatesEx ", answer("WaitForUpdatesEx", &format!("<version>9</version>{set}")))
    };
    let events = objects("changeSet").into_iter().skip(4).map(|object| event("enter", &object));
    let others = [
        event("", machine),
        event("vanish", machine),
        event("modify", r#"<obj type="VirtualMachine">vm-never-seen</obj>"#),
        ("<WaitForUpdatesEx ", answer("WaitForUpdatesEx", "<filterSet/>")),
        (
            "<WaitForUpdatesEx ",
            answer("WaitForUpdatesEx", "<version>9</version><truncated>perhaps</truncated>"),
        ),
    ];
    pages.chain(events).chain(others).collect()
}

/// What a vCenter with too many sessions says, and what stands before one.
fn busy() -> Vec<Fault> {
    let fault = r#"<Envelope><Body><Fault><faultcode>ServerFaultCode</faultcode><faultstring/><detail><TooManyConnectionsFault xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="TooManyConnections"/></detail></Fault></Body></Envelope>"#;
    vec![Fault::too_many(Duration::from_secs(1)), Fault::answer(500, fault)]
}

impl Drop for VcenterBench {
    fn drop(&mut self) {
        let broken = self.vcenter.broken();
        assert!(broken.is_empty() || std::thread::panicking(), "rules of the API: {broken:?}");
    }
}

/// The simulator, the wire and the backend at its end.
struct VcsimBench {
    wire: FaultProxy,
    admin: Admin,
    /// The server's names of the virtual machines.
    references: BTreeMap<String, String>,
    backend: Arc<dyn Backend>,
    _vcsim: Vcsim,
}

impl VcsimBench {
    async fn start() -> Option<Self> {
        let vcsim = Vcsim::start_plain(&["-cluster", "1", "-standalone-host", "0", "-vm", "0"]).await?;
        let wire = FaultProxy::to(vcsim.address()).await;
        let backend = connect(&conf(&wire.url(), &vcsim.password_file())).await;
        let admin = vcsim.admin().await;
        Some(Self { wire, admin, references: BTreeMap::new(), backend, _vcsim: vcsim })
    }
}

#[async_trait]
impl Bench for VcsimBench {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    async fn set(&mut self, resources: &Resources) {
        let now = self.admin.machines().await;
        let gone = now.iter().filter(|(name, _)| !resources.contains_key(*name));
        let gone: Vec<String> = gone.map(|(_, machine)| machine.reference.clone()).collect();
        let new = resources.keys().filter(|name| !now.contains_key(*name)).cloned().collect();
        self.admin.destroy(gone).await;
        self.admin.create(new).await;
        let after = self.admin.machines().await;
        self.references.extend(after.into_iter().map(|(name, machine)| (name, machine.reference)));
    }

    fn id(&self, name: &str) -> Id {
        id(self.references.get(name).unwrap())
    }

    async fn cut(&mut self) {
        self.wire.all(Fault::Cut);
    }

    async fn mend(&mut self) {
        self.wire.pass();
    }

    fn page(&self) -> usize {
        ASKED
    }

    fn large(&self) -> usize {
        if std::env::var_os("NETWEAVE_FULL").is_some() { 10_000 } else { 1_100 }
    }

    fn wire(&self) -> Option<&FaultProxy> {
        Some(&self.wire)
    }

    fn busy(&self) -> Vec<Fault> {
        busy()
    }

    fn odd(&self) -> Vec<(&'static str, String)> {
        odd()
    }

    /// Seen with govmomi 0.56. Removals alone are tried in `vmware_kinds`, mixed changes on the vCenter in this process.
    fn flaws(&self) -> &'static [Need] {
        &[Need::MixedChanges]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simulated_vcenter_holds_the_contract() {
    let Some(mut bench) = VcsimBench::start().await else {
        return eprintln!("SKIPPED: no vcsim; run tests/peers/build.sh vcsim");
    };
    suite::every_case("vcsim", &mut bench).await;
}
