//! The port's implementation.

use crate::client::Connection;
use crate::conf::Conf;
use crate::map::{Scope, dictionary, host, node};
use crate::{read, watch};
use async_trait::async_trait;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use netweave_model::port::{Backend, Capabilities, Changes, Clock, Listing, Look, Reach};
use netweave_model::{Error, ErrorKind, Id, Kind, Object, ObjectKey, Result, SourceName};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A Kubernetes cluster.
pub struct Kubernetes {
    shared: Arc<Shared>,
    capabilities: Capabilities,
}

/// What calls and streams share.
pub(crate) struct Shared {
    pub(crate) connection: Connection,
    pub(crate) scope: Scope,
    /// The server refused to stream lists.
    pages_only: AtomicBool,
    /// Resources that were seen, by id, which cannot be turned back into a name.
    names: Mutex<HashMap<Id, Name>>,
}

/// How the server names a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Node(String),
    Host { namespace: String, name: String },
}

impl Shared {
    pub(crate) fn streaming(&self) -> bool {
        !self.pages_only.load(Ordering::Relaxed)
    }

    pub(crate) fn stop_streaming(&self) {
        self.pages_only.store(true, Ordering::Relaxed);
    }

    pub(crate) fn remember_node(&self, id: &Id, meta: &ObjectMeta) {
        self.remember(id, || Name::Node(meta.name.clone().unwrap_or_default()));
    }

    pub(crate) fn remember_host(&self, id: &Id, meta: &ObjectMeta) {
        self.remember(id, || Name::Host {
            namespace: meta.namespace.clone().unwrap_or_default(),
            name: meta.name.clone().unwrap_or_default(),
        });
    }

    fn remember(&self, id: &Id, name: impl FnOnce() -> Name) {
        let mut names = self.names();
        if !names.contains_key(id) {
            names.insert(id.clone(), name());
        }
    }

    /// Forgets a resource that is gone.
    pub(crate) fn forget(&self, id: &Id) {
        self.names().remove(id);
    }

    /// Forgets all resources but these.
    pub(crate) fn keep_only(&self, exists: impl Fn(&Id) -> bool) {
        self.names().retain(|id, _| exists(id));
    }

    fn names(&self) -> MutexGuard<'_, HashMap<Id, Name>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kubernetes {
    /// Prepares the backend; the server is first asked by the first call, so it need not answer yet.
    ///
    /// # Errors
    /// `Invalid`: the credentials cannot be read.
    pub async fn connect(conf: &Conf, o_cloud_id: &Id, clock: Arc<dyn Clock>) -> Result<Self> {
        let connection = Connection::open(conf.clone(), clock).await?;
        let scope = Scope {
            source: SourceName::from(conf.name.as_str()),
            o_cloud_id: o_cloud_id.clone(),
            pool_label: conf.pool_label.clone(),
            service_uri: conf.service_uri.clone().unwrap_or_else(|| connection.url().to_owned()),
        };
        let shared = Shared {
            connection,
            scope,
            pages_only: AtomicBool::new(false),
            names: Mutex::new(HashMap::new()),
        };
        Ok(Self {
            shared: Arc::new(shared),
            capabilities: Capabilities {
                kinds: Kind::ALL.to_vec(),
                native_watch: true,
                single_get: true,
                reach: Reach::Network,
            },
        })
    }

    /// Runs a call; refused credentials are read again for the next one.
    async fn asked<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let outcome = call.await;
        if outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unauthenticated) {
            self.shared.connection.renew();
        }
        outcome
    }

    /// Reads a resource whose name is known.
    async fn by_name(&self, name: Name) -> Result<Object> {
        let client = self.shared.connection.client().await?;
        let scope = &self.shared.scope;
        let member = match name {
            Name::Node(name) => {
                let item = read::within(read::TIME, Api::<Node>::all(client).get(&name)).await?;
                node::node(scope, &item)?
            }
            Name::Host { namespace, name } => {
                let api = Api::namespaced_with(client, &namespace, &host::resource());
                host::host(scope, &read::within(read::TIME, api.get(&name)).await?)?
            }
        };
        Ok(member.object)
    }
}

#[async_trait]
impl Backend for Kubernetes {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn probe(&self) -> Result<()> {
        let nodes = async {
            let client = self.shared.connection.client().await?;
            // Not the version, which anybody may read: this shows that the credentials are good for something.
            if read::readable::<Node>(&Api::all(client)).await? {
                return Ok(());
            }
            Err(Error::new(ErrorKind::Forbidden, "the gateway may not read this in the cluster"))
        };
        self.asked(nodes).await
    }

    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        let looked = async {
            let client = self.shared.connection.client().await?;
            let objects = read::snapshot(&client, &self.shared.scope).await?;
            Ok(Look::of(kinds, objects.into_values()))
        };
        self.asked(looked).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Object> {
        match key.kind {
            Kind::AlarmDictionary => return exactly(key, dictionary::alarms(&self.shared.scope)?),
            Kind::PerformanceDictionary => return exactly(key, dictionary::performance(&self.shared.scope)?),
            Kind::Resource => {
                let name = self.shared.names().get(&key.id).cloned();
                if let Some(name) = name {
                    return self.asked(self.by_name(name)).await;
                }
            }
            Kind::Location
            | Kind::OCloudSite
            | Kind::ResourceType
            | Kind::ResourcePool
            | Kind::DeploymentManager => {}
        }
        self.list(key.kind).await?.find(key)
    }

    fn changes(&self, kinds: &[Kind]) -> Changes {
        watch::changes(Arc::clone(&self.shared), kinds.to_vec())
    }
}

fn exactly(key: &ObjectKey, object: Object) -> Result<Object> {
    Listing { objects: vec![object] }.find(key)
}
