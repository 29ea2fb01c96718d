//! Subscriptions, their callbacks, and how deliveries are tried.

use crate::conf::unit::Span;
use crate::webhook::signers::DomainSecrets;
use netweave_http::{DomainSettings, OAuth2Settings, SecretSource, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

section! {
    /// Subscriptions.
    Subscriptions {
        /// How long one lives without a sign of life.
        #[schemars(extend("x-minimum" = "1s", "x-maximum" = "365d"))]
        ttl: Span = Span::seconds(24 * 3600),
        /// How many one identity may have.
        #[schemars(range(min = 1, max = 1_000_000))]
        per_owner: u64 = 100,
        /// How many may exist.
        #[schemars(range(min = 1, max = 10_000_000))]
        total: u64 = 10_000,
        /// Keys that seal signing secrets in the store, as files of 32 bytes, as they are or in base64: the first one seals, all open. Without any, secrets are stored as they are.
        #[schemars(length(max = 4), example = ["subscriptions.key"])]
        secret_key_files: Vec<PathBuf> = Vec::new(),
        /// How long the old signing secret signs beside a new one, unless who replaces it says otherwise.
        #[schemars(extend("x-minimum" = "0s", "x-maximum" = "7d"))]
        secret_overlap: Span = Span::seconds(24 * 3600),
        /// Where notifications may be posted.
        callback: Callback = Callback::default(),
    }
}

/// Whether a callback is tried when a subscription is created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// It is not.
    #[default]
    None,
    /// A GET must answer 204.
    Get204,
}

section! {
    /// Where notifications may be posted.
    Callback {
        /// Schemes: `https`, and `http` for development.
        schemes: Vec<String> = vec!["https".to_owned()],
        /// Ports; empty means any.
        #[schemars(inner(range(min = 1)), example = [443, 8443])]
        ports: Vec<u16> = Vec::new(),
        /// Networks and host names that are allowed although they are not public: `10.0.0.0/8`, `smo.example.net`, `*.example.net`.
        #[schemars(example = ["10.0.0.0/8", "smo.example.net", "*.example.net"])]
        allow: Vec<String> = Vec::new(),
        /// Whether callbacks lead only to what `allow` names; otherwise to every public address too.
        only_allowed: bool = false,
        /// Authorities for the callbacks' certificates, as a PEM file, beside the public ones.
        #[schemars(example = &"callback-ca.pem")]
        ca: Option<PathBuf> = None,
        /// Whether a callback is tried before it is accepted: `none` or `get204`.
        verify: Verify = Verify::None,
        /// Trust domains: callbacks with authorities, a client certificate, tokens or signing secrets of their own. The first whose `hosts` fit counts.
        #[schemars(length(max = 100), example = serde_json::json!([{ "name": "smo", "hosts": ["*.smo.example.net"], "certificate": "smo.crt", "key": "smo.key" }]))]
        domains: Vec<CallbackDomain> = Vec::new(),
    }
}

section! {
    /// Callbacks that belong together.
    CallbackDomain {
        /// Its name, for log lines.
        #[schemars(length(min = 1, max = 255))]
        name: String = String::new(),
        /// Hosts of callbacks: `smo.example.net`, `*.example.net`, or networks of addresses that stand in the callback.
        #[schemars(length(min = 1, max = 1000))]
        hosts: Vec<String> = Vec::new(),
        /// The only authorities that are believed, as a PEM file; those of all callbacks if left out.
        ca: Option<PathBuf> = None,
        /// The certificate that is shown, leaf first, as a PEM file.
        certificate: Option<PathBuf> = None,
        /// The key of that certificate.
        key: Option<PathBuf> = None,
        /// Files of signing secrets (`whsec_...`) that sign beside the subscription's own; two while one is being replaced.
        #[schemars(length(max = 2))]
        signing_secret_files: Vec<PathBuf> = Vec::new(),
        /// Client credentials for a bearer token.
        oauth2: Option<CallbackOAuth2> = None,
    }
}

section! {
    /// Client credentials of OAuth 2.0 (RFC 6749, 4.4), as a name and a secret in HTTP Basic.
    CallbackOAuth2 {
        /// The token endpoint; schemes, ports and allowed addresses are those of callbacks.
        #[schemars(length(min = 1, max = 2048))]
        token_url: String = String::new(),
        /// The client.
        #[schemars(length(min = 1, max = 255))]
        client_id: String = String::new(),
        /// The file of the client's secret, which is read for each token.
        client_secret_file: Option<PathBuf> = None,
        /// The environment variable of the client's secret; instead of `clientSecretFile`.
        client_secret_env: Option<String> = None,
        /// The scope that is asked for.
        #[schemars(length(max = 1024))]
        scope: Option<String> = None,
        /// The audience that is asked for.
        #[schemars(length(max = 1024))]
        audience: Option<String> = None,
        /// The only authorities of the token endpoint, as a PEM file; those of the domain if left out.
        ca: Option<PathBuf> = None,
    }
}

impl Callback {
    /// Returns what this says to the outbound client.
    pub fn settings(&self, connect_timeout: Duration, timeout: Duration) -> Settings {
        Settings {
            schemes: self.schemes.clone(),
            ports: self.ports.clone(),
            allow: self.allow.clone(),
            only_allowed: self.only_allowed,
            ca: self.ca.clone(),
            domains: self.domains.iter().map(CallbackDomain::settings).collect(),
            connect_timeout,
            timeout,
        }
    }
}

impl CallbackDomain {
    fn settings(&self) -> DomainSettings {
        DomainSettings {
            name: self.name.clone(),
            hosts: self.hosts.clone(),
            ca: self.ca.clone(),
            pair: self.certificate.clone().zip(self.key.clone()),
            oauth2: self.oauth2.as_ref().map(CallbackOAuth2::settings),
        }
    }

    /// Returns what this says about signing secrets.
    pub fn secrets(&self) -> DomainSecrets {
        let Self { name, hosts, signing_secret_files: files, .. } = self.clone();
        DomainSecrets { name, hosts, files }
    }
}

impl CallbackOAuth2 {
    /// Returns where the client's secret is.
    pub fn secret(&self) -> SecretSource {
        match (&self.client_secret_file, &self.client_secret_env) {
            (None, Some(name)) => SecretSource::Variable(name.clone()),
            (file, _) => SecretSource::File(file.clone().unwrap_or_default()),
        }
    }

    fn settings(&self) -> OAuth2Settings {
        OAuth2Settings {
            token_url: self.token_url.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.secret(),
            scope: self.scope.clone(),
            audience: self.audience.clone(),
            ca: self.ca.clone(),
        }
    }
}

section! {
    /// How deliveries are tried.
    Delivery {
        /// Deliveries at the same time, one per subscription.
        #[schemars(range(min = 1, max = 4_096))]
        concurrency: usize = 128,
        /// Of them, those to one owner.
        #[schemars(range(min = 1, max = 4_096))]
        per_owner: usize = 96,
        /// Time for one attempt.
        #[schemars(extend("x-minimum" = "10ms", "x-maximum" = "1m"))]
        timeout: Span = Span::seconds(5),
        /// Longest pause between attempts.
        #[schemars(extend("x-minimum" = "10ms", "x-maximum" = "1h"))]
        max_pause: Span = Span::seconds(300),
        /// How long an item is tried before it becomes a dead letter.
        #[schemars(extend("x-minimum" = "1s", "x-maximum" = "30d"))]
        retention: Span = Span::seconds(24 * 3600),
        /// Longest queue of one subscription.
        #[schemars(range(min = 1, max = 1_000_000))]
        max_queue: u64 = 10_000,
    }
}
