//! How the server of the role `cache` fares, asked apart from the look-ups, which wait for nobody.

use super::health::holds_state;
use crate::client::{Access, unavailable};
use crate::conf::Conf;
use crate::findings::{self, Holds};
use crate::info::Info;
use crate::sentinel::{self, Views};
use crate::store::Tasks;
use async_trait::async_trait;
use fred::prelude::{Client, ClientLike};
use netweave_model::Result;
use netweave_model::port::{ServerHealth, StoreReport};
use std::fmt;
use std::sync::Arc;

/// A connection to the server that holds answers.
pub struct CacheServer {
    client: Client,
    views: Arc<Views>,
    _tasks: Tasks,
}

impl CacheServer {
    /// Connects; the server need not answer yet.
    ///
    /// # Errors
    /// `Invalid`: the section names what cannot be used, such as a password file that cannot be read.
    pub fn reach(conf: &Conf) -> Result<Self> {
        let access = Access::of(conf)?;
        let client = access.client()?;
        let views = Arc::new(Views::of(&access));
        let watch = sentinel::watch(access, vec![client.clone()], Arc::clone(&views));
        client.connect();
        Ok(Self { client, views, _tasks: Tasks(vec![tokio::spawn(watch)]) })
    }
}

#[async_trait]
impl ServerHealth for CacheServer {
    async fn report(&self) -> Result<StoreReport> {
        let info = Info::of(&self.client).await?;
        let state = holds_state(&self.client).await.map_err(unavailable)?;
        let holds = if state { Holds::StateToo } else { Holds::Answers };
        let watchers = self.views.all();
        let judged = if self.views.are_settled() { watchers.as_slice() } else { &[] };
        Ok(StoreReport { findings: findings::of_cache(&info, judged, holds), watchers, ..info.report() })
    }
}

impl fmt::Debug for CacheServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheServer").finish_non_exhaustive()
    }
}
