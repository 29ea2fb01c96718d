//! `netweave gen-certs`: a certificate authority with server and client certificates, for development and tests.
//!
//! Root, intermediate and leaves, keys readable by their owner alone. Nothing is overwritten unless that is asked for.

use clap::Args;
use netweave_model::{Error, Result, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use x509_parser::pem::Pem;

/// The name under which the gateway is reached inside a cluster.
const SERVICE_NAME: &str = "netweave-gateway.o2ims-system.svc.cluster.local";
/// Certificates begin a little earlier, for clocks that differ.
const SKEW: Duration = Duration::from_mins(5);
/// Development certificates that end within this time are made anew.
const RENEW_BEFORE: Duration = Duration::from_hours(24);
/// How long development certificates last.
const DEV_DAYS: u32 = 90;

/// The arguments of `netweave gen-certs`.
#[derive(Args, Clone, Debug)]
pub struct GenCerts {
    /// Directory to write to; made if it does not exist.
    #[arg(long, default_value = "certs")]
    pub dir: PathBuf,
    /// DNS name or IP address of the server; may be repeated.
    #[arg(long = "san", value_name = "NAME")]
    pub sans: Vec<String>,
    /// Name of a client (common name, and URI or DNS name if it is one); may be repeated.
    #[arg(long = "client", value_name = "NAME", default_value = "smo")]
    pub clients: Vec<String>,
    /// Days for which the certificates are valid.
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// Overwrite files that exist.
    #[arg(long)]
    pub force: bool,
}

/// The files of a development authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevCerts {
    /// The root and the intermediate: what clients and server believe.
    pub ca: PathBuf,
    /// The server's certificate with its intermediate.
    pub server: PathBuf,
    /// Its key.
    pub server_key: PathBuf,
    /// The first client's certificate with its intermediate.
    pub client: PathBuf,
    /// Its key.
    pub client_key: PathBuf,
    /// Whether they were made just now.
    pub fresh: bool,
}

impl GenCerts {
    /// Makes all certificates, and returns the files that were written.
    ///
    /// # Errors
    /// `Invalid`: a name cannot stand in a certificate, a file exists, or cannot be written.
    pub fn run(&self, now: Timestamp) -> Result<Vec<PathBuf>> {
        let files = self.files(now)?;
        let paths: Vec<_> = files.iter().map(|(name, ..)| self.dir.join(name)).collect();
        if !self.force
            && let Some(path) = paths.iter().find(|path| path.exists())
        {
            return Err(Error::invalid(
                "--force",
                format!("{} exists and is not overwritten", path.display()),
            ));
        }
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir);
        made.map_err(|error| refused(&self.dir, error))?;
        for (path, (_, text, secret)) in paths.iter().zip(&files) {
            write(path, text, *secret)?;
        }
        Ok(paths)
    }

    /// Makes the files' names and texts, and says which are secret.
    fn files(&self, now: Timestamp) -> Result<Vec<(String, String, bool)>> {
        let term = Term::new(now, self.days)?;
        let root =
            CertifiedIssuer::self_signed(authority("netweave root", &term, 1), key()?).map_err(faulty)?;
        let intermediate = authority("netweave intermediate", &term, 0);
        let intermediate = CertifiedIssuer::signed_by(intermediate, key()?, &root).map_err(faulty)?;
        let mut files = vec![
            ("ca.crt".to_owned(), root.pem() + &intermediate.pem(), false),
            ("root.crt".to_owned(), root.pem(), false),
            ("root.key".to_owned(), root.key().serialize_pem(), true),
        ];
        let mut leaf = |name: &str, params: CertificateParams| -> Result<()> {
            let key = key()?;
            let certificate = params.signed_by(&key, &intermediate).map_err(faulty)?;
            files.push((format!("{name}.crt"), certificate.pem() + &intermediate.pem(), false));
            files.push((format!("{name}.key"), key.serialize_pem(), true));
            Ok(())
        };
        leaf("tls", server(&self.sans, &term)?)?;
        for client in &self.clients {
            leaf(&file_name(client), self::client(client, &term)?)?;
        }
        Ok(files)
    }
}

/// Returns the development authority in a directory: the one that is there, or a new one if there is none or it ends
/// within a day.
///
/// # Errors
/// As [`GenCerts::run`].
pub fn dev_ca(dir: &Path, now: Timestamp) -> Result<DevCerts> {
    let certs = |fresh| DevCerts {
        ca: dir.join("ca.crt"),
        server: dir.join("tls.crt"),
        server_key: dir.join("tls.key"),
        client: dir.join("smo.crt"),
        client_key: dir.join("smo.key"),
        fresh,
    };
    let present = certs(false);
    let keys = [&present.server_key, &present.client_key].iter().all(|path| path.is_file());
    let good = |path: &PathBuf| ends_at(path).is_some_and(|end| end > now.plus(RENEW_BEFORE));
    if keys && [&present.ca, &present.server, &present.client].into_iter().all(good) {
        return Ok(present);
    }
    let sans = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let make =
        GenCerts { dir: dir.to_owned(), sans, clients: vec!["smo".to_owned()], days: DEV_DAYS, force: true };
    make.run(now)?;
    Ok(certs(true))
}

/// Returns when the first certificate of a PEM file ends; `None` if there is none that can be read.
fn ends_at(path: &Path) -> Option<Timestamp> {
    let text = fs::read(path).ok()?;
    let pem = Pem::iter_from_buffer(&text).next()?.ok()?;
    let end = pem.parse_x509().ok()?.validity().not_after.timestamp();
    Some(Timestamp(end.saturating_mul(1000)))
}

/// From when until when certificates are valid.
struct Term {
    from: time::OffsetDateTime,
    until: time::OffsetDateTime,
}

impl Term {
    fn new(now: Timestamp, days: u32) -> Result<Self> {
        let at = |time: Timestamp| {
            let seconds = time.0 / 1000;
            time::OffsetDateTime::from_unix_timestamp(seconds)
                .map_err(|error| Error::internal("a time is out of range").with_source(error))
        };
        Ok(Self { from: at(now.minus(SKEW))?, until: at(now.plus(Duration::from_hours(24) * days))? })
    }

    fn apply(&self, common_name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.not_before = self.from;
        params.not_after = self.until;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "netweave");
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.use_authority_key_identifier_extension = true;
        params
    }
}

fn authority(name: &str, term: &Term, below: u8) -> CertificateParams {
    let mut params = term.apply(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn server(sans: &[String], term: &Term) -> Result<CertificateParams> {
    let mut params = term.apply("netweave-gateway");
    let mut names = vec![dns(SERVICE_NAME)?];
    for san in sans {
        names.push(match san.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => dns(san)?,
        });
    }
    params.subject_alt_names = names;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// A client is named by its common name alone, unless the name is a URI.
fn client(name: &str, term: &Term) -> Result<CertificateParams> {
    let mut params = term.apply(name.rsplit('/').next().unwrap_or(name));
    if name.contains("://") {
        params.subject_alt_names = vec![SanType::URI(name.try_into().map_err(faulty)?)];
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

fn dns(name: &str) -> Result<SanType> {
    Ok(SanType::DnsName(name.try_into().map_err(faulty)?))
}

fn key() -> Result<KeyPair> {
    KeyPair::generate().map_err(faulty)
}

/// The last part of a name, in characters that every file system takes.
fn file_name(client: &str) -> String {
    let last = client.rsplit('/').next().unwrap_or(client);
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' }
    };
    last.chars().map(safe).collect()
}

/// Writes a file at one go: a half-written key is never found under its name.
fn write(path: &Path, text: &str, secret: bool) -> Result<()> {
    let half = path.with_extension("new");
    let written = || {
        let mode = if secret { 0o600 } else { 0o644 };
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&half)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&half, path)
    };
    written().map_err(|error| refused(path, error))
}

fn refused(path: &Path, error: std::io::Error) -> Error {
    Error::invalid("--dir", format!("{} cannot be written", path.display())).with_source(error)
}

fn faulty(error: rcgen::Error) -> Error {
    Error::invalid("--san", "a certificate cannot be made with these names").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn make(dir: &Path, force: bool) -> Result<Vec<PathBuf>> {
        let clients = vec!["smo".to_owned(), "spiffe://o2/dms".to_owned()];
        GenCerts { dir: dir.to_owned(), sans: vec!["10.0.0.1".to_owned()], clients, days: 30, force }.run(NOW)
    }

    #[test]
    fn files_are_made_once_and_keys_are_secret() {
        let dir = tempfile::tempdir().unwrap();
        let files = make(dir.path(), false).unwrap();
        for path in &files {
            let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
            let secret = path.extension().is_some_and(|extension| extension == "key");
            assert_eq!(mode, if secret { 0o600 } else { 0o644 }, "{}", path.display());
        }
        assert!(dir.path().join("dms.crt").is_file());
        assert!(make(dir.path(), false).unwrap_err().to_string().contains("exists"));
        assert_eq!(make(dir.path(), true).unwrap(), files);
    }

    #[test]
    fn the_server_certificate_names_the_service() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), false).unwrap();
        let text = fs::read(dir.path().join("tls.crt")).unwrap();
        let pem = Pem::iter_from_buffer(&text).next().unwrap().unwrap();
        let certificate = pem.parse_x509().unwrap();
        let names = format!("{:?}", certificate.subject_alternative_name().unwrap().unwrap().value);
        assert!(names.contains(SERVICE_NAME) && names.contains("10, 0, 0, 1"), "{names}");
    }

    #[test]
    fn a_development_authority_is_reused_until_its_last_day() {
        let dir = tempfile::tempdir().unwrap();
        assert!(dev_ca(dir.path(), NOW).unwrap().fresh);
        assert!(!dev_ca(dir.path(), NOW).unwrap().fresh);
        let last_day = NOW.plus(Duration::from_hours(24) * DEV_DAYS).minus(Duration::from_hours(23));
        assert!(dev_ca(dir.path(), last_day).unwrap().fresh);
        fs::remove_file(dir.path().join("smo.key")).unwrap();
        assert!(dev_ca(dir.path(), last_day).unwrap().fresh);
    }
}
