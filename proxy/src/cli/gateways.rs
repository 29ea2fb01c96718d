//! Running gateways, as their operations listeners tell.

use super::exposition::Samples;
use super::plain::{self, Plain};
use crate::conf::tree::Conf;
use crate::ops;
use futures::future::join_all;
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use url::Url;

/// How long a listener has to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// What one gateway told.
#[derive(Debug)]
pub(super) struct Told {
    /// Its operations listener.
    pub(super) url: Url,
    /// What `/livez` answers, or why nothing does.
    pub(super) live: Result<Plain, String>,
    /// What `/readyz?verbose` answers.
    pub(super) ready: Result<Plain, String>,
    /// What `/metrics` answers.
    pub(super) metrics: Result<Plain, String>,
}

#[derive(Deserialize)]
struct Ready {
    #[serde(default)]
    checks: Vec<ops::Check>,
}

/// Returns the listeners to ask: those that are given, else the one of the configuration.
pub(super) fn addresses(given: &[Url], conf: Option<&Conf>) -> Vec<Url> {
    if !given.is_empty() {
        return given.to_vec();
    }
    conf.and_then(|conf| Url::parse(&format!("http://{}/", here(conf.ops.listen))).ok()).into_iter().collect()
}

/// Returns the address under which this machine reaches a listener of its own.
fn here(listen: SocketAddr) -> SocketAddr {
    let loopback = match listen.ip() {
        IpAddr::V4(_) => IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::from(Ipv6Addr::LOCALHOST),
    };
    if listen.ip().is_unspecified() { SocketAddr::new(loopback, listen.port()) } else { listen }
}

/// Asks all of them at once; one that does not answer says so in what it told.
pub(super) async fn ask_all(urls: &[Url]) -> Vec<Told> {
    join_all(urls.iter().map(ask)).await
}

async fn ask(url: &Url) -> Told {
    let get = async |path: &str| plain::get(url, path, ANSWER).await.map_err(|failure| failure.message);
    let (live, ready, metrics) = tokio::join!(get("/livez"), get("/readyz?verbose"), get("/metrics"));
    Told { url: url.clone(), live, ready, metrics }
}

impl Told {
    /// Returns the checks of readiness, if it is ready.
    pub(super) fn checks(&self) -> Vec<ops::Check> {
        let body = self.ready.as_ref().ok().filter(|answer| answer.status == 200);
        let ready = body.and_then(|answer| serde_json::from_str::<Ready>(&answer.text).ok());
        ready.map(|ready| ready.checks).unwrap_or_default()
    }

    /// Returns what it measures, if it says so.
    pub(super) fn samples(&self) -> Option<Samples> {
        let answer = self.metrics.as_ref().ok().filter(|answer| answer.status == 200)?;
        Some(Samples::parse(&answer.text))
    }
}

/// Joins what all of them measure; `None` if none of them says so.
pub(super) fn samples(told: &[Told]) -> Option<Samples> {
    let all: Vec<Samples> = told.iter().filter_map(Told::samples).collect();
    (!all.is_empty()).then(|| Samples::joined(&all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_address_the_configured_listener_is_asked_on_this_machine() {
        let mut conf = Conf::default();
        conf.ops.listen = "[::]:9".parse().unwrap();
        let urls = |given: &[Url], conf: Option<&Conf>| {
            addresses(given, conf).iter().map(Url::to_string).collect::<Vec<_>>()
        };
        assert_eq!(urls(&[], Some(&conf)), ["http://[::1]:9/"]);
        assert_eq!(urls(&[], Some(&Conf::default())), ["http://127.0.0.1:8080/"]);
        let given = [Url::parse("http://10.0.0.1:1").unwrap()];
        assert_eq!(urls(&given, Some(&conf)), ["http://10.0.0.1:1/"]);
        assert!(urls(&[], None).is_empty());
    }
}
