//! The port's implementation.

use crate::client::Connection;
use crate::conf::Conf;
use crate::error::{Failure, Outcome};
use crate::map::Scope;
use crate::session::Session;
use crate::{read, watch};
use async_trait::async_trait;
use netweave_model::port::{Backend, Capabilities, Changes, Clock, Look, Reach};
use netweave_model::{Id, Kind, Object, ObjectKey, Result, SourceName};
use std::sync::Arc;
use tokio::sync::Mutex;

/// What is delivered: vSphere's alarms and counters have no dictionaries here.
const KINDS: [Kind; 6] = [
    Kind::Location,
    Kind::OCloudSite,
    Kind::ResourceType,
    Kind::ResourcePool,
    Kind::Resource,
    Kind::DeploymentManager,
];

/// A vCenter or a standalone ESXi host.
pub struct Vmware {
    shared: Arc<Shared>,
    capabilities: Capabilities,
    /// The session of the calls; streams have their own.
    session: Mutex<Option<Arc<Session>>>,
}

/// What calls and streams share.
pub(crate) struct Shared {
    pub(crate) connection: Arc<Connection>,
    pub(crate) scope: Scope,
}

impl Vmware {
    /// Prepares the backend; the server is first asked by the first call, so it need not answer yet.
    ///
    /// # Errors
    /// `Invalid`: the section or one of its files is of no use.
    pub async fn connect(conf: &Conf, o_cloud_id: &Id, clock: Arc<dyn Clock>) -> Result<Self> {
        let connection = Arc::new(Connection::open(conf, clock).await?);
        let scope = Scope {
            source: SourceName::from(conf.name.as_str()),
            o_cloud_id: o_cloud_id.clone(),
            service_uri: conf.service_uri.clone().unwrap_or_else(|| connection.endpoint().to_owned()),
            served: conf.resources.clone(),
        };
        Ok(Self {
            shared: Arc::new(Shared { connection, scope }),
            capabilities: Capabilities {
                kinds: KINDS.to_vec(),
                native_watch: true,
                single_get: false,
                reach: Reach::Network,
            },
            session: Mutex::new(None),
        })
    }

    /// Returns the session of the calls, opened if there is none; the second of two callers waits for the first.
    async fn session(&self) -> Outcome<Arc<Session>> {
        let mut current = self.session.lock().await;
        if let Some(session) = &*current {
            return Ok(Arc::clone(session));
        }
        let session = Arc::new(Session::open(&self.shared.connection).await?);
        *current = Some(Arc::clone(&session));
        Ok(session)
    }

    /// Forgets a session that the server does not know any more, unless there is another by now.
    async fn forget(&self, session: &Arc<Session>) {
        let mut current = self.session.lock().await;
        if current.as_ref().is_some_and(|known| Arc::ptr_eq(known, session)) {
            *current = None;
        }
    }

    /// Runs a call in a session. One that has ended, as it does after half an hour without a call, is renewed once.
    async fn asked<T, F>(&self, call: impl Fn(Arc<Session>) -> F) -> Result<T>
    where
        F: Future<Output = Outcome<T>>,
    {
        let session = self.session().await.map_err(Failure::into_error)?;
        match call(Arc::clone(&session)).await {
            Err(failure) if failure.is_lost_session() => {
                self.forget(&session).await;
                drop(session);
                let session = self.session().await.map_err(Failure::into_error)?;
                call(session).await.map_err(Failure::into_error)
            }
            outcome => outcome.map_err(Failure::into_error),
        }
    }
}

#[async_trait]
impl Backend for Vmware {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn probe(&self) -> Result<()> {
        self.asked(|session| async move { session.probe().await }).await
    }

    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        self.capabilities.check(kinds)?;
        let scope = &self.shared.scope;
        let objects = self.asked(|session| async move { read::snapshot(&session, scope).await }).await?;
        Ok(Look::of(kinds, objects.into_values()))
    }

    async fn get(&self, key: &ObjectKey) -> Result<Object> {
        self.list(key.kind).await?.find(key)
    }

    fn changes(&self, kinds: &[Kind]) -> Changes {
        watch::changes(Arc::clone(&self.shared), kinds.to_vec())
    }
}
