//! The outbound side: where notifications may go, and who sends them.

use super::Base;
use super::inventory::Inventory;
use crate::conf::tree::{CallbackDomain, Conf};
use crate::services::Service;
use crate::services::backlog::Backlog;
use crate::services::dispatcher::{Dispatcher, Parts as DispatcherParts};
use crate::services::exchanges::{Exchanges, Parts as ExchangesParts};
use crate::services::housekeeper::Housekeeper;
use crate::services::notifier::{Notifier, Parts as NotifierParts};
use crate::services::resealer::{Parts as ResealerParts, Resealer};
use crate::services::sweeper::{Parts as SweeperParts, Sweeper};
use crate::webhook::notification::Renderer;
use crate::webhook::sealing::KeyRing;
use crate::webhook::signers::Signers;
use netweave_adapters::Stores;
use netweave_http::{Guard, Outbound, System};
use netweave_model::Result;
use std::sync::Arc;
use std::time::Duration;

/// Time for a connection to a callback, with resolution and handshake.
pub(super) const CALLBACK_CONNECT: Duration = Duration::from_secs(1);

/// The outbound side: where notifications may go, and who sends them.
pub(super) struct Callbacks {
    pub(super) guard: Arc<Guard>,
    /// For the services' runtime.
    pub(super) outbound: Arc<Outbound>,
    /// For the proxy's runtime, which tries callbacks when a subscription is created.
    pub(super) trial: Arc<Outbound>,
    /// What signs deliveries, and what seals secrets.
    pub(super) signers: Arc<Signers>,
}

impl Callbacks {
    pub(super) fn build(conf: &Conf, base: &Base) -> Result<Self> {
        let callback = &conf.subscriptions.callback;
        let settings = callback.settings(CALLBACK_CONNECT, conf.delivery.timeout.0);
        let keys = Arc::new(KeyRing::read(&conf.subscriptions.secret_key_files)?);
        let secrets: Vec<_> = callback.domains.iter().map(CallbackDomain::secrets).collect();
        let guard = Arc::new(Guard::new(&settings, Arc::new(System))?);
        let client = || Outbound::new(&settings, Arc::clone(&guard), Arc::clone(&base.clock)).map(Arc::new);
        let signers = Arc::new(Signers::new(keys, &secrets)?);
        Ok(Self { outbound: client()?, trial: client()?, guard, signers })
    }

    pub(super) fn notifier(&self, conf: &Conf, base: &Base, stores: &Stores) -> Result<Arc<Notifier>> {
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
            tracer: Arc::clone(&base.tracer),
        };
        Ok(Arc::new(Notifier::new(parts, conf.delivery.clone())))
    }

    pub(super) fn services(
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
            Arc::new(Backlog::new(
                Arc::clone(&stores.deliveries),
                Arc::clone(&base.clock),
                Arc::clone(&base.metrics),
            )),
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
