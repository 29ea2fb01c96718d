//! What is being tested: an edge in this process, or one that runs elsewhere.

use crate::lines;
use async_trait::async_trait;
use http::StatusCode;
use netweave::access::Access;
use netweave::audit::{Audit, Event, Parts as AuditParts};
use netweave::cli::gen_certs::GenCerts;
use netweave::conf::tree::{self, Api, ClientAuth, Limits, Ops, Rate, Role, Shutdown, Tls, TlsProfile};
use netweave::conf::unit::{Size, Span};
use netweave::filters::Routes;
use netweave::filters::limits::Shares;
use netweave::listen::{Ask, Edge, Parts, Signals, StopHandle, tls};
use netweave::objectives::Objectives;
use netweave::ops::{About, Browser, Check, Readiness};
use netweave::reply::Reply;
use netweave::routes::{Call, Operation};
use netweave::services::Service;
use netweave::telemetry::metrics::Metrics;
use netweave_model::port::{Clock, Ids};
use netweave_model::{Error, ErrorKind, Kind, Result, Timestamp};
use netweave_tests::harness::audit::records;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

/// Time for a head.
pub(crate) const HEAD_TIME: Duration = Duration::from_millis(600);
/// Time for a body.
pub(crate) const BODY_TIME: Duration = Duration::from_millis(800);
/// Time that a connection may be idle.
pub(crate) const IDLE: Duration = Duration::from_millis(900);
/// Size of a body.
pub(crate) const BODY: usize = 48 << 10;
/// How long the slow route takes.
const SLOW: Duration = Duration::from_secs(4);
/// A path with a cached answer.
pub(crate) const POOLS: &str = "/o2ims-infrastructureInventory/v1/resourcePools";
/// A path that takes a body.
pub(crate) const SUBSCRIPTIONS: &str = "/o2ims-infrastructureInventory/v1/subscriptions";

/// The system's time.
pub(crate) struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

struct Random;

impl Ids for Random {
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn secret(&self) -> [u8; 32] {
        [7; 32]
    }
}

/// Routes that answer, fail, panic, stall and send much.
struct Fakes;

#[async_trait]
impl Routes for Fakes {
    fn cached(&self, call: &Call<'_>) -> Option<Reply> {
        matches!(call.route.operation, Operation::List(Kind::ResourcePool, None))
            .then(|| Reply::json(StatusCode::OK, &br#"[{"resourcePoolId":"p1"}]"#[..]))
    }

    async fn serve(&self, call: &Call<'_>) -> Result<Reply> {
        match &call.route.operation {
            Operation::Caller => {
                let body = serde_json::json!({ "name": call.identity.name });
                Ok(Reply::json(StatusCode::OK, body.to_string()))
            }
            Operation::Get(Kind::ResourceType, None, id) => match id.as_ref() {
                // Without the hook: what it prints and keeps is not this test.
                "panic" => std::panic::resume_unwind(Box::new("on purpose")),
                "slow" => {
                    tokio::time::sleep(SLOW).await;
                    Ok(Reply::json(StatusCode::OK, "{}"))
                }
                "large" => Ok(Reply::json(StatusCode::OK, vec![b' '; 8 << 20])),
                "private" => Err(Error::internal("secret host 10.0.0.1")),
                _ => Err(Error::new(ErrorKind::NotFound, "there is no such type")),
            },
            Operation::Subscriptions if !call.body.is_empty() => {
                let parsed: std::result::Result<serde_json::Value, _> = serde_json::from_slice(&call.body);
                let parsed =
                    parsed.map_err(|error| Error::invalid("body", "is not JSON").with_source(error))?;
                Ok(Reply::json(StatusCode::CREATED, parsed.to_string()))
            }
            Operation::Subscription(_) => Ok(Reply::empty(StatusCode::NO_CONTENT)),
            Operation::Cloud
            | Operation::ApiVersions(_)
            | Operation::List(..)
            | Operation::Get(..)
            | Operation::TypeDictionary(..)
            | Operation::Subscriptions
            | Operation::Sources
            | Operation::Refresh(_)
            | Operation::Lease(_)
            | Operation::Act(..)
            | Operation::DryRun
            | Operation::OpenApi
            | Operation::Health(_) => Ok(Reply::json(StatusCode::OK, "[]")),
        }
    }
}

struct Ready;

impl Readiness for Ready {
    fn check(&self) -> Vec<Check> {
        let detail = "by the test".to_owned();
        vec![Check { name: "test".to_owned(), ok: true, degraded: false, detail }]
    }
}

/// What a target is made with.
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) shutdown: Shutdown,
    pub(crate) client_auth: ClientAuth,
    pub(crate) profile: TlsProfile,
    pub(crate) services: Vec<Arc<dyn Service>>,
    /// Whether calls are recorded for audit, in a file.
    pub(crate) audited: bool,
}

impl Default for Setup {
    fn default() -> Self {
        let limits = Limits {
            connections_per_ip: 1000,
            header_time: Span(HEAD_TIME),
            body: Size(BODY as u64),
            body_time: Span(BODY_TIME),
            write_time: Span(Duration::from_secs(1)),
            idle: Span(IDLE),
            requests_per_second: 0,
            per_identity: Rate { rate: 0, burst: 0 },
            new_subscriptions: Rate { rate: 0, burst: 0 },
            ..Limits::default()
        };
        let shutdown = Shutdown { delay: Span(Duration::ZERO), grace: Span(Duration::from_secs(20)) };
        Self {
            limits,
            shutdown,
            client_auth: ClientAuth::Request,
            profile: TlsProfile::Modern,
            services: Vec::new(),
            audited: false,
        }
    }
}

/// Something that listens, with the files of its authority.
pub(crate) struct Target {
    pub(crate) api: SocketAddr,
    pub(crate) ops: SocketAddr,
    /// The directory of the certificates: `ca.crt`, `tls.*`, `smo.*`, `dms.*`.
    pub(crate) certs: PathBuf,
    running: Option<Running>,
}

struct Running {
    handle: StopHandle,
    thread: Option<JoinHandle<Result<()>>>,
    metrics: Arc<Metrics>,
    audit: Arc<Audit>,
    files: TempDir,
}

/// What an edge leaves when it has ended.
pub(crate) struct Left {
    /// What it counted.
    pub(crate) metrics: Arc<Metrics>,
    /// The lines of its audit log.
    pub(crate) records: Vec<serde_json::Value>,
}

/// Opens an audit log in a file below a folder.
fn audit(folder: &Path, metrics: &Arc<Metrics>) -> Audit {
    let mut conf = tree::Audit { sinks: vec![tree::SinkKind::File], ..tree::Audit::default() };
    conf.file.directory = folder.join("audit");
    let parts = AuditParts { clock: Arc::new(Now), ids: Arc::new(Random), metrics: Arc::clone(metrics) };
    Audit::open(&conf, parts, Event::new("process.start", Now.now())).expect("a folder for records")
}

/// What the process says it is.
fn about() -> About {
    About {
        pod: "pod".to_owned(),
        environment: "dev".to_owned(),
        o_cloud: "cloud".to_owned(),
        started: Timestamp::default(),
    }
}

impl Target {
    /// Starts an edge in this process.
    pub(crate) fn start(setup: Setup) -> Self {
        lines::setup();
        tls::install_provider();
        let files = tempfile::tempdir().expect("a temporary directory");
        let certs = files.path().to_owned();
        authority(&certs);
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let tls = Tls {
            certificate: certs.join("tls.crt"),
            key: certs.join("tls.key"),
            client_ca: certs.join("ca.crt"),
            client_auth: setup.client_auth,
            profile: setup.profile,
            ..Tls::default()
        };
        let metrics = Arc::new(Metrics::new().expect("the families are sound"));
        let audit = Arc::new(if setup.audited { audit(files.path(), &metrics) } else { Audit::off() });
        let edge = Edge::bind(Parts {
            api: Api { listen: vec![any], tls, ..Api::default() },
            ops: Ops { listen: any, ..Ops::default() },
            access: Arc::new(Access::new(
                &tree::Access { others: vec![Role::Admin], ..tree::Access::default() },
                &setup.limits.per_identity,
                100,
            )),
            shares: Arc::new(Shares::new(&setup.limits)),
            bounds: Arc::new(netweave::filters::limits::Limits::new(&setup.limits, &metrics)),
            tokens: None,
            limits: setup.limits,
            shutdown: setup.shutdown,
            routes: Arc::new(Fakes),
            browser: Browser::default(),
            readiness: Arc::new(Ready),
            objectives: Arc::new(Objectives::new(Arc::clone(&metrics))),
            metrics: Arc::clone(&metrics),
            tracer: Arc::default(),
            about: about(),
            audit: Arc::clone(&audit),
            services: setup.services,
            clock: Arc::new(Now),
            ids: Arc::new(Random),
        })
        .expect("the edge can be bound");
        let (api, ops) = (edge.addresses().api[0], edge.addresses().ops);
        let handle = edge.handle();
        let thread = Some(std::thread::spawn(move || edge.run(Signals::HandleOnly)));
        let running = Running { handle, thread, metrics, audit, files };
        Self { api, ops, certs, running: Some(running) }
    }

    /// Takes what listens already; `certs` holds its authority and the client `smo`.
    #[expect(dead_code, reason = "the way to point this suite at a gateway in another process")]
    pub(crate) fn at(api: SocketAddr, ops: SocketAddr, certs: PathBuf) -> Self {
        Self { api, ops, certs, running: None }
    }

    /// Asks the edge for something.
    pub(crate) fn ask(&self, ask: Ask) {
        if let Some(running) = &self.running {
            running.handle.ask(ask);
        }
    }

    /// Asks the edge to end at once, waits until it has, and returns what it leaves.
    pub(crate) fn cut_off(&mut self) -> Left {
        self.ask(Ask::Quit);
        self.join();
        let Running { metrics, audit, files, .. } = self.running.as_ref().expect("it ran in this process");
        audit.close();
        Left { metrics: Arc::clone(metrics), records: records(&files.path().join("audit")) }
    }

    /// Waits until the edge has ended.
    pub(crate) fn join(&mut self) {
        if let Some(thread) = self.running.as_mut().and_then(|running| running.thread.take()) {
            thread.join().expect("the edge does not panic").expect("the edge ends well");
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.ask(Ask::Quit);
        self.join();
    }
}

/// Makes an authority with a server and the clients `smo` and `dms`.
pub(crate) fn authority(dir: &Path) {
    let make = GenCerts {
        dir: dir.to_owned(),
        sans: vec!["127.0.0.1".to_owned()],
        clients: vec!["smo".to_owned(), "spiffe://o2/dms".to_owned()],
        days: 2,
        force: true,
    };
    make.run(Now.now()).expect("certificates can be made");
}
