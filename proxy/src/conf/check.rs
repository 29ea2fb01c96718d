//! What types cannot say: rules between keys, and rules of a topology.
//!
//! [`rules`] looks at the values alone; [`files`] opens what they name.

mod access;
mod audit;
mod callbacks;
mod files;
mod tokens;

pub use files::{files, inventories};

use super::tree::{Callback, Conf, Environment, Protocol};
use crate::listen::allow;
use netweave_adapters::{RedisConf, StoreConf};
use netweave_http::{Guard, Settings, System};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use url::{Host, Url};

/// The time that Kubernetes gives a pod to end, less a reserve for the process's own end.
const POD_END: Duration = Duration::from_secs(27);

/// One violated rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The key.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
    /// Whether the configuration may not be used; otherwise it is a warning.
    pub fatal: bool,
}

/// Collects findings.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn fault(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Finding { path: path.into(), message: message.into(), fatal: true });
    }

    fn warn(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Finding { path: path.into(), message: message.into(), fatal: false });
    }
}

/// Checks everything that can be said without opening a file.
pub fn rules(conf: &Conf) -> Vec<Finding> {
    let mut findings = Findings::default();
    cloud(conf, &mut findings);
    listeners(conf, &mut findings);
    access::access(conf, &mut findings);
    limits(conf, &mut findings);
    state(conf, &mut findings);
    callbacks(&conf.subscriptions.callback, conf.environment, &mut findings);
    callbacks::rules(conf, &mut findings);
    times(conf, &mut findings);
    backends(conf, &mut findings);
    audit::rules(conf, &mut findings);
    tracing(conf, &mut findings);
    if let Err(error) = EnvFilter::try_new(&conf.log.level) {
        findings.fault("log.level", format!("is no level and no list of directives: {error}"));
    }
    findings.0
}

fn tracing(conf: &Conf, findings: &mut Findings) {
    const KEY: &str = "tracing.url";
    let Some(text) = &conf.tracing.url else { return };
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    match url.filter(|url| url.host().is_some() && url.username().is_empty() && url.password().is_none()) {
        None => findings.fault(KEY, "must be a URL, such as `https://otel-collector:4318/v1/traces`"),
        Some(url)
            if conf.tracing.protocol == Protocol::Grpc && (url.path() != "/" || url.query().is_some()) =>
        {
            findings
                .fault(KEY, "must have no path with `protocol: grpc`, such as `https://otel-collector:4317`");
        }
        Some(url) if conf.environment != Environment::Dev && url.scheme() == "http" => {
            findings.fault(KEY, "must be `https` outside `dev`");
        }
        Some(_) => {}
    }
}

fn cloud(conf: &Conf, findings: &mut Findings) {
    const KEY: &str = "oCloud.serviceUri";
    let Ok(url) = Url::parse(&conf.o_cloud.service_uri) else {
        return findings.fault(KEY, "must be a URI, such as `https://o2.example.net`");
    };
    let plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !plain || !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        findings.fault(KEY, "must be `https://HOST[:PORT][/PATH]`, without user, query and fragment");
    } else if conf.environment != Environment::Dev && url.scheme() == "http" {
        findings.fault(KEY, "must be `https` outside `dev`");
    } else if conf.environment != Environment::Dev && loopback(&url) {
        findings.warn(KEY, "is a loopback address, which no client on another machine can reach");
    }
}

fn loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn listeners(conf: &Conf, findings: &mut Findings) {
    let named =
        conf.api.listen.iter().enumerate().map(|(index, address)| (format!("api.listen[{index}]"), *address));
    let all: Vec<(String, SocketAddr)> = named.chain([("ops.listen".to_owned(), conf.ops.listen)]).collect();
    for (index, (path, address)) in all.iter().enumerate() {
        let earlier = all.iter().take(index).find(|(_, other)| collide(*address, *other));
        if let Some((other, _)) = earlier {
            findings.fault(path.clone(), format!("{address} is taken by {other}"));
        }
    }
    for (key, entries) in [("api.allow", &conf.api.allow), ("ops.allow", &conf.ops.allow)] {
        for (index, entry) in entries.iter().enumerate() {
            if let Err(reason) = allow::network(entry) {
                findings.fault(format!("{key}[{index}]"), reason);
            }
        }
    }
    let majors: BTreeSet<_> = conf.api.majors.iter().collect();
    if majors.len() < conf.api.majors.len() {
        findings.fault("api.majors", "names a major twice");
    }
}

/// Tells whether two addresses cannot be listened on by one machine; port 0 is a different one each time.
fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    let any = |address: IpAddr| address.is_unspecified();
    let same_host = a.ip() == b.ip() || (a.is_ipv4() == b.is_ipv4() && (any(a.ip()) || any(b.ip())));
    a.port() != 0 && a.port() == b.port() && same_host
}

fn limits(conf: &Conf, findings: &mut Findings) {
    let limits = &conf.limits;
    if limits.connections_per_ip > limits.connections {
        findings.warn("limits.connectionsPerIp", "is more than limits.connections, so it has no effect");
    }
    if limits.in_flight_per_identity > limits.in_flight {
        findings.warn("limits.inFlightPerIdentity", "is more than limits.inFlight, so it has no effect");
    }
    if limits.shared && !matches!(conf.state, StoreConf::Redis(_)) {
        findings.fault("limits.shared", "needs `state.kind: redis`: nothing else is shared by processes");
    }
    if limits.per_identity.rate > limits.requests_per_second {
        findings
            .warn("limits.perIdentity.rate", "is more than limits.requestsPerSecond, so it has no effect");
    }
    if conf.subscriptions.per_owner > conf.subscriptions.total {
        findings.warn("subscriptions.perOwner", "is more than subscriptions.total, so it has no effect");
    }
}

fn state(conf: &Conf, findings: &mut Findings) {
    let weakness = match &conf.state {
        StoreConf::Memory(_) => Some("`memory` loses all subscriptions when the process ends"),
        StoreConf::Redis(redis) => connection("state", redis, findings),
        StoreConf::Embedded(_) => None,
    };
    let of_cache = conf.cache.redis.as_ref().and_then(|redis| connection("cache.redis", redis, findings));
    for (key, weakness) in [("state.kind", weakness), ("cache.redis", of_cache)] {
        match (weakness, conf.environment) {
            (None, _) | (_, Environment::Dev) => {}
            (Some(weakness), Environment::Staging) => findings.warn(key, weakness),
            (Some(weakness), Environment::Prod) => {
                findings.fault(key, format!("{weakness}; `prod` refuses it"));
            }
        }
    }
}

/// Checks a section about a Redis; returns what is weak about its connections.
fn connection(path: &str, redis: &RedisConf, findings: &mut Findings) -> Option<&'static str> {
    for (key, reason) in redis.faults() {
        findings.fault(format!("{path}.{key}"), reason);
    }
    let weakness = "the connection to `redis` is not encrypted (`tls`) or not authenticated (a password, or a certificate)";
    (!redis.is_guarded()).then_some(weakness)
}

fn callbacks(callback: &Callback, environment: Environment, findings: &mut Findings) {
    let prod = environment == Environment::Prod;
    if callback.schemes.is_empty() {
        findings.fault("subscriptions.callback.schemes", "must not be empty");
    }
    for (index, scheme) in callback.schemes.iter().enumerate() {
        let path = format!("subscriptions.callback.schemes[{index}]");
        match scheme.as_str() {
            "http" if prod => {
                findings.fault(path, "`http` is refused in `prod`: notifications would travel in the clear");
            }
            "http" | "https" => {}
            _ => findings.fault(path, "must be one of `https`, `http`"),
        }
    }
    for (index, entry) in callback.allow.iter().enumerate() {
        let path = format!("subscriptions.callback.allow[{index}]");
        match allowed(entry) {
            Err(reason) => findings.fault(path, reason),
            Ok(everything) if everything && prod => {
                findings
                    .fault(path, "allows every address, so callbacks could reach the gateway's own network");
            }
            Ok(everything) if everything => findings.warn(path, "allows every address"),
            Ok(_) => {}
        }
    }
}

/// Checks one entry of the allow-list, as the guard of callbacks reads it; tells whether it allows every address.
fn allowed(entry: &str) -> Result<bool, String> {
    const FORMS: &str =
        "must be a network such as `10.0.0.0/8`, an address, a host name, or `*.` and a domain";
    let settings = Settings { allow: vec![entry.to_owned()], ..Settings::default() };
    let guard = Guard::new(&settings, Arc::new(System));
    if guard.is_ok() { Ok(entry.ends_with("/0")) } else { Err(FORMS.to_owned()) }
}

fn times(conf: &Conf, findings: &mut Findings) {
    let delivery = &conf.delivery;
    if delivery.max_pause >= delivery.retention {
        findings.fault("delivery.maxPause", "must be shorter than delivery.retention");
    }
    if delivery.timeout >= delivery.retention {
        findings.fault("delivery.timeout", "must be shorter than delivery.retention");
    }
    if conf.shutdown.delay.0.saturating_add(conf.shutdown.grace.0) > POD_END {
        let message =
            "delay and grace together exceed 27s: a pod needs a larger terminationGracePeriodSeconds than 30";
        findings.warn("shutdown", message);
    }
}

fn backends(conf: &Conf, findings: &mut Findings) {
    if conf.backends.is_empty() {
        findings.warn("backends", "is empty, so the inventory is");
    }
    for (index, backend) in conf.backends.iter().enumerate() {
        if conf.backends.iter().take(index).any(|other| other.name() == backend.name()) {
            let message = format!("`{}` is the name of an earlier backend too", backend.name());
            findings.fault(format!("backends[{index}].name"), message);
        }
        for (key, reason) in backend.faults() {
            findings.fault(format!("backends[{index}].{key}"), reason);
        }
        if conf.environment != Environment::Dev && !backend.is_encrypted() {
            findings.fault(format!("backends[{index}].url"), "must be `https` outside `dev`");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_the_allow_list_are_networks_addresses_or_names() {
        for entry in
            ["10.0.0.0/8", "192.168.1.7", "fd00::/8", "::1", "smo", "smo.example.net", "*.example.net"]
        {
            assert_eq!(allowed(entry), Ok(false), "{entry}");
        }
        for entry in ["0.0.0.0/0", "::/0"] {
            assert_eq!(allowed(entry), Ok(true), "{entry}");
        }
        for entry in ["", "*", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "1.2.3", "a b", "https://smo"] {
            assert!(allowed(entry).is_err(), "{entry}");
        }
    }

    #[test]
    fn addresses_collide_by_port_and_host() {
        let collides = |a: &str, b: &str| collide(a.parse().unwrap(), b.parse().unwrap());
        assert!(collides("0.0.0.0:1", "0.0.0.0:1"));
        assert!(collides("0.0.0.0:1", "127.0.0.1:1"));
        assert!(!collides("127.0.0.1:1", "127.0.0.2:1"));
        assert!(!collides("0.0.0.0:0", "0.0.0.0:0"));
        assert!(!collides("0.0.0.0:1", "[::1]:1"));
    }
}
