//! The typed tree of the configuration file. Every key has a default that works; unknown keys are refused.
//!
//! Doc comments here are the comments of the printed default file and of `docs/configuration.md`.

use super::unit::{Size, SocketText, Span};
use netweave_adapters::{BackendConf, RedisConf, StoreConf};
use netweave_model::domain::KeyValuePairs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

mod access;
mod audit;
mod limits;
mod subscriptions;
mod tokens;
mod tracing;

pub use self::tracing::{Protocol, Tracing};
pub use access::{Access, Client, Collection, Role, Rule, ScopeConf, TenantConf};
pub use audit::{Audit, AuditFile, AuditMode, AuditOtlp, AuditSyslog, SinkKind};
pub use limits::{Limits, Rate};
pub use subscriptions::{Callback, CallbackDomain, CallbackOAuth2, Delivery, Subscriptions, Verify};
pub use tokens::{AccessMode, Algorithm, Issuer, TokenRule, Tokens};

/// Which topology's defaults apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// One process, self-signed certificates, loopback.
    #[default]
    Dev,
    /// Like production, one cluster.
    Staging,
    /// Production.
    Prod,
}

/// Which v1 dialect is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compatibility {
    /// As the specification says.
    #[default]
    Spec,
    /// As v1 clients of the field expect: DELETE answers 200, a duplicate 400, `globalcloudId` beside `globalCloudId`.
    Field,
}

/// What a client without a certificate meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// It may connect; API calls answer 401, health works.
    #[default]
    Request,
    /// The handshake fails.
    Require,
}

/// What a revocation list counts for whose time for replacement has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CrlStale {
    /// Nothing: no client of its authority is believed.
    #[default]
    Fail,
    /// As before; `netweave_tls_crl_next_update_timestamp_seconds` tells.
    Warn,
}

/// What is spoken with clients: versions of TLS, and what goes with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TlsProfile {
    /// TLS 1.3 alone.
    #[default]
    Modern,
    /// TLS 1.2 as well, with ECDHE and AEAD ciphers only.
    Intermediate,
}

/// A major version of the inventory API.
pub use netweave_model::subscription::Major;

/// The spelling of [`Major`], for the schema; the domain knows no schemas.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase", rename = "Major", description = "A major version of the inventory API.")]
#[expect(dead_code, reason = "only its schema is used")]
enum MajorName {
    /// Inventory 1.x.
    V1,
    /// Inventory 2.x.
    V2,
}

section! {
    /// The whole file.
    Conf {
        /// Version of this file's form: `netweave/v1`.
        #[schemars(extend("const" = "netweave/v1"))]
        api_version: String = "netweave/v1".to_owned(),
        /// The topology: `dev`, `staging` or `prod`.
        environment: Environment = Environment::Dev,
        /// The O-Cloud that is described.
        o_cloud: OCloud = OCloud::default(),
        /// The API listener.
        api: Api = Api::default(),
        /// The operations listener: plain HTTP, for probes and Prometheus.
        ops: Ops = Ops::default(),
        /// Who may do and see what.
        access: Access = Access::default(),
        /// Bounds on what clients may ask.
        limits: Limits = Limits::default(),
        /// Where subscriptions, the change log and the delivery queues are kept.
        state: StoreConf = StoreConf::default(),
        /// The response cache and the lifetimes of what is known.
        cache: Cache = Cache::default(),
        /// Subscriptions and their callbacks.
        subscriptions: Subscriptions = Subscriptions::default(),
        /// How deliveries are tried.
        delivery: Delivery = Delivery::default(),
        /// How the process ends.
        shutdown: Shutdown = Shutdown::default(),
        /// Log output.
        log: Log = Log::default(),
        /// Traces: spans of requests, calls and notifications for a collector of OpenTelemetry.
        tracing: Tracing = Tracing::default(),
        /// The audit log: who did what, in a form that shows tampering.
        audit: Audit = Audit::default(),
        /// The infrastructures behind the gateway.
        backends: Vec<BackendConf> = Vec::new(),
    }
}

section! {
    /// The O-Cloud's own data, served at the API root.
    OCloud {
        /// Identifies the O-Cloud within its own domain.
        #[schemars(length(min = 1, max = 255))]
        id: String = "o-cloud".to_owned(),
        /// Identifies the O-Cloud among all O-Clouds of the SMO.
        #[schemars(length(min = 1, max = 255))]
        global_cloud_id: String = "o-cloud".to_owned(),
        /// Human-readable name.
        #[schemars(length(min = 1, max = 255))]
        name: String = "O-Cloud".to_owned(),
        /// Human-readable description.
        #[schemars(length(max = 1024))]
        description: String = "An O-Cloud behind netweave".to_owned(),
        /// The URI under which clients reach the API, without API name and version.
        service_uri: String = "https://127.0.0.1:8443".to_owned(),
        /// Vendor attributes.
        #[schemars(example = serde_json::json!({ "vendor": "example" }))]
        extensions: KeyValuePairs = KeyValuePairs::new(),
    }
}

section! {
    /// The API listener.
    Api {
        /// Addresses to listen on.
        #[schemars(with = "Vec<SocketText>", length(min = 1, max = 16))]
        listen: Vec<SocketAddr> = vec![SocketAddr::from(([0, 0, 0, 0], 8443))],
        /// Networks from which clients may connect; all if there is none here. Others are closed before TLS.
        #[schemars(example = ["10.20.0.0/16", "2001:db8::/32"])]
        allow: Vec<String> = Vec::new(),
        /// Certificates.
        tls: Tls = Tls::default(),
        /// Which majors are served: `v1`, `v2`.
        #[schemars(with = "Vec<MajorName>", length(min = 1))]
        majors: Vec<Major> = vec![Major::V1, Major::V2],
        /// Which v1 dialect is spoken: `spec` or `field`.
        compatibility: Compatibility = Compatibility::Spec,
    }
}

section! {
    /// Certificates of the API listener, as PEM files.
    Tls {
        /// The server's certificate, leaf first, then intermediates.
        certificate: PathBuf = "tls.crt".into(),
        /// Its private key (PKCS#8, SEC1 or PKCS#1).
        key: PathBuf = "tls.key".into(),
        /// The authorities whose client certificates are accepted.
        client_ca: PathBuf = "ca.crt".into(),
        /// Revocation lists of these authorities.
        #[schemars(example = &"crl.pem")]
        crl: Option<PathBuf> = None,
        /// What a revocation list counts for that should have been replaced: `fail` or `warn`.
        crl_stale: CrlStale = CrlStale::Fail,
        /// What a client without a certificate meets: `request` or `require`.
        client_auth: ClientAuth = ClientAuth::Request,
        /// What is spoken: `modern` is TLS 1.3 alone, `intermediate` also TLS 1.2, with ECDHE and AEAD ciphers only.
        profile: TlsProfile = TlsProfile::Modern,
    }
}

section! {
    /// The operations listener.
    Ops {
        /// Address to listen on.
        #[schemars(with = "SocketText")]
        listen: SocketAddr = SocketAddr::from(([0, 0, 0, 0], 8080)),
        /// Networks from which clients may connect; all if there is none here. The node's probes need theirs.
        #[schemars(example = ["10.0.0.0/8", "127.0.0.1"])]
        allow: Vec<String> = Vec::new(),
        /// The Unix socket for `netweave drain`, `reload`, `log-level` and `profile`, open to the gateway's own user alone; none if left out.
        #[schemars(example = &"/run/netweave/control.sock")]
        control: Option<PathBuf> = None,
    }
}

section! {
    /// The response cache.
    Cache {
        /// Memory for rendered answers; 0B switches the cache off.
        #[schemars(extend("x-minimum" = "0B", "x-maximum" = "64GiB"))]
        max_bytes: Size = Size::kib(64 * 1024),
        /// A second level in Redis, which all pods share: one server (`url`), or a primary that Sentinels name (`sentinels`).
        #[schemars(example = serde_json::json!({ "url": "redis://127.0.0.1:6379" }))]
        redis: Option<RedisConf> = None,
        /// How old what is known may be before a read asks the source again.
        ttl: Ttl = Ttl::default(),
    }
}

section! {
    /// Lifetimes, jittered by a tenth. While a native watch is live, what it delivers is fresh by definition.
    Ttl {
        /// Of lists.
        #[schemars(extend("x-minimum" = "1s", "x-maximum" = "7d"))]
        resource_lists: Span = Span::seconds(30),
        /// Of single objects.
        #[schemars(extend("x-minimum" = "1s", "x-maximum" = "7d"))]
        resources: Span = Span::seconds(60),
        /// Of pools, sites and locations.
        #[schemars(extend("x-minimum" = "1s", "x-maximum" = "7d"))]
        resource_pools: Span = Span::seconds(300),
        /// Of types, dictionaries and deployment managers.
        #[schemars(extend("x-minimum" = "1s", "x-maximum" = "7d"))]
        capabilities: Span = Span::seconds(3600),
    }
}

section! {
    /// How the process ends after SIGTERM.
    Shutdown {
        /// Time in which it still accepts, unready, until endpoints have moved on; 15s in `staging` and `prod`.
        #[schemars(extend("x-minimum" = "0ms", "x-maximum" = "5m"))]
        delay: Span = Span::seconds(5),
        /// Time for requests in flight.
        #[schemars(extend("x-minimum" = "0ms", "x-maximum" = "10m"))]
        grace: Span = Span::seconds(10),
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// For people.
    Text,
}

section! {
    /// Log output.
    Log {
        /// `error`, `warn`, `info`, `debug`, or directives such as `info,netweave=debug`.
        level: String = "info".to_owned(),
        /// The form of lines: `json` or `text`.
        format: LogFormat = LogFormat::Json,
    }
}
