//! The port's implementation.

use crate::accounts::Accounts;
use crate::client::Client;
use crate::conf::Conf;
use crate::credentials::Source;
use crate::map::Scope;
use crate::map::inventory::Name;
use crate::read::{Depth, Reader};
use async_trait::async_trait;
use futures::StreamExt;
use netweave_http::{Api, ApiSettings, origin};
use netweave_model::parts::Parts;
use netweave_model::port::{Backend, Capabilities, Changes, Clock, Look, Reach};
use netweave_model::{Error, Id, Kind, Object, ObjectKey, Result, SourceName};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Time for one call, which is one page.
const CALL: Duration = Duration::from_mins(1);
/// Most bytes of one page: five hundred reservations of many instances each.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// Where regions are asked for when none is named.
const HOME: &str = "us-east-1";
/// What EC2 can tell of; there is no deployment management service and no dictionary in it.
const KINDS: [Kind; 5] =
    [Kind::Location, Kind::OCloudSite, Kind::ResourceType, Kind::ResourcePool, Kind::Resource];

/// EC2 in some accounts and regions.
pub struct Aws {
    reader: Reader,
    /// Resources that were seen, by id, which cannot be turned back into a name.
    names: Mutex<HashMap<Id, Name>>,
    capabilities: Capabilities,
}

impl Aws {
    /// Prepares the backend; nothing is asked before the first call.
    ///
    /// # Errors
    /// `Invalid`: the section says something that cannot be used, or a file of it cannot be read.
    pub fn connect(conf: &Conf, o_cloud_id: &Id, clock: Arc<dyn Clock>) -> Result<Self> {
        if let Some((key, reason)) = conf.faults().into_iter().next() {
            return Err(Error::invalid(key, reason));
        }
        let home = conf.regions.first().map_or(HOME, String::as_str).to_owned();
        let settings =
            ApiSettings { ca: conf.ca.clone(), timeout: CALL, max_body: MAX_BODY, ..ApiSettings::default() };
        let api = Api::new(&settings, Arc::clone(&clock))?;
        let source = Source::new(conf, &home, Arc::clone(&clock))?;
        let address = conf.endpoint.as_deref().and_then(origin).map(|url| url.to_string());
        let reader = Reader {
            client: Client::new(api, Arc::clone(&clock), address),
            accounts: Accounts::new(conf, source),
            scope: Scope { source: SourceName::from(conf.name.as_str()), o_cloud_id: o_cloud_id.clone() },
            families: conf.resources.clone(),
            pools: conf.pools,
            regions: conf.regions.clone(),
            home,
            types: Mutex::new(HashMap::new()),
            places: Parts::new(Arc::clone(&clock), conf.poll.0 / 2),
            inventories: Parts::new(clock, conf.poll.0 / 2),
        };
        Ok(Self {
            reader,
            names: Mutex::new(HashMap::new()),
            capabilities: Capabilities {
                kinds: KINDS.to_vec(),
                native_watch: false,
                single_get: true,
                reach: Reach::Network,
            },
        })
    }

    fn names(&self) -> MutexGuard<'_, HashMap<Id, Name>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Backend for Aws {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn probe(&self) -> Result<()> {
        self.reader.probe().await
    }

    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        self.capabilities.check(kinds)?;
        let depth = Depth::of(kinds);
        let (mut whole, gap) = Box::pin(self.reader.whole(depth)).await?;
        if depth != Depth::Places {
            *self.names() = std::mem::take(&mut whole.names);
        }
        let mut look = Look::of(kinds, whole.objects.into_values()).with_gap(gap);
        look.objects.retain(|kind, _| !whole.unsure.contains(kind));
        Ok(look)
    }

    async fn get(&self, key: &ObjectKey) -> Result<Object> {
        let name = self.names().get(&key.id).cloned().filter(|_| key.kind == Kind::Resource);
        match name {
            Some(name) => self.reader.one(&name).await,
            None => self.list(key.kind).await?.find(key),
        }
    }

    fn changes(&self, _: &[Kind]) -> Changes {
        futures::stream::pending().boxed()
    }
}
