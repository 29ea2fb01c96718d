//! What every client that calls others has in common.

use reqwest::{Client, ClientBuilder};
use std::time::Duration;

/// Begins a client with a given TLS. It follows no redirect, repeats nothing, and uses no proxy; cookies are compiled out.
///
/// `connect` bounds a connection: resolution, TCP and TLS; `total` bounds a call from its start to the end of the answer;
/// so many idle connections are kept per host.
pub(crate) fn builder(
    tls: rustls::ClientConfig,
    (connect, total): (Duration, Duration),
    idle: usize,
) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        // Without the number each request would be copied for a repetition that never comes.
        .retry(reqwest::retry::never().max_retries_per_request(0))
        .no_proxy()
        .referer(false)
        .connect_timeout(connect)
        .timeout(total)
        .pool_max_idle_per_host(idle)
        .tcp_nodelay(true)
        .user_agent(concat!("netweave/", env!("CARGO_PKG_VERSION")))
}
