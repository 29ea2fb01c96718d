//! The read side: what is known, and who keeps it true.

use super::Base;
use super::observed::Observed;
use crate::conf::tree::Conf;
use crate::inventory::catalog::Catalog;
use crate::inventory::feed::{Desk, Feed};
use crate::inventory::fill::Fills;
use crate::inventory::follow::Follow;
use crate::inventory::sources::Sources;
use crate::services::Service;
use crate::services::watcher::Watcher;
use netweave_adapters::Stores;
use netweave_adapters::layers::Observer;
use netweave_model::{Id, Result, SourceName};
use std::sync::Arc;

/// The read side: what is known, and who keeps it true.
pub(super) struct Inventory {
    pub(super) catalog: Arc<Catalog>,
    pub(super) sources: Arc<Sources>,
    pub(super) fills: Arc<Fills>,
    pub(super) feeds: Vec<Arc<Feed>>,
    services: Vec<Arc<dyn Service>>,
}

impl Inventory {
    pub(super) async fn build(conf: &Conf, base: &Base, stores: &Stores) -> Result<Self> {
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
        let observer: Arc<dyn Observer> = Arc::new(Observed::new(base));
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

    pub(super) fn services(&self, base: &Base, stores: &Stores) -> Vec<Arc<dyn Service>> {
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
