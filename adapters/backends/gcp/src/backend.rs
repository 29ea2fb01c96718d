//! The port's implementation.

use crate::access::Access;
use crate::client::Client;
use crate::conf::Conf;
use crate::error;
use crate::map::{Name, Scope};
use crate::read::Reader;
use async_trait::async_trait;
use futures::{StreamExt, stream};
use netweave_http::{Api, ApiSettings};
use netweave_model::port::{Backend, Capabilities, Changes, Clock, Look, Reach};
use netweave_model::{Error, Id, Kind, Object, ObjectKey, Result, SourceName};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The kinds that are delivered, in an order in which references point backwards.
const KINDS: [Kind; 5] =
    [Kind::Location, Kind::OCloudSite, Kind::ResourceType, Kind::ResourcePool, Kind::Resource];
/// Silence after which a page or object is given up: a large page takes its time, but it comes.
const SILENCE: Duration = Duration::from_secs(15);
/// Time for one page or object.
const PAGE_TIME: Duration = Duration::from_mins(1);

/// Projects of Google Compute Engine. It can only be asked: the shared poller makes the stream of changes.
pub struct Gcp {
    reader: Reader,
    /// Resources that were seen, by id, which cannot be turned back into a name.
    names: Mutex<HashMap<Id, Name>>,
    capabilities: Capabilities,
}

impl Gcp {
    /// Prepares the backend; the cloud is first asked by the first call, so it need not answer yet. Needs a runtime.
    ///
    /// # Errors
    /// `Invalid`: the section or its credentials cannot be used.
    pub fn open(conf: &Conf, o_cloud_id: &Id, clock: Arc<dyn Clock>) -> Result<Self> {
        if let Some((key, what)) = conf.faults().into_iter().next() {
            return Err(Error::invalid(key, what));
        }
        let endpoint = conf.address().ok_or_else(|| Error::invalid("endpoint", "cannot be used"))?;
        let access = Access::open(conf.credentials_file.clone())?;
        let settings = ApiSettings {
            ca: conf.ca.clone(),
            timeout: PAGE_TIME,
            silence: Some(SILENCE),
            ..ApiSettings::default()
        };
        let client = Client::new(Api::new(&settings, Arc::clone(&clock))?, endpoint, access);
        let scope = Scope { source: SourceName::from(conf.name.as_str()), o_cloud_id: o_cloud_id.clone() };
        Ok(Self {
            reader: Reader::new(client, scope, conf, clock),
            names: Mutex::default(),
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
impl Backend for Gcp {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn probe(&self) -> Result<()> {
        self.reader.probe().await
    }

    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        self.capabilities.check(kinds)?;
        let (stock, gap) = self.reader.stock(kinds.contains(&Kind::ResourceType)).await?;
        *self.names() = stock.names;
        let mut look = Look::of(kinds, stock.objects.into_values().flatten()).with_gap(gap);
        look.objects.retain(|kind, _| !stock.unsure.contains(kind));
        Ok(look)
    }

    async fn get(&self, key: &ObjectKey) -> Result<Object> {
        let name = self.names().get(&key.id).cloned().filter(|_| key.kind == Kind::Resource);
        let Some(name) = name else { return self.list(key.kind).await?.find(key) };
        let object = self.reader.by_name(&name).await?;
        if object.key == *key { Ok(object) } else { Err(error::unusable("another object")) }
    }

    fn changes(&self, _: &[Kind]) -> Changes {
        stream::pending().boxed()
    }
}
