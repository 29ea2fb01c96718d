//! The whole edge in one value: both listeners, the background services, and how it ends.

use super::accept::{Door, Room, Tls, Visitors};
use super::allow::Allow;
use super::gate::{Gate, Pace};
use super::handover;
use super::handover::{Inherited, Sockets};
use super::peer::Register;
use super::renewal::Renewal;
use super::stop::{Ask, Ending, StopHandle, Stopping};
use super::tls::Certificates;
use crate::access::Access;
use crate::audit::Audit;
use crate::conf::tree;
use crate::ctx::RequestIds;
use crate::filters::bearer::Bearer;
use crate::filters::entrance::Entrance;
use crate::filters::limits::{Limits, Shares};
use crate::filters::{Chain, Routes};
use crate::gateway::{Front, Gateway};
use crate::objectives::Objectives;
use crate::ops::{About, Browser, HealthView, Ops, Readiness, StatusView};
use crate::services::Service;
use crate::services::certificates::Certificates as CertificateService;
use crate::services::driver::{Driver, FIRST_PAUSE};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::requests::Requests;
use crate::telemetry::trace::Tracer;
use crate::token::Tokens;
use netweave_model::port::{Clock, Ids};
use netweave_model::{Error, Result};
use pingora_core::protocols::http::v2::server::{H2Options, default_h2_options};
use pingora_core::server::configuration::ServerConf;
use pingora_core::server::{RunArgs, Server};
use pingora_core::services::background::background_service;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tracing::info;

/// Connections on the operations listener: probes, Prometheus, and somebody looking.
const OPS_CONNECTIONS: usize = 100;
/// How long one of those may be unused: who keeps them all must not keep out the probe that decides whether the process lives.
const OPS_IDLE: Duration = Duration::from_secs(10);
/// Most connections that may be configured.
const MOST_CONNECTIONS: u32 = 1 << 20;
/// Threads of the background services.
const SERVICE_THREADS: usize = 2;
/// Streams that a client may have reset before they are forgotten, so that resetting rapidly earns nothing.
/// Source: the `h2` crate's advice after CVE-2023-44487.
const RESET_STREAMS: usize = 20;
/// Streams that a client's own errors may make us reset before its connection ends.
const ERROR_STREAMS: usize = 64;
/// Time that runtimes have to let go of blocking work after everything has ended.
const RUNTIME_TIME: u64 = 1;

/// What the edge is made of; each part of the configuration goes to whoever needs it.
pub struct Parts {
    /// The API listener.
    pub api: tree::Api,
    /// The operations listener.
    pub ops: tree::Ops,
    /// Who may do and see what.
    pub access: Arc<Access>,
    /// Whose tokens are believed, if they are asked for, and in which way.
    pub tokens: Option<(tree::AccessMode, Arc<Tokens>)>,
    /// The bounds.
    pub limits: tree::Limits,
    /// The shares of identities and tenants.
    pub shares: Arc<Shares>,
    /// The limits of all together.
    pub bounds: Arc<Limits>,
    /// How the process ends.
    pub shutdown: tree::Shutdown,
    /// What lies behind the filters.
    pub routes: Arc<dyn Routes>,
    /// What shows the API's document.
    pub browser: Browser,
    /// Whether requests should be sent here.
    pub readiness: Arc<dyn Readiness>,
    /// All metric families.
    pub metrics: Arc<Metrics>,
    /// The audit log.
    pub audit: Arc<Audit>,
    /// The background services.
    pub services: Vec<Arc<dyn Service>>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for request ids and jitter.
    pub ids: Arc<dyn Ids>,
    /// Takes the spans of requests.
    pub tracer: Arc<Tracer>,
    /// How well the gateway does what it is for.
    pub objectives: Arc<Objectives>,
    /// What the process is, for whoever looks.
    pub about: About,
}

/// Where the edge listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The API, in the order of the configuration.
    pub api: Vec<SocketAddr>,
    /// Operations.
    pub ops: SocketAddr,
}

/// Whose signals end the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signals {
    /// The process's SIGTERM, SIGINT and SIGHUP, and the handle.
    Process,
    /// The handle alone.
    HandleOnly,
}

/// The edge with its sockets bound, ready to run.
pub struct Edge {
    parts: Parts,
    renewal: Arc<Renewal>,
    /// Who may connect to the API and to operations.
    visitors: (Arc<Visitors>, Arc<Visitors>),
    api: Vec<TcpListener>,
    ops: TcpListener,
    /// Copies of them, to give away.
    sockets: Arc<Sockets>,
    /// Turns true when connections may be accepted.
    open: watch::Sender<bool>,
    reload: Arc<dyn Fn() + Send + Sync>,
    addresses: Addresses,
    stopping: Arc<Stopping>,
    handle: StopHandle,
    asked: mpsc::Receiver<Ask>,
}

impl Edge {
    /// Loads the certificates and binds all sockets; clients may connect from here on, and are answered by `run`.
    ///
    /// # Errors
    /// `Invalid`: a certificate file or an allow list is faulty, or an address cannot be bound.
    pub fn bind(parts: Parts) -> Result<Self> {
        Self::with(parts, &mut Inherited::default())
    }

    /// Does what [`Edge::bind`] does, with listeners of another process for the addresses that it has. Those are accepted from
    /// once [`Edge::opener`] says so.
    ///
    /// # Errors
    /// As [`Edge::bind`].
    pub fn with(parts: Parts, inherited: &mut Inherited) -> Result<Self> {
        let allow = (Allow::parse("api", &parts.api.allow)?, Allow::parse("ops", &parts.ops.allow)?);
        let certificates = Arc::new(Certificates::load(&parts.api.tls)?);
        let renewal = Arc::new(Renewal::new(
            certificates,
            Arc::clone(&parts.metrics),
            (Arc::clone(&parts.clock), Arc::clone(&parts.audit)),
        ));
        let is_open = inherited.is_empty();
        let mut listener = |address| inherited.take(address).map_or_else(|| bind(address), Ok);
        let api = parts.api.listen.iter().map(|address| listener(*address)).collect::<Result<Vec<_>>>()?;
        let ops = listener(parts.ops.listen)?;
        let addresses =
            Addresses { api: api.iter().map(local).collect::<Result<Vec<_>>>()?, ops: local(&ops)? };
        let sockets = Arc::new(Sockets::copy(api.iter().chain([&ops]))?);
        let (handle, asked) = StopHandle::new();
        let api_visitors = Visitors::new(allow.0, parts.limits.connections_per_ip);
        let visitors = (Arc::new(api_visitors), Arc::new(Visitors::new(allow.1, OPS_CONNECTIONS)));
        let reload = {
            let renewal = Arc::clone(&renewal);
            Arc::new(move || renewal.load())
        };
        let (stopping, open) = (Arc::default(), watch::Sender::new(is_open));
        Ok(Self {
            parts,
            renewal,
            visitors,
            api,
            ops,
            sockets,
            open,
            reload,
            addresses,
            stopping,
            handle,
            asked,
        })
    }

    /// Returns where it listens, with the ports that port 0 became.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Returns a handle that ends or reloads it.
    pub fn handle(&self) -> StopHandle {
        self.handle.clone()
    }

    /// Returns who may connect to the API, and to operations.
    pub fn visitors(&self) -> (Arc<Visitors>, Arc<Visitors>) {
        (Arc::clone(&self.visitors.0), Arc::clone(&self.visitors.1))
    }

    /// Returns what changes the certificates.
    pub fn renewal(&self) -> Arc<Renewal> {
        Arc::clone(&self.renewal)
    }

    /// Returns what has connections accepted, once it is set to true; where nothing was inherited it is true.
    pub fn opener(&self) -> watch::Sender<bool> {
        self.open.clone()
    }

    /// Returns copies of the listeners, to give away.
    pub fn sockets(&self) -> Arc<Sockets> {
        Arc::clone(&self.sockets)
    }

    /// Runs one more background service.
    pub fn add_service(&mut self, service: Arc<dyn Service>) {
        self.parts.services.push(service);
    }

    /// Does this on SIGHUP, instead of loading the certificates alone. It may block for a moment.
    pub fn on_reload(&mut self, reload: Arc<dyn Fn() + Send + Sync>) {
        self.reload = reload;
    }

    /// Returns how far the end has come.
    pub fn stopping(&self) -> Arc<Stopping> {
        Arc::clone(&self.stopping)
    }

    /// Serves until it is asked to end, and returns when everything has ended. Blocks; never call it on a runtime.
    ///
    /// # Errors
    /// `Internal`: TLS cannot be configured.
    pub fn run(self, signals: Signals) -> Result<()> {
        let Self {
            parts, renewal, visitors, api, ops, sockets, open, reload, stopping, handle, asked, ..
        } = self;
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut server = Server::new_with_opt_and_conf(None, server_conf(threads, &parts.api.tls));
        let requests = Arc::new(Requests::new(Arc::clone(&parts.metrics)));
        let health = HealthView::new(Arc::clone(&parts.readiness), Arc::clone(&stopping));
        let plan =
            Plan { parts, renewal, stopping, requests, health, reload, sockets, handle, doors: open.clone() };
        let most =
            u32::try_from(plan.parts.limits.connections).unwrap_or(u32::MAX).clamp(1, MOST_CONNECTIONS);
        let connections = Arc::new(Semaphore::new(most as usize));

        let room = Room { visitors: visitors.0, permits: Arc::clone(&connections), open: open.subscribe() };
        let gate = plan.gate(plan.front(&server.configuration), Arc::clone(&plan.parts.audit));
        server.add_service(Door::new(("api", threads), api, gate, Some(plan.tls()?), plan.counted(room)));
        // What is asked there is no call of the API.
        let mut gate = plan.gate(plan.ops(), Arc::new(Audit::off()));
        gate.pace = gate.pace.idle_at_most(OPS_IDLE);
        let permits = Arc::new(Semaphore::new(OPS_CONNECTIONS));
        let room = Room { visitors: visitors.1, permits, open: open.subscribe() };
        server.add_service(Door::new(("ops", 1), vec![ops], gate, None, plan.counted(room)));
        let mut services = background_service("services", plan.driver());
        services.threads = Some(SERVICE_THREADS);
        server.add_service(services);

        plan.parts.metrics.up.set(1);
        let shutdown_signal = Box::new(plan.ending(asked, signals, (Arc::clone(&connections), most)));
        server.run(RunArgs { shutdown_signal });
        gone(&connections, most);
        plan.parts.metrics.up.set(0);
        info!("ended");
        Ok(())
    }
}

/// Everything that the parts of the server share.
struct Plan {
    parts: Parts,
    renewal: Arc<Renewal>,
    stopping: Arc<Stopping>,
    requests: Arc<Requests>,
    health: HealthView,
    reload: Arc<dyn Fn() + Send + Sync>,
    sockets: Arc<Sockets>,
    handle: StopHandle,
    doors: watch::Sender<bool>,
}

impl Plan {
    fn counted(&self, room: Room) -> (Room, Arc<Metrics>, Arc<Audit>) {
        (room, Arc::clone(&self.parts.metrics), Arc::clone(&self.parts.audit))
    }

    fn gate<A>(&self, app: A, audit: Arc<Audit>) -> Gate<A> {
        Gate {
            app: Arc::new(app),
            pace: Pace::new(&self.parts.limits),
            requests: Arc::clone(&self.requests),
            stopping: Arc::clone(&self.stopping),
            clock: Arc::clone(&self.parts.clock),
            audit,
        }
    }

    fn front(&self, conf: &Arc<ServerConf>) -> Front {
        let limits = &self.parts.limits;
        let chain = Chain::new(limits, self.parts.api.majors.clone(), self.entrance());
        let gateway = Gateway {
            chain,
            routes: Arc::clone(&self.parts.routes),
            health: self.health.clone(),
            requests: Arc::clone(&self.requests),
            audit: Arc::clone(&self.parts.audit),
            stopping: Arc::clone(&self.stopping),
            clock: Arc::clone(&self.parts.clock),
            ids: RequestIds::new(self.parts.ids.uuid()),
            write_time: limits.write_time.0,
            tracer: Arc::clone(&self.parts.tracer),
        };
        Front::new(gateway, conf, h2_options(limits))
    }

    fn entrance(&self) -> Entrance {
        let Parts { bounds, metrics, access, shares, .. } = &self.parts;
        let bearer = self.parts.tokens.as_ref().map(|(mode, tokens)| {
            Bearer::new(*mode, Arc::clone(tokens), (Arc::clone(access), Arc::clone(shares)), metrics)
        });
        let trust = Arc::clone(&self.renewal.certificates().trust);
        Entrance::new(trust, self.register(), Arc::clone(bounds), bearer)
    }

    fn register(&self) -> Register {
        Register { access: Arc::clone(&self.parts.access), shares: Arc::clone(&self.parts.shares) }
    }

    fn tls(&self) -> Result<Tls> {
        Ok(Tls {
            acceptor: TlsAcceptor::from(Arc::new(self.renewal.certificates().server_config()?)),
            trust: Arc::clone(&self.renewal.certificates().trust),
            clients: Arc::clone(self.renewal.clients()),
            register: self.register(),
            clock: Arc::clone(&self.parts.clock),
            audit: Arc::clone(&self.parts.audit),
        })
    }

    fn ops(&self) -> Ops {
        Ops {
            health: self.health.clone(),
            browser: self.parts.browser.clone(),
            status: StatusView {
                about: self.parts.about.clone(),
                health: self.health.clone(),
                renewal: Arc::clone(&self.renewal),
                objectives: Arc::clone(&self.parts.objectives),
                metrics: Arc::clone(&self.parts.metrics),
                clock: Arc::clone(&self.parts.clock),
            },
            metrics: Arc::clone(&self.parts.metrics),
            stopping: Arc::clone(&self.stopping),
            write_time: self.parts.limits.write_time.0,
        }
    }

    fn driver(&self) -> Driver {
        self.stopping.services_done(false);
        let certificates = CertificateService::new(Arc::clone(&self.renewal));
        let mut services = self.parts.services.clone();
        services.push(Arc::new(certificates));
        Driver {
            services,
            metrics: Arc::clone(&self.parts.metrics),
            stopping: Arc::clone(&self.stopping),
            ids: Arc::clone(&self.parts.ids),
            grace: self.parts.shutdown.grace.0,
            first_pause: FIRST_PAUSE,
        }
    }

    fn ending(
        &self,
        asked: mpsc::Receiver<Ask>,
        signals: Signals,
        connections: (Arc<Semaphore>, u32),
    ) -> Ending {
        let (sockets, handle) = (Arc::clone(&self.sockets), self.handle.clone());
        let (given, path) = (Arc::clone(&self.sockets), self.parts.ops.control.clone());
        Ending {
            stopping: Arc::clone(&self.stopping),
            asked: tokio::sync::Mutex::new(asked),
            signals: signals == Signals::Process,
            connections: connections.0,
            permits: connections.1,
            delay: self.parts.shutdown.delay.0,
            grace: self.parts.shutdown.grace.0,
            reload: Arc::clone(&self.reload),
            hand_over: Box::new(move || handover::give(path.as_deref(), &given, &handle)),
            doors: self.doors.clone(),
            close: Box::new(move || sockets.close()),
            audit: Arc::clone(&self.parts.audit),
        }
    }
}

/// Configures Pingora's server. Nothing is proxied, but its client side wants authorities: it gets ours, so that it
/// does not look for those of the system, which small images lack.
fn server_conf(threads: usize, tls: &tree::Tls) -> ServerConf {
    ServerConf {
        threads,
        ca_file: Some(tls.client_ca.to_string_lossy().into_owned()),
        // Everything has ended when the shutdown watch returns.
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(RUNTIME_TIME),
        ..ServerConf::default()
    }
}

/// Waits a moment for connections that are cut off: a runtime does not wait for its tasks, and what they record must be there
/// before the audit log is closed.
fn gone(connections: &Semaphore, most: u32) {
    let end = Instant::now() + Duration::from_secs(RUNTIME_TIME);
    while connections.available_permits() < most as usize && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn h2_options(limits: &tree::Limits) -> H2Options {
    let mut options = default_h2_options();
    options
        .max_concurrent_streams(limits.h2_streams)
        .max_header_list_size(u32::try_from(limits.header.bytes()).unwrap_or(u32::MAX))
        .max_concurrent_reset_streams(RESET_STREAMS)
        .max_pending_accept_reset_streams(RESET_STREAMS)
        .max_local_error_reset_streams(Some(ERROR_STREAMS));
    options
}

fn bind(address: SocketAddr) -> Result<TcpListener> {
    let refused = |error| Error::invalid("listen", format!("{address} cannot be bound")).with_source(error);
    let listener = TcpListener::bind(address).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    Ok(listener)
}

fn local(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().map_err(|error| Error::internal("a bound socket has no address").with_source(error))
}
