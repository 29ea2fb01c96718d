//! Rules of trust domains, signing secrets and the keys that seal them, and their files.

use super::Findings;
use super::files::{authorities, certificate_and_key};
use crate::audit::keys::Secret as Key;
use crate::conf::tree::{CallbackDomain, CallbackOAuth2, Conf, Environment, Subscriptions};
use crate::webhook::signers;
use netweave_adapters::StoreConf;
use netweave_http::{Destinations, Guard, System};
use netweave_model::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Checks what the sections say.
pub(super) fn rules(conf: &Conf, findings: &mut Findings) {
    let callback = &conf.subscriptions.callback;
    if callback.only_allowed && callback.allow.is_empty() {
        findings.fault("subscriptions.callback.onlyAllowed", "leaves no destination: `allow` names none");
    }
    let settings = callback.settings(Duration::ZERO, Duration::ZERO);
    let guard = Guard::new(&settings, Arc::new(System)).ok();
    for (index, domain) in callback.domains.iter().enumerate() {
        let path = format!("subscriptions.callback.domains[{index}]");
        if callback.domains.iter().take(index).any(|earlier| earlier.name == domain.name) {
            findings.fault(format!("{path}.name"), "is the name of an earlier domain too");
        }
        one(&path, domain, findings);
        if let Some(oauth2) = &domain.oauth2 {
            credentials(&format!("{path}.oauth2"), oauth2, guard.as_ref(), findings);
        }
    }
    let kept = !matches!(conf.state, StoreConf::Memory(_));
    if kept && conf.environment != Environment::Dev && conf.subscriptions.secret_key_files.is_empty() {
        let message = "is empty, so signing secrets lie in the store as they are";
        findings.warn("subscriptions.secretKeyFiles", message);
    }
}

fn one(path: &str, domain: &CallbackDomain, findings: &mut Findings) {
    if domain.name.is_empty() {
        findings.fault(format!("{path}.name"), "must not be empty");
    }
    if domain.hosts.is_empty() {
        findings.fault(format!("{path}.hosts"), "must name at least one host");
    }
    for (index, host) in domain.hosts.iter().enumerate() {
        if Destinations::parse(std::slice::from_ref(host)).is_err() {
            let forms =
                "must be a host name, `*.` and a domain, an address, or a network such as `10.0.0.0/8`";
            findings.fault(format!("{path}.hosts[{index}]"), forms);
        }
    }
    match (&domain.certificate, &domain.key) {
        (Some(_), None) => findings.fault(format!("{path}.certificate"), "needs `key`"),
        (None, Some(_)) => findings.fault(format!("{path}.key"), "needs `certificate`"),
        (Some(_), Some(_)) | (None, None) => {}
    }
}

fn credentials(path: &str, oauth2: &CallbackOAuth2, guard: Option<&Guard>, findings: &mut Findings) {
    if let Some(Err(error)) = guard.map(|guard| guard.parse(&oauth2.token_url)) {
        let reason = error
            .params()
            .first()
            .map_or_else(|| error.public().to_owned(), |param| param.reason.to_string());
        findings.fault(format!("{path}.tokenUrl"), reason.replace("callback", "token endpoint"));
    }
    if oauth2.client_id.is_empty() {
        findings.fault(format!("{path}.clientId"), "must not be empty");
    }
    match (&oauth2.client_secret_file, &oauth2.client_secret_env) {
        (Some(_), Some(_)) => {
            findings.fault(format!("{path}.clientSecretEnv"), "and `clientSecretFile` exclude each other");
        }
        (None, None) => {
            findings.fault(format!("{path}.clientSecretFile"), "or `clientSecretEnv` must be given");
        }
        (Some(_), None) | (None, Some(_)) => {}
    }
}

/// Reads the files.
pub(super) fn files(conf: &Subscriptions, now: Timestamp, findings: &mut Findings) {
    for (index, file) in conf.secret_key_files.iter().enumerate() {
        if let Err(error) = Key::read(file) {
            findings.fault(format!("subscriptions.secretKeyFiles[{index}]"), error.public());
        }
    }
    for (index, domain) in conf.callback.domains.iter().enumerate() {
        let path = format!("subscriptions.callback.domains[{index}]");
        if let Some(ca) = &domain.ca {
            authorities(&format!("{path}.ca"), ca, now, findings);
        }
        if let (Some(certificate), Some(key)) = (&domain.certificate, &domain.key) {
            certificate_and_key(&path, (certificate, key), now, findings);
        }
        for (index, file) in domain.signing_secret_files.iter().enumerate() {
            if let Err(error) = signers::read(file) {
                findings.fault(format!("{path}.signingSecretFiles[{index}]"), error.public());
            }
        }
        let Some(oauth2) = &domain.oauth2 else { continue };
        if let Some(ca) = &oauth2.ca {
            authorities(&format!("{path}.oauth2.ca"), ca, now, findings);
        }
        let key = if oauth2.client_secret_file.is_some() { "clientSecretFile" } else { "clientSecretEnv" };
        if let Err(error) = oauth2.secret().read() {
            let reason = error
                .params()
                .first()
                .map_or_else(|| error.public().to_owned(), |param| param.reason.to_string());
            findings.fault(format!("{path}.oauth2.{key}"), reason);
        }
    }
}
