//! What lies behind the filter chain: which route module answers which operation.

use super::{Base, Callbacks, Inventory, collections};
use crate::conf::tree::Conf;
use crate::filters::Routes;
use crate::reply::Reply;
use crate::routes::collections::Collections;
use crate::routes::netweave::NetweaveRoutes;
use crate::routes::subscriptions::SubscriptionRoutes;
use crate::routes::{Call, Operation};
use async_trait::async_trait;
use netweave_adapters::Stores;
use netweave_model::{Error, Result};

/// All routes.
pub(super) struct Behind {
    collections: Collections,
    subscriptions: SubscriptionRoutes,
    netweave: NetweaveRoutes,
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
            | Operation::Lease(_)
            | Operation::Act(..)
            | Operation::DryRun => self.netweave.serve(call).await,
            Operation::Health(_) => Err(Error::internal("health is answered before the routes")),
        }
    }
}
