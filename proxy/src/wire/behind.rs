//! What lies behind the filter chain: which route module answers which operation.

use super::observed::Observed;
use super::{Base, Callbacks, Inventory};
use crate::conf::tree::Conf;
use crate::filters::Routes;
use crate::inventory::second::Second;
use crate::ops::Browser;
use crate::reply::Reply;
use crate::routes::collections::{self, Collections};
use crate::routes::netweave::{self, NetweaveRoutes};
use crate::routes::subscriptions::SubscriptionRoutes;
use crate::routes::subscriptions::desk::{self, Desk};
use crate::routes::{Call, Operation};
use async_trait::async_trait;
use netweave_adapters::Stores;
use netweave_model::domain::CloudInfo;
use netweave_model::{Error, Id, Result};
use std::sync::Arc;

/// All routes.
pub(super) struct Behind {
    collections: Collections,
    subscriptions: SubscriptionRoutes,
    netweave: NetweaveRoutes,
}

impl Behind {
    pub(super) fn build(
        conf: &Conf,
        base: &Base,
        stores: &Stores,
        inventory: &Inventory,
        callbacks: &Callbacks,
    ) -> Result<Self> {
        let desk = Arc::new(desk(conf, base, stores, callbacks));
        let netweave = netweave::Parts {
            desk: Arc::clone(&desk),
            log: Arc::clone(&stores.log),
            sources: Arc::clone(&inventory.sources),
            leases: Arc::clone(&stores.leases),
            catalog: Arc::clone(&inventory.catalog),
            limits: conf.limits.clone(),
        };
        Ok(Self {
            collections: reads(conf, base, stores, inventory)?,
            subscriptions: SubscriptionRoutes::new(desk),
            netweave: NetweaveRoutes::new(netweave),
        })
    }

    /// Makes the page that shows the API's document.
    pub(super) fn browser(&self) -> Browser {
        Browser::new(self.collections.openapi())
    }
}

#[async_trait]
impl Routes for Behind {
    fn cached(&self, call: &Call<'_>) -> Option<Reply> {
        self.collections.cached(call)
    }

    async fn serve(&self, call: &Call<'_>) -> Result<Reply> {
        match &call.route.operation {
            Operation::Cloud
            | Operation::ApiVersions(_)
            | Operation::List(..)
            | Operation::Get(..)
            | Operation::TypeDictionary(..)
            | Operation::OpenApi => self.collections.serve(call).await,
            Operation::Subscriptions | Operation::Subscription(_) => self.subscriptions.serve(call).await,
            Operation::Caller
            | Operation::Sources
            | Operation::Refresh(_)
            | Operation::Lease(_)
            | Operation::Act(..)
            | Operation::DryRun => self.netweave.serve(call).await,
            Operation::Health(_) => Err(Error::internal("health is answered before the routes")),
        }
    }
}

fn desk(conf: &Conf, base: &Base, stores: &Stores, callbacks: &Callbacks) -> Desk {
    let parts = desk::Parts {
        subscriptions: Arc::clone(&stores.subscriptions),
        deliveries: Arc::clone(&stores.deliveries),
        guard: Arc::clone(&callbacks.guard),
        outbound: Arc::clone(&callbacks.trial),
        keys: Arc::clone(callbacks.signers.keys()),
        clock: Arc::clone(&base.clock),
        ids: Arc::clone(&base.ids),
    };
    let settings = desk::Settings {
        subscriptions: conf.subscriptions.clone(),
        compatibility: conf.api.compatibility,
        filter_depth: conf.limits.filter_depth,
        asked_queue: conf.delivery.max_queue - conf.delivery.max_queue / 4,
    };
    Desk::new(parts, settings, Arc::clone(&base.access))
}

fn reads(conf: &Conf, base: &Base, stores: &Stores, inventory: &Inventory) -> Result<Collections> {
    let parts = collections::Parts {
        catalog: Arc::clone(&inventory.catalog),
        fills: Arc::clone(&inventory.fills),
        log: Arc::clone(&stores.log),
        second: second(conf, base)?,
        metrics: Arc::clone(&base.metrics),
    };
    let settings = collections::Settings {
        cloud: cloud(conf),
        majors: conf.api.majors.clone(),
        compatibility: conf.api.compatibility,
        filter_depth: conf.limits.filter_depth,
        cache_bytes: conf.cache.max_bytes.0,
    };
    Collections::new(parts, settings)
}

/// Makes the second level of the response cache, if there is to be one.
fn second(conf: &Conf, base: &Base) -> Result<Option<Second>> {
    let Some(redis) = &conf.cache.redis else { return Ok(None) };
    let observer = Arc::new(Observed::new(base));
    let cache = netweave_adapters::open_cache(redis, observer, Arc::clone(&base.ids))?;
    Ok(Some(Second::new(cache, &conf.o_cloud.id)))
}

fn cloud(conf: &Conf) -> CloudInfo {
    let o_cloud = &conf.o_cloud;
    CloudInfo {
        o_cloud_id: Id::from(o_cloud.id.as_str()),
        global_cloud_id: Id::from(o_cloud.global_cloud_id.as_str()),
        name: o_cloud.name.clone(),
        description: o_cloud.description.clone(),
        service_uri: o_cloud.service_uri.clone(),
        extensions: o_cloud.extensions.clone(),
    }
}
