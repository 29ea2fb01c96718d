//! Rules about bearer tokens and their issuers.

use super::Findings;
use super::files::authorities;
use crate::conf::tree::{AccessMode, Conf, Environment, Issuer, Tokens};
use crate::token;
use netweave_model::Timestamp;
use std::collections::BTreeSet;
use url::Url;

/// Checks what the sections say.
pub(super) fn rules(conf: &Conf, findings: &mut Findings) {
    let (mode, tokens) = (conf.access.mode, &conf.access.tokens);
    if mode == AccessMode::Token && conf.environment != Environment::Dev {
        findings.fault("access.mode", "`token` is for `dev` only: a stolen token would be enough to come in");
    }
    let asked = mode != AccessMode::Certificate;
    if asked && tokens.issuers.is_empty() {
        findings.fault("access.tokens.issuers", "must name an issuer, since `access.mode` asks for tokens");
    }
    if !asked && !tokens.issuers.is_empty() {
        findings.warn("access.tokens.issuers", "has no effect: `access.mode` is `mtls`");
    }
    for (index, issuer) in tokens.issuers.iter().enumerate() {
        one(conf, &format!("access.tokens.issuers[{index}]"), issuer, findings);
        let earlier = || tokens.issuers.iter().take(index);
        if earlier().any(|earlier| earlier.name == issuer.name) {
            findings.fault(format!("access.tokens.issuers[{index}].name"), "is taken by an issuer before");
        }
        if earlier().any(|earlier| earlier.issuer == issuer.issuer) {
            findings.fault(format!("access.tokens.issuers[{index}].issuer"), "is that of an issuer before");
        }
    }
    for (index, rule) in conf.access.rules.iter().enumerate() {
        let Some(wanted) = &rule.token else { continue };
        let path = format!("access.rules[{index}].token");
        if !asked {
            findings.fault(path, "never fits: `access.mode` is `mtls`");
        } else if let Some(name) = &wanted.issuer
            && !tokens.issuers.iter().any(|issuer| issuer.name == *name)
        {
            findings.fault(format!("{path}.issuer"), format!("there is no issuer `{name}`"));
        }
    }
}

fn one(conf: &Conf, path: &str, issuer: &Issuer, findings: &mut Findings) {
    for (key, empty) in [
        ("name", issuer.name.is_empty()),
        ("issuer", issuer.issuer.is_empty()),
        ("audience", issuer.audience.is_empty() || issuer.audience.iter().any(String::is_empty)),
        ("scopeClaims", issuer.scope_claims.iter().any(String::is_empty)),
    ] {
        if empty {
            findings.fault(format!("{path}.{key}"), "must not be empty");
        }
    }
    let algorithms: BTreeSet<_> = issuer.algorithms.iter().collect();
    if algorithms.len() < issuer.algorithms.len() {
        findings.fault(format!("{path}.algorithms"), "names an algorithm twice");
    }
    match (&issuer.jwks_url, &issuer.jwks_file) {
        (Some(url), None) => address(conf, &format!("{path}.jwksUrl"), url, findings),
        (None, Some(_)) if issuer.ca.is_some() => {
            findings.warn(format!("{path}.ca"), "has no effect: the keys come from a file");
        }
        (None, Some(_)) => {}
        (Some(_), Some(_)) => findings.fault(path, "has both `jwksUrl` and `jwksFile`; name one"),
        (None, None) => findings.fault(path, "lacks `jwksUrl` or `jwksFile`, where its keys are"),
    }
    if issuer.grace.0 < issuer.refresh.0 {
        findings.fault(
            format!("{path}.grace"),
            "must be `refresh` at least, or keys end before they are fetched",
        );
    }
}

fn address(conf: &Conf, key: &str, text: &str, findings: &mut Findings) {
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
    };
    match Url::parse(text) {
        Ok(url) if plain(&url) => {
            if url.scheme() == "http" && conf.environment != Environment::Dev {
                findings.fault(key, "must be `https` outside `dev`");
            }
        }
        Ok(_) | Err(_) => {
            findings.fault(key, "must be `https://HOST[:PORT]/PATH`, without user and fragment");
        }
    }
}

/// Reads authorities and keys.
pub(super) fn files(conf: &Conf, now: Timestamp, findings: &mut Findings) {
    let Tokens { issuers, .. } = &conf.access.tokens;
    for (index, issuer) in issuers.iter().enumerate() {
        let path = format!("access.tokens.issuers[{index}]");
        if let Some(ca) = &issuer.ca {
            authorities(&format!("{path}.ca"), ca, now, findings);
        }
        if let Some(Err(error)) = issuer.jwks_file.as_deref().map(token::read_keys) {
            findings.fault(format!("{path}.jwksFile"), error.public());
        }
    }
}
