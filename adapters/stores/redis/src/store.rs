//! One store behind all four ports.

use crate::client;
use crate::conf::Conf;
use crate::signals::Signals;
use fred::prelude::Client;
use netweave_model::Result;
use netweave_model::port::{Clock, Ids};
use std::fmt;
use std::sync::Arc;

/// One store behind all four ports; clones share its connections.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    /// For tests: the time to go by, instead of the server's own.
    clock: Option<Arc<dyn Clock>>,
    ids: Arc<dyn Ids>,
    signals: Signals,
}

/// Opens the store.
///
/// `clock` is for tests; otherwise time is the server's own.
///
/// # Errors
/// `Invalid`: the address cannot be understood. `Unavailable`: the server does not answer.
pub async fn open(conf: &Conf, clock: Option<Arc<dyn Clock>>, ids: Arc<dyn Ids>) -> Result<Redis> {
    let client = client::connect(conf).await?;
    let redis = Redis { inner: Arc::new(Inner { client, clock, ids, signals: Signals::default() }) };
    redis.prepare().await?;
    Ok(redis)
}

impl Redis {
    pub(crate) fn client(&self) -> &Client {
        &self.inner.client
    }

    pub(crate) fn ids(&self) -> &dyn Ids {
        &*self.inner.ids
    }

    pub(crate) fn signals(&self) -> &Signals {
        &self.inner.signals
    }

    /// The time argument of scripts: empty for the server's own clock.
    pub(crate) fn now(&self) -> String {
        self.inner.clock.as_ref().map_or_else(String::new, |clock| clock.now().0.to_string())
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}
