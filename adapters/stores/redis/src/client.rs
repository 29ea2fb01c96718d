//! The connections: settings that were chosen by what failovers cost, and errors in our words.
//!
//! A client connects by itself, for as long as it takes, and comes back by itself. What it sends while it is away waits
//! for a moment and is then refused; it repeats nothing, as only `session` knows what may be repeated where.

use crate::conf::{Conf, Tls, server};
use fred::clients::SubscriberClient;
use fred::prelude::{Builder, Client, Config, ReconnectPolicy, TcpConfig};
use fred::types::RespVersion;
use fred::types::config::{
    ReconnectError, Server, ServerConfig, TlsConfig, TlsConnector, UnresponsiveConfig,
};
use netweave_model::{Error, ErrorKind, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long one command may take.
pub(crate) const COMMAND: Duration = Duration::from_secs(2);
/// How long a connection may take to stand, and each of the steps until it does.
const CONNECT: Duration = Duration::from_secs(1);
/// Commands that wait while the server is away; more are refused.
const WAITING: usize = 10_000;
/// The most bytes of a password file.
const PASSWORD: u64 = 4096;

/// How to reach a Redis: everything is read and checked, nothing is connected yet.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) config: Config,
    /// How to reach each Sentinel; none if one server is named.
    pub(crate) sentinels: Vec<Config>,
    pub(crate) service: String,
}

impl Access {
    /// Reads what the section names: passwords and certificates.
    ///
    /// # Errors
    /// `Invalid`: something cannot be read or does not fit.
    pub(crate) fn of(conf: &Conf) -> Result<Self> {
        if let Some((key, reason)) = conf.faults().first() {
            return Err(Error::invalid(*key, *reason));
        }
        let mut config = Config {
            version: RespVersion::RESP3,
            fail_fast: false,
            tls: conf.tls.as_ref().map(tls).transpose()?,
            username: conf.username.clone(),
            password: secret("passwordFile", conf.password_file.as_deref(), conf.password_env.as_deref())?,
            ..Config::default()
        };
        let file = conf.sentinel_password_file.as_deref();
        let password = secret("sentinelPasswordFile", file, conf.sentinel_password_env.as_deref())?;
        let at = |(host, port): (String, u16)| Server::new(host, port);
        let hosts: Vec<Server> = conf.sentinels.iter().filter_map(|text| server(text)).map(at).collect();
        let sentinel = |host: &Server| Config {
            server: ServerConfig::Centralized { server: host.clone() },
            username: conf.sentinel_username.clone(),
            password: password.clone(),
            ..config.clone()
        };
        let sentinels = hosts.iter().map(sentinel).collect();
        config.server = match conf.one_server() {
            Some(one) => ServerConfig::Centralized { server: at(one) },
            None => ServerConfig::Sentinel {
                hosts,
                service_name: conf.service.clone(),
                username: conf.sentinel_username.clone(),
                password,
            },
        };
        Ok(Self { config, sentinels, service: conf.service.clone() })
    }

    /// Makes a client for commands; it connects when it is told to.
    pub(crate) fn client(&self) -> Result<Client> {
        builder(self.config.clone()).build().map_err(unavailable)
    }
}

/// Makes a client that listens to channels of a server or of a Sentinel, and may ask it.
pub(crate) fn listener(config: &Config) -> Result<SubscriberClient> {
    builder(config.clone()).build_subscriber_client().map_err(unavailable)
}

/// The error of a call that the store did not answer.
pub(crate) fn absent() -> Error {
    Error::new(ErrorKind::Unavailable, "the store does not answer at present")
}

/// Says in our words that the store did not answer, or that it refuses for want of a right.
pub(crate) fn unavailable(error: fred::error::Error) -> Error {
    if is_denied(&error) { denied().with_source(error) } else { absent().with_source(error) }
}

/// The error of a call that the user of this program has no right to; the server's words say which right.
fn denied() -> Error {
    Error::new(ErrorKind::Unavailable, "the store refuses this at present")
        .with_private("its user has not all the rights of deploy/redis/users.acl")
}

/// Says whether a server refuses because the user has not the right to a command or a key, be it in a script.
pub(crate) fn is_denied(error: &fred::error::Error) -> bool {
    let words = error.details();
    // Of a script: Redis 7.2 and later, and before.
    let in_script = ["ERR ACL failure in script", "ERR The user executing the script can't"];
    words.starts_with("NOPERM ") || in_script.iter().any(|begin| words.starts_with(begin))
}

fn builder(config: Config) -> Builder {
    let mut builder = Builder::from_config(config);
    builder.with_connection_config(|connection| {
        connection.connection_timeout = CONNECT;
        connection.internal_command_timeout = CONNECT;
        connection.max_command_attempts = 1;
        connection.max_command_buffer_len = WAITING;
        connection.unresponsive = UnresponsiveConfig {
            max_timeout: Some(Duration::from_millis(1500)),
            interval: Duration::from_millis(250),
        };
        connection.tcp = tcp();
        connection.reconnect_errors =
            vec![ReconnectError::ReadOnly, ReconnectError::Loading, ReconnectError::MasterDown];
    });
    builder.with_performance_config(|performance| performance.default_command_timeout = COMMAND);
    builder.set_policy(ReconnectPolicy::new_exponential(0, 50, 1000, 2));
    builder
}

/// What is sent and not acknowledged breaks the connection when a command would have been given up.
fn tcp() -> TcpConfig {
    TcpConfig {
        nodelay: Some(true),
        #[cfg(target_os = "linux")]
        user_timeout: Some(COMMAND),
        ..TcpConfig::default()
    }
}

/// Reads a password from a file, without the line feed at its end, or from the environment.
fn secret(key: &'static str, file: Option<&Path>, variable: Option<&str>) -> Result<Option<String>> {
    let text = if let Some(path) = file {
        let large = std::fs::metadata(path).is_ok_and(|data| data.len() > PASSWORD);
        let text = if large { None } else { std::fs::read_to_string(path).ok() };
        let refuse =
            || Error::invalid(key, "the password cannot be read").with_private(path.display().to_string());
        text.ok_or_else(refuse)?
    } else if let Some(name) = variable {
        let refuse =
            |error| Error::invalid(key, "the variable of the password is not set").with_source(error);
        std::env::var(name).map_err(refuse)?
    } else {
        return Ok(None);
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        Err(Error::invalid(key, "the password is empty"))
    } else {
        Ok(Some(text.to_owned()))
    }
}

fn tls(conf: &Tls) -> Result<TlsConfig> {
    let mut roots = RootCertStore::empty();
    let authorities = match &conf.ca {
        Some(path) => certificates("tls.ca", path)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let (known, _) = roots.add_parsable_certificates(authorities);
    if known == 0 {
        return Err(Error::invalid("tls.ca", "there is no authority that could be trusted"));
    }
    let refuse = |error: rustls::Error| Error::invalid("tls", "cannot be used").with_source(error);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(refuse)?
        .with_root_certificates(roots);
    let config = match (&conf.certificate, &conf.key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates("tls.certificate", certificate)?;
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| Error::invalid("tls.key", "cannot be read").with_source(error))?;
            builder.with_client_auth_cert(chain, key).map_err(refuse)?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(TlsConnector::from(config).into())
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| Error::invalid(key, "cannot be read").with_source(error))
}
