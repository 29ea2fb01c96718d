//! Which files of certificates and revocation lists a configuration names.

use super::tree::{Conf, SinkKind};
use netweave_adapters::{RedisConf, StoreConf};
use std::path::{Path, PathBuf};

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A certificate that is shown to others, leaf first.
    Own,
    /// Authorities that are believed.
    Authorities,
    /// What authorities have revoked.
    Revocations,
}

/// A file that a key names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFile {
    /// The key, `api.tls.certificate`.
    pub key: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it is for.
    pub holds: Holds,
}

/// Lists the files in the order of the sections; those of a section that is not in use are left out.
pub fn certificate_files(conf: &Conf) -> Vec<CertificateFile> {
    let mut all = Files(Vec::new());
    let tls = &conf.api.tls;
    all.add("api.tls.certificate", Some(&tls.certificate), Holds::Own);
    all.add("api.tls.clientCa", Some(&tls.client_ca), Holds::Authorities);
    all.add("api.tls.crl", tls.crl.as_deref(), Holds::Revocations);
    for (index, issuer) in conf.access.tokens.issuers.iter().enumerate() {
        all.add(format!("access.tokens.issuers[{index}].ca"), issuer.ca.as_deref(), Holds::Authorities);
    }
    if let StoreConf::Redis(redis) = &conf.state {
        all.redis("state", redis);
    }
    if let Some(redis) = &conf.cache.redis {
        all.redis("cache.redis", redis);
    }
    all.callbacks(conf);
    all.audit(conf);
    if conf.tracing.url.is_some() {
        all.add("tracing.ca", conf.tracing.ca.as_deref(), Holds::Authorities);
    }
    for (index, backend) in conf.backends.iter().enumerate() {
        for (key, path, _) in backend.files().into_iter().filter(|(key, ..)| *key == "ca") {
            all.add(format!("backends[{index}].{key}"), Some(path), Holds::Authorities);
        }
    }
    all.0
}

struct Files(Vec<CertificateFile>);

impl Files {
    fn add(&mut self, key: impl Into<String>, path: Option<&Path>, holds: Holds) {
        let file = path.map(|path| CertificateFile { key: key.into(), path: path.to_owned(), holds });
        self.0.extend(file);
    }

    fn redis(&mut self, section: &str, conf: &RedisConf) {
        let Some(tls) = &conf.tls else { return };
        self.add(format!("{section}.tls.ca"), tls.ca.as_deref(), Holds::Authorities);
        self.add(format!("{section}.tls.certificate"), tls.certificate.as_deref(), Holds::Own);
    }

    fn callbacks(&mut self, conf: &Conf) {
        let callback = &conf.subscriptions.callback;
        self.add("subscriptions.callback.ca", callback.ca.as_deref(), Holds::Authorities);
        for (index, domain) in callback.domains.iter().enumerate() {
            let path = format!("subscriptions.callback.domains[{index}]");
            self.add(format!("{path}.ca"), domain.ca.as_deref(), Holds::Authorities);
            self.add(format!("{path}.certificate"), domain.certificate.as_deref(), Holds::Own);
            let oauth2 = domain.oauth2.as_ref().and_then(|oauth2| oauth2.ca.as_deref());
            self.add(format!("{path}.oauth2.ca"), oauth2, Holds::Authorities);
        }
    }

    fn audit(&mut self, conf: &Conf) {
        if conf.audit.goes_to(SinkKind::Syslog) {
            let syslog = &conf.audit.syslog;
            self.add("audit.syslog.ca", Some(&syslog.ca), Holds::Authorities);
            self.add("audit.syslog.certificate", syslog.certificate.as_deref(), Holds::Own);
        }
        if conf.audit.goes_to(SinkKind::Otlp) {
            self.add("audit.otlp.ca", conf.audit.otlp.ca.as_deref(), Holds::Authorities);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::load::{Sources, load};

    fn keys(file: &str) -> Vec<String> {
        let conf = load(&Sources { file: Some(file), ..Sources::default() });
        certificate_files(conf.unchecked()).into_iter().map(|file| file.key).collect()
    }

    #[test]
    fn only_what_is_in_use_is_listed() {
        assert_eq!(keys(""), ["api.tls.certificate", "api.tls.clientCa"]);
        let file = "api: { tls: { crl: c } }
state: { kind: redis, url: 'rediss://h:1', tls: { ca: a, certificate: b, key: k } }
subscriptions: { callback: { domains: [{ name: d, hosts: [h], certificate: c, key: k }] } }
audit: { sinks: [syslog], syslog: { ca: a } }
tracing: { url: 'https://h/v1/traces', ca: a }
";
        let right = [
            "api.tls.certificate",
            "api.tls.clientCa",
            "api.tls.crl",
            "state.tls.ca",
            "state.tls.certificate",
            "subscriptions.callback.domains[0].certificate",
            "audit.syslog.ca",
            "tracing.ca",
        ];
        assert_eq!(keys(file), right);
    }
}
