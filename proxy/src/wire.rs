//! Composition root: the only file that picks backends, stores and services, and says which runtime they live on.
//!
//! Everything is built here from the checked configuration, each part from its own section, and handed to the edge, which
//! runs it until it is asked to end. A part that cannot be built ends the start.

mod behind;
mod dev;
mod live;
mod local;
mod observed;
mod readiness;

use crate::access::Access;
use crate::audit::{Audit, Event, Parts as AuditParts};
use crate::cli::serve::ServeOptions;
use crate::clock::{SystemClock, SystemIds};
use crate::conf::tree::{AccessMode, CallbackDomain, Conf, Environment};
use crate::control::{Level, Reloader};
use crate::digest;
use crate::filters::limits::{Limits, Shares};
use crate::inventory::catalog::Catalog;
use crate::inventory::feed::{Desk, Feed};
use crate::inventory::fill::Fills;
use crate::inventory::follow::Follow;
use crate::inventory::sources::Sources;
use crate::listen::{Edge, Parts as EdgeParts, Signals, Visitors};
use crate::ops::{Browser, Readiness};
use crate::present::openapi;
use crate::services::Service;
use crate::services::dispatcher::{Dispatcher, Parts as DispatcherParts};
use crate::services::exchanges::{Exchanges, Parts as ExchangesParts};
use crate::services::housekeeper::Housekeeper;
use crate::services::notifier::{Notifier, Parts as NotifierParts};
use crate::services::resealer::{Parts as ResealerParts, Resealer};
use crate::services::role_checks::{Role, RoleChecks};
use crate::services::sweeper::{Parts as SweeperParts, Sweeper};
use crate::services::tally::Tally;
use crate::services::token_keys::TokenKeys;
use crate::services::watcher::Watcher;
use crate::telemetry::metrics::Metrics;
use crate::token::Tokens;
use crate::webhook::notification::Renderer;
use crate::webhook::sealing::KeyRing;
use crate::webhook::signers::Signers;
use behind::Behind;
use live::Live;
use netweave_adapters::Stores;
use netweave_adapters::layers::Observer;
use netweave_http::{Guard, Outbound, System};
use netweave_model::port::{Clock, Ids};
use netweave_model::{Error, Id, Result, SourceName};
use observed::Observed;
use readiness::Ready;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::{error, info, warn};

/// Time for a connection to a callback, with resolution and handshake.
const CALLBACK_CONNECT: Duration = Duration::from_secs(1);

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
    let audit = Arc::clone(&base.audit);
    let served =
        opening.block_on(Gateway::build(conf, base, options)).and_then(|gateway| gateway.serve(options));
    if let Err(error) = &served {
        audit.event(audit.now("process.failed").with("error", error.to_string()));
    }
    audit.close();
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
        let audit = Arc::new(audit(conf, parts)?);
        Ok(Self { access: Arc::new(access), audit, clock, ids, metrics, level: Arc::new(level) })
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
            routes: Arc::new(routes),
            browser: browser(conf)?,
            readiness: Arc::clone(&readiness) as Arc<dyn Readiness>,
            metrics: Arc::clone(&base.metrics),
            audit: Arc::clone(&base.audit),
            services,
            clock: Arc::clone(&base.clock),
            ids: Arc::clone(&base.ids),
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

/// Makes the page that shows the API's document.
fn browser(conf: &Conf) -> Result<Browser> {
    openapi::document(&conf.o_cloud.service_uri, &conf.api.majors, conf.api.compatibility).map(Browser::new)
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
        health.observed_by(Arc::new(Observed::new(Arc::clone(&base.metrics))));
        servers.push(Role::State(Arc::clone(health)));
    }
    if let Some(redis) = &conf.cache.redis {
        servers.push(Role::Cache(netweave_adapters::look_at_cache(redis)?));
    }
    let strict = conf.environment == Environment::Prod;
    RoleChecks::begin(servers, Arc::clone(&base.metrics), strict).await.map(Arc::new)
}

/// The read side: what is known, and who keeps it true.
struct Inventory {
    catalog: Arc<Catalog>,
    sources: Arc<Sources>,
    fills: Arc<Fills>,
    feeds: Vec<Arc<Feed>>,
    services: Vec<Arc<dyn Service>>,
}

impl Inventory {
    async fn build(conf: &Conf, base: &Base, stores: &Stores) -> Result<Self> {
        let names: Vec<SourceName> = conf.backends.iter().map(netweave_adapters::BackendConf::name).collect();
        let catalog = Arc::new(Catalog::new(names.iter().cloned()));
        let kinds = conf.backends.iter().map(|backend| (backend.name(), backend.kind()));
        let sources = Arc::new(Sources::new(kinds));
        let desk = Desk {
            log: Arc::clone(&stores.log),
            leases: Arc::clone(&stores.leases),
            clock: Arc::clone(&base.clock),
            catalog: Arc::clone(&catalog),
            sources: Arc::clone(&sources),
            holder: base.ids.uuid().to_string().into(),
        };
        let observer: Arc<dyn Observer> = Arc::new(Observed::new(Arc::clone(&base.metrics)));
        let o_cloud = Id::from(conf.o_cloud.id.as_str());
        let mut feeds = Vec::new();
        for backend in &conf.backends {
            let built = backend.build(&o_cloud, Arc::clone(&observer), Arc::clone(&base.clock)).await?;
            feeds.push(Arc::new(Feed::new(backend.name(), built, desk.clone())));
        }
        let ttl = conf.cache.ttl.clone();
        let clock = Arc::clone(&base.clock);
        let (fills, fillers) = Fills::new(feeds.clone(), Arc::clone(&catalog), clock, &base.ids, ttl);
        let services = fillers.into_iter().map(|filler| Arc::new(filler) as Arc<dyn Service>).collect();
        Ok(Self { catalog, sources, fills: Arc::new(fills), feeds, services })
    }

    fn services(&self, base: &Base, stores: &Stores) -> Vec<Arc<dyn Service>> {
        let mut services = self.services.clone();
        services.push(Arc::new(Follow::new(
            Arc::clone(&stores.log),
            Arc::clone(&self.catalog),
            Arc::clone(&self.sources),
            Arc::clone(&base.metrics),
            self.feeds.iter().map(|feed| feed.name.clone()).collect(),
        )));
        let watchers =
            self.feeds.iter().map(|feed| Arc::new(Watcher::new(Arc::clone(feed))) as Arc<dyn Service>);
        services.extend(watchers);
        services
    }
}

/// The outbound side: where notifications may go, and who sends them.
struct Callbacks {
    guard: Arc<Guard>,
    /// For the services' runtime.
    outbound: Arc<Outbound>,
    /// For the proxy's runtime, which tries callbacks when a subscription is created.
    trial: Arc<Outbound>,
    /// What signs deliveries, and what seals secrets.
    signers: Arc<Signers>,
}

impl Callbacks {
    fn build(conf: &Conf, base: &Base) -> Result<Self> {
        let callback = &conf.subscriptions.callback;
        let settings = callback.settings(CALLBACK_CONNECT, conf.delivery.timeout.0);
        let keys = Arc::new(KeyRing::read(&conf.subscriptions.secret_key_files)?);
        let secrets: Vec<_> = callback.domains.iter().map(CallbackDomain::secrets).collect();
        let guard = Arc::new(Guard::new(&settings, Arc::new(System))?);
        let client = || Outbound::new(&settings, Arc::clone(&guard), Arc::clone(&base.clock)).map(Arc::new);
        let signers = Arc::new(Signers::new(keys, &secrets)?);
        Ok(Self { outbound: client()?, trial: client()?, guard, signers })
    }

    fn notifier(&self, conf: &Conf, base: &Base, stores: &Stores) -> Result<Arc<Notifier>> {
        let parts = NotifierParts {
            deliveries: Arc::clone(&stores.deliveries),
            subscriptions: Arc::clone(&stores.subscriptions),
            outbound: Arc::clone(&self.outbound),
            access: Arc::clone(&base.access),
            renderer: Renderer::new(&conf.o_cloud.service_uri)?,
            signers: Arc::clone(&self.signers),
            clock: Arc::clone(&base.clock),
            ids: Arc::clone(&base.ids),
            metrics: Arc::clone(&base.metrics),
            audit: Arc::clone(&base.audit),
        };
        Ok(Arc::new(Notifier::new(parts, conf.delivery.clone())))
    }

    fn services(
        &self,
        conf: &Conf,
        base: &Base,
        stores: &Stores,
        inventory: &Inventory,
    ) -> Vec<Arc<dyn Service>> {
        let dispatcher = DispatcherParts {
            log: Arc::clone(&stores.log),
            subscriptions: Arc::clone(&stores.subscriptions),
            deliveries: Arc::clone(&stores.deliveries),
            paths: Arc::clone(inventory.catalog.paths()),
            access: Arc::clone(&base.access),
            metrics: Arc::clone(&base.metrics),
        };
        let sweeper = SweeperParts {
            log: Arc::clone(&stores.log),
            subscriptions: Arc::clone(&stores.subscriptions),
            deliveries: Arc::clone(&stores.deliveries),
            outbound: Arc::clone(&self.outbound),
            clock: Arc::clone(&base.clock),
            metrics: Arc::clone(&base.metrics),
            audit: Arc::clone(&base.audit),
        };
        vec![
            Arc::new(Dispatcher::new(dispatcher, conf.delivery.max_queue)),
            Arc::new(Sweeper::new(sweeper)),
            Arc::new(Housekeeper),
            Arc::new(self.exchanges(base)),
            Arc::new(self.resealer(base, stores)),
        ]
    }

    fn exchanges(&self, base: &Base) -> Exchanges {
        Exchanges::new(ExchangesParts {
            outbound: Arc::clone(&self.outbound),
            trial: Arc::clone(&self.trial),
            signers: Arc::clone(&self.signers),
            metrics: Arc::clone(&base.metrics),
            audit: Arc::clone(&base.audit),
        })
    }

    fn resealer(&self, base: &Base, stores: &Stores) -> Resealer {
        Resealer::new(ResealerParts {
            subscriptions: Arc::clone(&stores.subscriptions),
            keys: Arc::clone(self.signers.keys()),
            clock: Arc::clone(&base.clock),
            metrics: Arc::clone(&base.metrics),
        })
    }
}
