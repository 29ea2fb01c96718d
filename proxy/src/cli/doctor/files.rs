//! The configuration, and the files and folders that it names, as they lie on this machine.

use crate::cli::certs::facts;
use crate::cli::source::{self, Asked, Ports};
use crate::cli::verdict::Check;
use crate::cli::{Failure, Process};
use crate::conf::certificates::{Holds, certificate_files};
use crate::conf::check;
use crate::conf::tree::{Conf, SinkKind};
use netweave_model::Timestamp;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Free parts of a disk that are few, and too few.
const FREE: [f64; 2] = [0.10, 0.02];

/// Judges the configuration by itself; returns it if it has no fault.
///
/// # Errors
/// The file cannot be read.
pub(super) fn configuration(asked: &Asked, process: &Process) -> Result<(Vec<Check>, Option<Conf>), Failure> {
    let mut check = Check::new("configuration");
    let text = asked.file().map(source::read).transpose()?;
    let loaded = source::loaded(process, text.as_deref(), None, Ports::default());
    for fault in &loaded.faults {
        check.failed(fault.to_string(), "`netweave config explain KEY` says what is right", None);
    }
    for warning in &loaded.warnings {
        check.warn(warning.to_string(), "`netweave config explain KEY` says what is right", None);
    }
    let from = asked.file().map_or_else(|| "defaults".to_owned(), |file| file.display().to_string());
    check.seen(format!("{from}, environment {:?}", loaded.unchecked().environment).to_lowercase());
    Ok((vec![check], loaded.checked().ok()))
}

/// Judges certificates, other files, and the folder of the audit log; inventories only before the first start, as a gateway
/// that runs says itself how it fares with its sources.
pub(super) fn of(conf: &Conf, pre: bool, now: Timestamp) -> Vec<Check> {
    let ([certificates, lists], told) = certificates(conf, now);
    let mut files = Check::new("files");
    files.seen("keys, inventories and folders can be used");
    let mut found = check::files(conf, now);
    if pre {
        found.extend(check::inventories(conf));
    } else {
        found.retain(|one| one.fatal || !one.path.starts_with("backends["));
    }
    // What the check of certificates has told is not told twice.
    for one in found.into_iter().filter(|one| !told.contains(&one.path)) {
        let what = format!("{}: {}", one.path, one.message);
        let change = "`netweave check-config FILE` tells its line";
        if one.fatal { files.failed(what, change, None) } else { files.warn(what, change, None) }
    }
    let mut checks = vec![certificates, lists, files];
    checks.extend(folder(conf));
    checks
}

/// Judges how long certificates and revocation lists last; returns also the keys of those with a finding.
fn certificates(conf: &Conf, now: Timestamp) -> ([Check; 2], Vec<String>) {
    let mut checks = [Check::new("certificates"), Check::new("revocation-lists")];
    let [certificates, lists] = &mut checks;
    lists.seen("none is configured");
    let mut told = Vec::new();
    let mut first: Option<(Timestamp, String)> = None;
    for file in certificate_files(conf) {
        let looked = facts::look(&file, now);
        let ends = looked.certificates.iter().map(|one| one.ends).min();
        let earlier = |ends: &Timestamp| first.as_ref().is_none_or(|(first, _)| ends < first);
        if let Some(ends) = ends.filter(earlier) {
            first = Some((ends, looked.key.clone()));
        }
        if !looked.findings.is_empty() {
            told.push(looked.key.clone());
        }
        let next = looked.lists.iter().filter_map(|list| list.replaced_by).min();
        if let Some(next) = next {
            lists.seen(format!("the first is to be replaced at {next}"));
        }
        let check = if file.holds == Holds::Revocations { &mut *lists } else { &mut *certificates };
        for mut finding in looked.findings {
            finding.what = format!("{}: {}", looked.key, finding.what);
            check.add(finding);
        }
    }
    certificates
        .seen(first.map_or_else(String::new, |(ends, key)| format!("the first ends at {ends}: {key}")));
    (checks, told)
}

/// Judges the folder of the audit log, if there is one.
fn folder(conf: &Conf) -> Option<Check> {
    const NAME: &str = "audit-folder";
    if !conf.audit.goes_to(SinkKind::File) {
        return None;
    }
    let directory = &conf.audit.file.directory;
    let mut check = Check::new(NAME);
    let shown = directory.display();
    let metadata = match directory.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Some(Check::not_judged(NAME, format!("{shown} is made at the start")));
        }
        Err(error) => {
            check.failed(format!("{shown}: {error}"), "let the gateway's user own it", Some(SINK));
            return Some(check);
        }
    };
    if metadata.permissions().mode() & 0o077 != 0 {
        check.warn(format!("{shown} is open to others"), "`chmod 700` it", None);
    }
    match free(directory) {
        Ok((part, bytes)) => space(&mut check, directory, part, bytes),
        Err(error) => {
            check.warn(format!("{shown}: its disk does not say what is free: {error}"), "look at it", None);
        }
    }
    Some(check)
}

const SINK: &str = "NetweaveAuditSinkDown";

fn space(check: &mut Check, directory: &Path, part: f64, bytes: u64) {
    let (shown, mib, percent) = (directory.display(), bytes >> 20, part * 100.0);
    check.seen(format!("{shown}, {mib} MiB free, {percent:.0} %"));
    let what = format!("the disk of {shown} has {mib} MiB free, {percent:.1} %");
    let change = "give it space, or shorten `audit.retention`";
    let [few, too_few] = FREE;
    if part < too_few {
        check.failed(what, change, Some(SINK));
    } else if part < few {
        check.warn(what, change, Some(SINK));
    }
}

/// Returns which part of a folder's disk is free for this user, and how many bytes that is.
pub(in crate::cli) fn free(directory: &Path) -> std::io::Result<(f64, u64)> {
    let disk = rustix::fs::statvfs(directory)?;
    #[expect(clippy::cast_precision_loss, reason = "a part of a disk need not be exact")]
    let part = disk.f_bavail as f64 / disk.f_blocks.max(1) as f64;
    Ok((part, disk.f_bavail.saturating_mul(disk.f_frsize)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::verdict::State;
    use crate::conf::load::{Sources, load};

    #[test]
    fn a_file_that_is_missing_is_told_once() {
        let conf = load(&Sources { file: Some("state: { kind: memory }"), ..Sources::default() });
        let mut conf = conf.checked().unwrap();
        conf.api.tls.certificate = "/none/tls.crt".into();
        conf.api.tls.key = "/none/tls.key".into();
        conf.api.tls.client_ca = "/none/ca.crt".into();
        let checks = of(&conf, true, Timestamp(0));
        let told: Vec<&str> = checks
            .iter()
            .flat_map(|check| &check.findings)
            .map(|one| one.what.split(": ").next().unwrap())
            .collect();
        assert_eq!(told, ["api.tls.certificate", "api.tls.clientCa", "api.tls.key"]);
    }

    #[test]
    fn a_folder_that_is_open_or_whose_disk_is_full_is_told() {
        let folder_of = tempfile::tempdir().unwrap();
        let mut conf = Conf::default();
        assert!(folder(&conf).is_none());
        conf.audit.sinks = vec![SinkKind::File];
        conf.audit.file.directory = folder_of.path().join("none");
        assert_eq!(folder(&conf).unwrap().state, State::NotJudged);
        conf.audit.file.directory = folder_of.path().to_owned();
        std::fs::set_permissions(folder_of.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(folder(&conf).unwrap().findings[0].what.ends_with("is open to others"));
        let state = |part| {
            let mut check = Check::new("audit-folder");
            space(&mut check, Path::new("audit"), part, 1 << 30);
            check.state
        };
        assert_eq!([state(0.5), state(0.09), state(0.01)], [State::Ok, State::Warning, State::Failed]);
    }
}
