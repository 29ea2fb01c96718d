//! The connection: settings that were chosen by what failovers cost, and errors in our words.

use crate::conf::Conf;
use fred::prelude::{Builder, Client, ClientLike, Config, ReconnectPolicy, TcpConfig};
use fred::types::RespVersion;
use fred::types::config::{ReconnectError, UnresponsiveConfig};
use netweave_model::{Error, ErrorKind, Result};
use std::time::Duration;

/// How long one command may take.
const COMMAND: Duration = Duration::from_secs(2);
/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(1);
/// Commands that wait while the server is away; more are refused.
const WAITING: usize = 10_000;

/// Connects; comes back by itself for as long as it takes once it did.
///
/// # Errors
/// `Invalid`: the address cannot be understood. `Unavailable`: the server does not answer.
pub(crate) async fn connect(conf: &Conf) -> Result<Client> {
    let refuse = || Error::invalid("url", "must be redis://HOST:PORT, without a password");
    let address = conf.url.strip_prefix("redis://").filter(|address| !address.contains('@'));
    address.ok_or_else(refuse)?;
    let mut config = Config::from_url(&conf.url).map_err(|error| refuse().with_source(error))?;
    config.version = RespVersion::RESP3;
    let mut builder = Builder::from_config(config);
    builder.with_connection_config(|connection| {
        connection.connection_timeout = CONNECT;
        connection.internal_command_timeout = CONNECT;
        connection.max_command_attempts = 3;
        connection.max_command_buffer_len = WAITING;
        connection.unresponsive = UnresponsiveConfig {
            max_timeout: Some(Duration::from_millis(1500)),
            interval: Duration::from_millis(250),
        };
        connection.tcp = TcpConfig { nodelay: Some(true), ..TcpConfig::default() };
        connection.reconnect_errors =
            vec![ReconnectError::ReadOnly, ReconnectError::Loading, ReconnectError::MasterDown];
    });
    builder.with_performance_config(|performance| performance.default_command_timeout = COMMAND);
    builder.set_policy(ReconnectPolicy::new_exponential(0, 50, 1000, 2));
    let client = builder.build().map_err(unavailable)?;
    client.init().await.map_err(unavailable)?;
    Ok(client)
}

/// Says in our words that the store did not answer.
pub(crate) fn unavailable(error: fred::error::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the store does not answer at present").with_source(error)
}
