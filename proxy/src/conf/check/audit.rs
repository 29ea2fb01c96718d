//! Rules of the audit log, and its keys.

use super::Findings;
use crate::audit::keys::{Secret, Signer};
use crate::audit::sink::syslog::Syslog;
use crate::conf::tree::{Audit, AuditMode, Conf, Environment, SinkKind};
use netweave_model::Result;
use std::collections::BTreeSet;
use std::path::Path;

/// Checks what the section says.
pub(super) fn rules(conf: &Conf, findings: &mut Findings) {
    let audit = &conf.audit;
    let kinds: BTreeSet<SinkKind> = audit.sinks.iter().copied().collect();
    if kinds.len() < audit.sinks.len() {
        findings.fault("audit.sinks", "names a sink twice");
    }
    let files = audit.goes_to(SinkKind::File);
    if audit.mode == AuditMode::Strict && !files {
        findings.fault("audit.mode", "`strict` needs a sink that keeps records safe: `file`");
    }
    if conf.environment == Environment::Dev {
        return;
    }
    if audit.goes_to(SinkKind::Otlp) && !audit.otlp.url.starts_with("https://") {
        findings.fault("audit.otlp.url", "must be `https` outside `dev`");
    }
    if audit.sinks.is_empty() {
        findings.warn("audit.sinks", "is empty, so nobody can be shown who did what");
    }
    if files && audit.signing_key_file.is_none() {
        findings.warn("audit.signingKeyFile", "is not given, so the end of the log can be cut off unseen");
    }
}

/// Reads the keys.
pub(super) fn files(audit: &Audit, findings: &mut Findings) {
    if audit.sinks.is_empty() {
        return;
    }
    let secret = |path: &Path| Secret::read(path).map(drop);
    let signer = |path: &Path| Signer::read(path).map(drop);
    let sealing = audit.file.key_file.as_deref().filter(|_| audit.goes_to(SinkKind::File));
    let mut check = |key: &str, path: Option<&Path>, read: &dyn Fn(&Path) -> Result<()>| {
        if let Some(Err(error)) = path.map(read) {
            findings.fault(key, error.public());
        }
    };
    check("audit.signingKeyFile", audit.signing_key_file.as_deref(), &signer);
    check("audit.redactionKeyFile", audit.redaction_key_file.as_deref(), &secret);
    check("audit.file.keyFile", sealing, &secret);
    if audit.goes_to(SinkKind::Syslog)
        && let Err(error) = Syslog::open(&audit.syslog)
    {
        findings.fault("audit.syslog", error.public());
    }
}
