//! Where keys come from: a file, or the places in which the AWS tools look for them.

use crate::conf::Conf;
use crate::error;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Request, Response};
use netweave_http::{Api, ApiSettings, Endpoint};
use netweave_model::port::Clock;
use netweave_model::{Error, ErrorKind, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Time for one call to a place of keys; the instance metadata service answers at once or never.
const CALL: Duration = Duration::from_secs(5);
/// Time for all of them.
const ALL: Duration = Duration::from_secs(20);
/// Most bytes of an answer of a place of keys.
const MAX_BODY: usize = 256 * 1024;

/// Finds the keys that the configuration names.
pub(crate) struct Source {
    file: Option<std::path::PathBuf>,
    profile: Option<String>,
    region: String,
    http: SharedHttpClient,
}

impl Source {
    /// Prepares the source; nothing is asked yet.
    ///
    /// # Errors
    /// `Invalid`: the file cannot be read, or the authorities cannot be used.
    pub(crate) fn new(conf: &Conf, region: &str, clock: Arc<dyn Clock>) -> Result<Self> {
        if let Some(file) = &conf.credentials_file {
            readable(file)?;
        }
        let settings =
            ApiSettings { timeout: CALL, max_body: MAX_BODY, ca: conf.ca.clone(), ..ApiSettings::default() };
        let connector = SharedHttpConnector::new(Connector { api: Arc::new(Api::new(&settings, clock)?) });
        Ok(Self {
            file: conf.credentials_file.clone(),
            profile: conf.profile.clone(),
            region: region.to_owned(),
            http: http_client_fn(move |_, _| connector.clone()),
        })
    }

    /// Reads the keys anew.
    ///
    /// # Errors
    /// `Unauthenticated`: there are none. `Unavailable`, `Timeout`: a place that has them does not answer.
    pub(crate) async fn keys(&self) -> Result<Credentials> {
        let found = async {
            match &self.file {
                Some(file) => self.of_file(file).await,
                None => self.of_chain().await,
            }
        };
        let found = tokio::time::timeout(ALL, found).await;
        found.unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(ALL))).map_err(error::credentials)
    }

    async fn of_file(&self, file: &Path) -> std::result::Result<Credentials, CredentialsError> {
        let files = EnvConfigFiles::builder().with_file(EnvConfigFileKind::Credentials, file).build();
        let config = ProviderConfig::without_region()
            .with_region(Some(Region::new(self.region.clone())))
            .with_http_client(self.http.clone());
        let mut builder = ProfileFileCredentialsProvider::builder().configure(&config).profile_files(files);
        if let Some(profile) = &self.profile {
            builder = builder.profile_name(profile);
        }
        builder.build().provide_credentials().await
    }

    async fn of_chain(&self) -> std::result::Result<Credentials, CredentialsError> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .http_client(self.http.clone());
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        let config = loader.load().await;
        let provider = config.credentials_provider().ok_or_else(CredentialsError::not_loaded_no_source)?;
        provider.provide_credentials().await
    }
}

fn readable(file: &Path) -> Result<()> {
    let unusable = |error: std::io::Error| {
        Error::invalid("credentialsFile", "cannot be read")
            .with_private(file.display().to_string())
            .with_source(error)
    };
    std::fs::File::open(file).map(drop).map_err(unusable)
}

/// Carries the calls of the library over the gateway's own client.
#[derive(Clone)]
struct Connector {
    api: Arc<Api>,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let api = Arc::clone(&self.api);
        HttpConnectorFuture::new(async move { carried(&api, request).await })
    }
}

async fn carried(api: &Api, request: HttpRequest) -> std::result::Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let body = Bytes::copy_from_slice(body.bytes().unwrap_or_default());
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(Endpoint("credentials"));
    let answer = api.call(request).await.map_err(|error| {
        let late = error.kind() == ErrorKind::Timeout;
        if late { ConnectorError::timeout(error.into()) } else { ConnectorError::io(error.into()) }
    })?;
    let mut response = Response::new(SdkBody::from(answer.body));
    *response.headers_mut() = answer.headers;
    *response.status_mut() =
        http::StatusCode::from_u16(answer.status).map_err(|error| ConnectorError::user(error.into()))?;
    HttpResponse::try_from(response).map_err(|error| ConnectorError::user(error.into()))
}
