//! The configuration section of a Redis: for the state, and for the second level of the response cache.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A Redis that any number of processes share: one server (`url`), or a primary that Sentinels name (`sentinels`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Conf {
    /// One server: `redis://HOST:PORT`, without a password.
    #[schemars(example = &"redis://127.0.0.1:6379")]
    pub url: Option<String>,
    /// The Sentinels that name the primary, `HOST:PORT` each; instead of `url`.
    #[schemars(length(max = 16), example = ["sentinel-0:26379", "sentinel-1:26379", "sentinel-2:26379"])]
    pub sentinels: Vec<String>,
    /// Under which name the Sentinels watch the primary.
    #[schemars(length(min = 1, max = 255))]
    pub service: String,
    /// The region of this gateway, where several share one `state` by replication; only one of them sends notifications.
    #[schemars(length(min = 1, max = 63), example = &"east")]
    pub region: Option<String>,
    /// The ACL user; `default` without one.
    #[schemars(example = &"netweave")]
    pub username: Option<String>,
    /// The file that holds the password of the user at the servers.
    #[schemars(example = &"redis.password")]
    pub password_file: Option<PathBuf>,
    /// The environment variable of the user's password; instead of `passwordFile`.
    #[schemars(example = &"REDIS_PASSWORD")]
    pub password_env: Option<String>,
    /// The ACL user at the Sentinels.
    #[schemars(example = &"netweave")]
    pub sentinel_username: Option<String>,
    /// The file that holds the password of the user at the Sentinels.
    #[schemars(example = &"sentinel.password")]
    pub sentinel_password_file: Option<PathBuf>,
    /// The environment variable of the Sentinels' password; instead of `sentinelPasswordFile`.
    #[schemars(example = &"SENTINEL_PASSWORD")]
    pub sentinel_password_env: Option<String>,
    /// Encryption to servers and Sentinels, with `ca`, `certificate` and `key` (PEM files); without it all is in the clear.
    #[schemars(example = Tls::example())]
    pub tls: Option<Tls>,
}

/// Encryption, and who the other end must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Tls {
    /// The authorities of the servers' certificates, as a PEM file; without it those of the platform.
    #[schemars(example = &"redis-ca.crt")]
    pub ca: Option<PathBuf>,
    /// The client's own certificate, leaf first.
    #[schemars(example = &"redis-client.crt")]
    pub certificate: Option<PathBuf>,
    /// Its private key.
    #[schemars(example = &"redis-client.key")]
    pub key: Option<PathBuf>,
}

impl Default for Conf {
    fn default() -> Self {
        Self {
            url: None,
            sentinels: Vec::new(),
            service: "mymaster".to_owned(),
            region: None,
            username: None,
            password_file: None,
            password_env: None,
            sentinel_username: None,
            sentinel_password_file: None,
            sentinel_password_env: None,
            tls: None,
        }
    }
}

impl Conf {
    /// A section that names one server and nothing else.
    pub fn of_url(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::default() }
    }

    /// Returns the one server that the section names, if it does.
    pub(crate) fn one_server(&self) -> Option<(String, u16)> {
        server(self.url.as_deref()?.strip_prefix("redis://")?)
    }

    /// Returns what is wrong with the section, beyond its form: the key, and what to change.
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let mut faults = Vec::new();
        match (&self.url, self.sentinels.is_empty()) {
            (None, true) => faults.push(("url", "is missing: name one server with `url`, or `sentinels`")),
            (Some(_), false) => faults.push(("url", "and `sentinels` exclude each other")),
            (Some(_), true) if self.one_server().is_none() => {
                faults.push(("url", "must be `redis://HOST:PORT`, without a password"));
            }
            _ => {}
        }
        if self.sentinels.iter().any(|sentinel| server(sentinel).is_none()) {
            faults.push(("sentinels", "must be `HOST:PORT` each"));
        }
        let odd = |region: &String| {
            !(1..=63).contains(&region.len())
                || region.contains(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        };
        if self.region.as_ref().is_some_and(odd) {
            faults.push(("region", "must be 1 to 63 letters, digits and hyphens"));
        }
        if self.password_file.is_some() && self.password_env.is_some() {
            faults.push(("passwordEnv", "and `passwordFile` exclude each other"));
        }
        if self.sentinel_password_file.is_some() && self.sentinel_password_env.is_some() {
            faults.push(("sentinelPasswordEnv", "and `sentinelPasswordFile` exclude each other"));
        }
        if let Some(tls) = &self.tls
            && tls.certificate.is_some() != tls.key.is_some()
        {
            faults.push(("tls", "needs `certificate` and `key` together, or neither"));
        }
        faults
    }

    /// Returns whether the connections are encrypted and authenticated.
    pub fn is_guarded(&self) -> bool {
        let password = self.password_file.is_some() || self.password_env.is_some();
        self.tls.as_ref().is_some_and(|tls| password || tls.certificate.is_some())
    }
}

impl Tls {
    fn example() -> serde_json::Value {
        serde_json::json!({ "ca": "redis-ca.crt" })
    }
}

/// Reads `HOST:PORT`; an IPv6 address stands in brackets.
pub(crate) fn server(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let odd = |c: char| c.is_whitespace() || c.is_control() || "@/?#[]".contains(c);
    if host.is_empty() || host.contains(odd) {
        return None;
    }
    Some((host.to_owned(), port.parse().ok().filter(|port| *port > 0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(conf: &Conf) -> Vec<&'static str> {
        conf.faults().into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn a_section_names_a_server_or_sentinels() {
        assert_eq!(keys(&Conf::of_url("redis://h:1")), [""; 0]);
        for url in ["h:1", "redis://h", "redis://:p@h:1", "redis://h:0", "redis://h:1/2", "rediss://h:1"] {
            assert_eq!(keys(&Conf::of_url(url)), ["url"], "{url}");
        }
        let sentinels = Conf { sentinels: vec!["a:1".into(), "[::1]:2".into()], ..Conf::default() };
        assert_eq!(keys(&sentinels), [""; 0]);
        assert_eq!(keys(&Conf::default()), ["url"]);
        assert_eq!(keys(&Conf { sentinels: vec!["a".into()], ..sentinels.clone() }), ["sentinels"]);
        assert_eq!(keys(&Conf { sentinels: vec!["a:1".into()], ..Conf::of_url("redis://h:1") }), ["url"]);
    }

    #[test]
    fn a_guarded_one_is_encrypted_and_says_who_it_is() {
        let conf = Conf { tls: Some(Tls::default()), ..Conf::of_url("redis://h:1") };
        assert!(!conf.is_guarded());
        assert!(Conf { password_env: Some("P".into()), ..conf.clone() }.is_guarded());
        let half = Tls { certificate: Some("c".into()), ..Tls::default() };
        assert_eq!(keys(&Conf { tls: Some(half), ..conf }), ["tls"]);
    }
}
