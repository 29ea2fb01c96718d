//! From the configuration to a client, made anew when its credentials have run out.

use crate::bound::Bounded;
use crate::conf::Conf;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use netweave_model::port::Clock;
use netweave_model::{Error, Result, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tower::layer::layer_fn;
use tracing::warn;

/// Time to open a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// Silence on a connection after which it is dead; longer than the 290 s after which a watch ends by itself.
const SILENCE: Duration = Duration::from_mins(5);

/// Makes clients for one cluster.
pub(crate) struct Connection {
    conf: Conf,
    clock: Arc<dyn Clock>,
    current: Mutex<Option<Client>>,
    url: String,
}

impl Connection {
    /// Reads the credentials once, to see that they can be used; the server is not asked.
    pub(crate) async fn open(conf: Conf, clock: Arc<dyn Clock>) -> Result<Self> {
        let config = config(&conf).await?;
        if config.accept_invalid_certs {
            warn!(source = %conf.name, "the kubeconfig switches off the check of the cluster's certificate");
        }
        let url = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        Ok(Self { conf, clock, current: Mutex::new(None), url })
    }

    /// Returns the URI of the cluster's API as the gateway reaches it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns a client whose credentials are valid now.
    pub(crate) async fn client(&self) -> Result<Client> {
        if let Some(client) = self.usable() {
            return Ok(client);
        }
        let config = config(&self.conf).await?;
        let builder = ClientBuilder::try_from(config).map_err(crate::error::call)?;
        let client = builder.with_layer(&layer_fn(Bounded)).build();
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        Ok(client)
    }

    /// Forgets the client, so that the next one reads the credentials again.
    pub(crate) fn renew(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Tells whether a client that was handed out should be replaced.
    pub(crate) fn expired(&self) -> bool {
        self.usable().is_none()
    }

    fn usable(&self) -> Option<Client> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let valid = |client: &&Client| {
            client.valid_until().is_none_or(|until| Timestamp(until.as_millisecond()) > self.clock.now())
        };
        current.as_ref().filter(valid).cloned()
    }
}

async fn config(conf: &Conf) -> Result<Config> {
    let mut config = match &conf.kubeconfig {
        Some(path) => {
            let unusable = |error| Error::invalid("kubeconfig", "cannot be used").with_source(error);
            let kubeconfig = Kubeconfig::read_from(path).map_err(unusable)?;
            let options = KubeConfigOptions { context: conf.context.clone(), ..KubeConfigOptions::default() };
            Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(unusable)?
        }
        None => Config::incluster().map_err(|error| {
            Error::invalid("kubeconfig", "is needed outside of a cluster").with_source(error)
        })?,
    };
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE);
    // The layers around the backend retry; twice would be too often.
    config.default_retry = false;
    Ok(config)
}
