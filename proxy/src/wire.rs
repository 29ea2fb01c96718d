//! Composition root: the only file that picks backends, stores and services, and says which runtime they live on.
//!
//! Everything is built here from the checked configuration, each part from its own section, and handed to the edge, which
//! runs it until it is asked to end. A part that cannot be built ends the start.

mod behind;
mod callbacks;
mod dev;
mod inventory;
mod live;
mod local;
mod observed;
mod readiness;

use crate::access::Access;
use crate::audit::{Audit, Event, Parts as AuditParts};
use crate::cli::serve::ServeOptions;
use crate::clock::{SystemClock, SystemIds};
use crate::conf::tree::{AccessMode, Conf, Environment};
use crate::control::{Level, Reloader};
use crate::digest;
use crate::filters::limits::{Limits, Shares};
use crate::listen::{Edge, Parts as EdgeParts, Signals, Visitors};
use crate::objectives::Objectives;
use crate::ops::{About, Readiness, host_name};
use crate::services::Service;
use crate::services::notifier::Notifier;
use crate::services::objectives::ObjectiveReadings;
use crate::services::role_checks::{Role, RoleChecks};
use crate::services::tally::Tally;
use crate::services::token_keys::TokenKeys;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::trace::Tracer;
use crate::token::Tokens;
use behind::Behind;
use callbacks::Callbacks;
use inventory::Inventory;
use live::Live;
use netweave_adapters::Stores;
use netweave_model::port::{Clock, Ids};
use netweave_model::{Error, Result};
use observed::Observed;
use readiness::Ready;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use tracing::{error, info, warn};

/// Serves until the process is asked to end; blocks.
pub fn serve(conf: &Conf, options: &ServeOptions) -> ExitCode {
    match run(conf, options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            error!(error = %failure, "the gateway cannot serve");
            crate::cli::refused(&failure)
        }
    }
}

fn run(conf: &Conf, options: &ServeOptions) -> Result<()> {
    let level = Level::new(crate::telemetry::log::init(&conf.log)?, &conf.log.level);
    for warning in &options.warnings {
        warn!(%warning, "the configuration is usable, but");
    }
    // Opening happens on a runtime of its own, which lives as long as the gateway: whatever a store or a backend spawns
    // stays there. Clients that connect lazily come to life on the runtime that first uses them.
    let opening = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("netweave-store")
        .enable_all()
        .build()
        .map_err(|error| Error::internal("no runtime can be started").with_source(error))?;
    let base = Base::new(conf, level)?;
    if let Some(dev) = &options.dev {
        dev::prepare(dev, base.clock.now())?;
    }
    let (audit, tracer) = (Arc::clone(&base.audit), Arc::clone(&base.tracer));
    let served =
        opening.block_on(Gateway::build(conf, base, options)).and_then(|gateway| gateway.serve(options));
    if let Err(error) = &served {
        audit.event(audit.now("process.failed").with("error", error.to_string()));
    }
    audit.close();
    tracer.close();
    served
}

/// Opens the audit log; its first record says what starts, with which configuration.
fn audit(conf: &Conf, parts: AuditParts) -> Result<Audit> {
    let json = serde_json::to_vec(conf)
        .map_err(|error| Error::internal("the configuration cannot be written").with_source(error))?;
    let start = Event::new("process.start", parts.clock.now())
        .with("version", env!("CARGO_PKG_VERSION"))
        .with("configuration", digest::sha256(&json));
    Audit::open(&conf.audit, parts, start)
}

/// What every part is built from.
#[derive(Clone)]
struct Base {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    metrics: Arc<Metrics>,
    access: Arc<Access>,
    audit: Arc<Audit>,
    level: Arc<Level>,
    tracer: Arc<Tracer>,
}

impl Base {
    fn new(conf: &Conf, level: Level) -> Result<Self> {
        let metrics = Arc::new(Metrics::new()?);
        metrics.build_info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        info!(version = env!("CARGO_PKG_VERSION"), backends = conf.backends.len(), "starting");
        let access = Access::new(&conf.access, &conf.limits.per_identity, conf.subscriptions.per_owner);
        let (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>) = (Arc::new(SystemClock), Arc::new(SystemIds));
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into 53 bits")]
        metrics.process_start.set(clock.now().0 as f64 / 1000.0);
        let parts =
            AuditParts { clock: Arc::clone(&clock), ids: Arc::clone(&ids), metrics: Arc::clone(&metrics) };
        let of = vec![
            ("service.name", "netweave".into()),
            ("service.version", env!("CARGO_PKG_VERSION").into()),
            ("service.instance.id", host_name().into()),
        ];
        let tracer = Tracer::open(&conf.tracing, of, Arc::clone(&clock), Arc::clone(&metrics))?;
        Ok(Self {
            access: Arc::new(access),
            audit: Arc::new(audit(conf, parts)?),
            clock,
            ids,
            metrics,
            level: Arc::new(level),
            tracer: Arc::new(tracer),
        })
    }
}

/// What makes limits hold for all processes together, where the configuration says so.
fn tally(conf: &Conf, base: &Base, stores: &Stores, shares: &Arc<Shares>) -> Option<Arc<dyn Service>> {
    let port = stores.tally.as_ref().filter(|_| conf.limits.shared)?;
    Some(Arc::new(Tally {
        port: Arc::clone(port),
        shares: Arc::clone(shares),
        clock: Arc::clone(&base.clock),
        metrics: Arc::clone(&base.metrics),
        process: base.ids.uuid().to_string(),
    }))
}

/// The gateway with its sockets bound.
struct Gateway {
    edge: Edge,
    /// Whether the built-in webhook inbox of `serve --dev` listens.
    inbox: bool,
    /// The control socket, which goes when all has ended.
    _held: local::Held,
}

impl Gateway {
    async fn build(conf: &Conf, base: Base, options: &ServeOptions) -> Result<Self> {
        let stores = conf.state.open(Arc::clone(&base.clock), Arc::clone(&base.ids)).await?;
        let servers = role_checks(conf, &base, &stores).await?;
        // Whatever is compared with a stamp of the store goes by the store's time, whatever this machine's clock says.
        let shared = Base { clock: Arc::clone(&stores.clock), ..base.clone() };
        let inventory = Inventory::build(conf, &shared, &stores).await?;
        let callbacks = Callbacks::build(conf, &shared)?;
        let mut services = inventory.services(&shared, &stores);
        let notifier = callbacks.notifier(conf, &shared, &stores)?;
        services.extend(callbacks.services(conf, &shared, &stores, &inventory));
        services.push(Arc::clone(&notifier) as Arc<dyn Service>);
        services.push(Arc::clone(&servers) as Arc<dyn Service>);
        let portions = Arc::new(Shares::new(&conf.limits));
        services.extend(tally(conf, &base, &stores, &portions));
        let bounds = Arc::new(Limits::new(&conf.limits, &base.metrics));
        let tokens = tokens(conf, &base, &mut services)?;
        let objectives = Arc::new(Objectives::new(Arc::clone(&base.metrics)));
        services.push(Arc::new(ObjectiveReadings::new(Arc::clone(&objectives))));
        let inbox = options.dev.as_ref().and_then(|_| dev::inbox(&base.clock));
        let has_inbox = inbox.is_some();
        if let Some(dev) = &options.dev {
            services.extend(dev::services(dev, inbox));
        }
        let readiness = Arc::new(Ready::new(
            Arc::clone(&inventory.catalog),
            Arc::clone(&inventory.sources),
            servers,
            Arc::clone(&shared.clock),
        ));
        let routes = Behind::build(conf, &shared, &stores, &inventory, &callbacks)?;
        let (mut inherited, giver) = local::take_over(conf, options).await?;
        let parts = EdgeParts {
            api: conf.api.clone(),
            ops: conf.ops.clone(),
            access: Arc::clone(&base.access),
            tokens,
            limits: conf.limits.clone(),
            shares: Arc::clone(&portions),
            bounds: Arc::clone(&bounds),
            shutdown: conf.shutdown.clone(),
            browser: routes.browser(),
            routes: Arc::new(routes),
            readiness: Arc::clone(&readiness) as Arc<dyn Readiness>,
            metrics: Arc::clone(&base.metrics),
            audit: Arc::clone(&base.audit),
            services,
            about: about(conf, &base.clock),
            clock: Arc::clone(&base.clock),
            ids: Arc::clone(&base.ids),
            tracer: Arc::clone(&base.tracer),
            objectives,
        };
        let mut edge = Edge::with(parts, &mut inherited)?;
        let live = live(&base, conf, (&inventory, &callbacks), (portions, bounds, notifier, edge.visitors()));
        let reloader =
            Reloader::new(options.source.clone(), conf, Box::new(live), (base.metrics, base.audit));
        let held = local::connect(&mut edge, conf, (Arc::new(reloader), base.level), (giver, readiness))?;
        Ok(Self { edge, inbox: has_inbox, _held: held })
    }

    fn serve(self, options: &ServeOptions) -> Result<()> {
        let addresses = self.edge.addresses();
        info!(api = ?addresses.api, ops = %addresses.ops, "listening");
        if let Some(dev) = &options.dev {
            dev::greet(dev, addresses, self.inbox);
        }
        self.edge.run(Signals::Process)
    }
}

type Bounds = (Arc<Shares>, Arc<Limits>, Arc<Notifier>, (Arc<Visitors>, Arc<Visitors>));

/// Collects what takes the live keys of another configuration over.
fn live(base: &Base, conf: &Conf, (inventory, callbacks): (&Inventory, &Callbacks), bounds: Bounds) -> Live {
    let (shares, bounds, notifier, visitors) = bounds;
    Live {
        access: Arc::clone(&base.access),
        shares,
        bounds,
        visitors,
        fills: Arc::clone(&inventory.fills),
        guard: Arc::clone(&callbacks.guard),
        outbound: [Arc::clone(&callbacks.outbound), Arc::clone(&callbacks.trial)],
        notifier,
        level: Arc::clone(&base.level),
        current: Mutex::new(conf.clone()),
    }
}

/// Says what the process is.
fn about(conf: &Conf, clock: &Arc<dyn Clock>) -> About {
    About {
        pod: host_name(),
        environment: format!("{:?}", conf.environment).to_lowercase(),
        o_cloud: conf.o_cloud.id.clone(),
        started: clock.now(),
    }
}

/// Makes the issuers of tokens, if tokens are asked for, each with the service that fetches its keys.
fn tokens(
    conf: &Conf,
    base: &Base,
    services: &mut Vec<Arc<dyn Service>>,
) -> Result<Option<(AccessMode, Arc<Tokens>)>> {
    let mode = conf.access.mode;
    if mode == AccessMode::Certificate {
        return Ok(None);
    }
    let tokens = Tokens::new(&conf.access.tokens, &base.metrics);
    for issuer in tokens.issuers() {
        services.push(Arc::new(TokenKeys::new(Arc::clone(issuer), Arc::clone(&base.clock))?));
    }
    Ok(Some((mode, Arc::new(tokens))))
}

/// Looks at the servers of state and cache; production does not start on one that may drop the state.
async fn role_checks(conf: &Conf, base: &Base, stores: &Stores) -> Result<Arc<RoleChecks>> {
    let mut servers = Vec::new();
    if let Some(health) = &stores.health {
        health.observed_by(Arc::new(Observed::new(base)));
        servers.push(Role::State(Arc::clone(health)));
    }
    if let Some(redis) = &conf.cache.redis {
        servers.push(Role::Cache(netweave_adapters::look_at_cache(redis)?));
    }
    let strict = conf.environment == Environment::Prod;
    RoleChecks::begin(servers, Arc::clone(&base.metrics), strict).await.map(Arc::new)
}
