//! Faults of files: certificates, keys, the inventory, configurations, the audit log.

use super::{Breaker, servers};
use crate::cli::Failure;
use crate::cli::lab::conf::{AUDIT, GATEWAY, INVENTORY, SECRET_KEY};
use crate::cli::lab::state::{Kind, failed, write};
use crate::cli::lab::{pki, redis};
use crate::clock::SystemIds;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use netweave_adapters::sample;
use netweave_model::port::Ids;
use time::Duration;

/// No inventory, no certificate.
const BROKEN: &str = "this is: [not what it was\n";
/// An address where nobody listens.
const NOBODY: &str = "127.0.0.1:9";

/// Makes a file of the lab one that cannot be read.
pub(super) fn breaks(lab: &mut Breaker<'_>, name: &str) -> Result<(), Failure> {
    lab.replace(&lab.path(name), BROKEN)
}

/// Makes the configuration of a gateway one that cannot be read.
pub(super) fn configuration(lab: &mut Breaker<'_>, gateway: &str) -> Result<(), Failure> {
    lab.replace(&lab.path(gateway).join(GATEWAY), BROKEN)
}

pub(super) fn reissue(lab: &mut Breaker<'_>, lasts: Duration) -> Result<(), Failure> {
    for name in ["tls.key", "tls.crt"] {
        lab.aside(&lab.path(name))?;
    }
    pki::leaf(lab.dir(), "tls", lab.now, lasts)
}

pub(super) fn relist(lab: &mut Breaker<'_>, lasts: Duration) -> Result<(), Failure> {
    lab.aside(&lab.path(pki::CRL))?;
    pki::list(lab.dir(), lab.now, lasts)
}

pub(super) fn secret_key_lost(lab: &mut Breaker<'_>) -> Result<(), Failure> {
    let names = lab.names(Kind::Gateway);
    for name in &names {
        lab.restart_at_the_end(name);
    }
    lab.replace(&lab.path(SECRET_KEY), &STANDARD.encode(SystemIds.secret()))?;
    names.iter().try_for_each(|name| lab.restart(name))
}

pub(super) fn audit_folders(lab: &mut Breaker<'_>) -> Result<(), Failure> {
    lab.names(Kind::Gateway).iter().try_for_each(|name| {
        let folder = lab.path(name).join(AUDIT);
        lab.aside(&folder)?;
        // A file in its place: no segment can be begun there, whoever asks.
        write(&folder, "")
    })
}

pub(super) fn without_redis(lab: &mut Breaker<'_>, name: &str) -> Result<(), Failure> {
    anew(lab, &[name.to_owned()], "  sentinels:", &format!("  sentinels: ['{NOBODY}']"))
}

pub(super) fn without_token_keys(lab: &mut Breaker<'_>, name: &str) -> Result<(), Failure> {
    let url = format!("https://{NOBODY}/keys");
    let issuer =
        format!("{{ name: idp, issuer: 'https://idp.lab.example', audience: [o2ims], jwksUrl: '{url}' }}");
    let others = "access: { others: [admin, deployer], mode: mtls+token, tokens: { issuers:";
    anew(lab, &[name.to_owned()], "access:", &format!("{others} [{issuer}] }} }}"))
}

pub(super) fn callback_tokens(lab: &mut Breaker<'_>) -> Result<(), Failure> {
    let secret = lab.path("callback.key").display().to_string();
    let oauth2 =
        format!("{{ tokenUrl: 'http://{NOBODY}/token', clientId: lab, clientSecretFile: '{secret}' }}");
    let domain = format!("      - {{ name: lab, hosts: [127.0.0.0/8], oauth2: {oauth2} }}");
    anew(lab, &lab.names(Kind::Gateway), "      - { name: lab, hosts:", &domain)
}

/// Makes the inventory so large that gateways lack memory; they keep some of it until they are started anew, as with more memory.
pub(super) fn grows_large(lab: &mut Breaker<'_>, count: usize, bytes: usize) -> Result<(), Failure> {
    for name in lab.names(Kind::Gateway) {
        lab.restart_at_the_end(&name);
    }
    lab.shrinks_at_the_end();
    grows(lab, count, bytes)
}

/// Adds servers to the inventory, each with a note of so many bytes; nobody else changes it meanwhile.
pub(super) fn grows(lab: &mut Breaker<'_>, count: usize, bytes: usize) -> Result<(), Failure> {
    for name in lab.names(Kind::Source) {
        lab.pause(&name)?;
    }
    let path = lab.path(INVENTORY);
    let text = std::fs::read_to_string(&path).map_err(|error| failed(&path, &error))?;
    lab.replace(&path, &sample::grown(&text, count, bytes))
}

/// Breaks the inventory, forgets what is known of it, and starts the gateways anew.
pub(super) fn never_read(lab: &mut Breaker<'_>) -> Result<(), Failure> {
    breaks(lab, INVENTORY)?;
    let names = lab.names(Kind::Gateway);
    redis::order(&servers::primary(lab)?, &["FLUSHALL"])?;
    names.iter().try_for_each(|name| lab.restart(name))
}

/// Starts gateways anew with another line, for that which begins so, in their configuration.
fn anew(lab: &mut Breaker<'_>, names: &[String], begin: &str, line: &str) -> Result<(), Failure> {
    for name in names {
        let path = lab.path(name).join(GATEWAY);
        let text = std::fs::read_to_string(&path).map_err(|error| failed(&path, &error))?;
        lab.restart_at_the_end(name);
        lab.replace(&path, &with_line(&text, begin, line))?;
        lab.restart(name)?;
    }
    Ok(())
}

/// Replaces the line that begins so.
fn with_line(text: &str, begin: &str, line: &str) -> String {
    let lines = text.lines().map(|old| if old.starts_with(begin) { line } else { old });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}
