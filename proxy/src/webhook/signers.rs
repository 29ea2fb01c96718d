//! Which secrets sign a delivery: those of the subscription, and those that the operator gives its trust domain.

use super::sealing::KeyRing;
use super::signature::Secret;
use super::watched::Watched;
use netweave_http::Destinations;
use netweave_model::{Error, Result, Subscription, Timestamp};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// The secrets of a trust domain, as the configuration names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainSecrets {
    /// The name of the domain, for log lines.
    pub name: String,
    /// The hosts of its callbacks.
    pub hosts: Vec<String>,
    /// Files that hold one secret each, `whsec_...`.
    pub files: Vec<PathBuf>,
}

/// Finds the secrets of deliveries.
pub struct Signers {
    keys: Arc<KeyRing>,
    /// In the order in which they are asked.
    domains: Vec<Domain>,
}

struct Domain {
    name: String,
    hosts: Destinations,
    secrets: Watched<Vec<Secret>>,
}

impl Signers {
    /// Reads the secrets of all domains.
    ///
    /// # Errors
    /// `Invalid`: a file cannot be read or holds no secret.
    pub fn new(keys: Arc<KeyRing>, domains: &[DomainSecrets]) -> Result<Self> {
        let domain = |domain: &DomainSecrets| {
            Ok(Domain {
                name: domain.name.clone(),
                hosts: Destinations::parse(&domain.hosts)?,
                secrets: Watched::new(domain.files.clone(), |files| {
                    files.iter().map(|file| read(file)).collect()
                })?,
            })
        };
        Ok(Self { keys, domains: domains.iter().map(domain).collect::<Result<_>>()? })
    }

    /// Returns the keys that seal the secrets of subscriptions.
    pub fn keys(&self) -> &Arc<KeyRing> {
        &self.keys
    }

    /// Returns the secrets that sign what goes to a subscription's callback now; its own is the first.
    ///
    /// # Errors
    /// `Unavailable` (`sealed`): one of the subscription cannot be opened. `Internal`: it is no secret.
    pub fn of(&self, subscription: &Subscription, now: Timestamp) -> Result<Vec<Secret>> {
        let former = subscription.former.as_ref().filter(|former| now < former.until);
        let stored = [Some(&subscription.secret), former.map(|former| &former.secret)];
        let mut secrets = Vec::new();
        for stored in stored.into_iter().flatten() {
            let opened = self.keys.open(&subscription.owner, stored)?;
            let secret = Secret::parse(opened.expose());
            secrets.push(
                secret
                    .map_err(|error| Error::internal("a stored secret cannot be used").with_source(error))?,
            );
        }
        if !self.domains.is_empty() {
            let url = Url::parse(&subscription.callback).ok();
            let domain = url.and_then(|url| self.domains.iter().find(|domain| domain.hosts.cover(&url)));
            secrets.extend(domain.into_iter().flat_map(|domain| domain.secrets.now().to_vec()));
        }
        Ok(secrets)
    }

    /// Reads the secrets again whose files hold something else; returns their domains, and how it went.
    pub fn look(&self) -> Vec<(&str, Result<()>)> {
        let looked = self.domains.iter().map(|domain| (domain.name.as_str(), domain.secrets.look()));
        looked.filter_map(|(name, result)| Some((name, result?))).collect()
    }
}

/// Reads a file that holds one secret.
///
/// # Errors
/// `Invalid`: it cannot be read or holds none.
pub fn read(file: &Path) -> Result<Secret> {
    let refuse = |what: &str| Error::invalid("signingSecretFiles", format!("{} {what}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| refuse("cannot be read").with_source(error))?;
    let text = netweave_model::Secret::from(text);
    Secret::parse(text.expose().trim())
        .map_err(|error| refuse("must hold whsec_ and the base64 of 24 to 64 bytes").with_source(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use netweave_model::subscription::{Major, StateForm};
    use netweave_model::{FormerSecret, Id, NewSubscription};
    use std::time::Duration;

    fn text(byte: u8) -> String {
        format!("whsec_{}", STANDARD.encode([byte; 24]))
    }

    fn subscription(callback: &str) -> Subscription {
        let new = NewSubscription {
            owner: "smo".to_owned(),
            major: Major::V2,
            callback: callback.to_owned(),
            consumer_subscription_id: None,
            filter: None,
            states: StateForm::Object,
            secret: text(1).into(),
            lease: Duration::from_mins(1),
        };
        new.made(Id::from("s"), Timestamp(0))
    }

    fn shown(secrets: &[Secret]) -> Vec<&str> {
        secrets.iter().map(Secret::as_str).collect()
    }

    #[test]
    fn the_former_secret_signs_until_its_end() {
        let signers = Signers::new(Arc::new(KeyRing::read(&[]).unwrap()), &[]).unwrap();
        let mut subscription = subscription("https://smo.example.net/");
        subscription.former = Some(Box::new(FormerSecret { secret: text(2).into(), until: Timestamp(50) }));
        let of = |at| signers.of(&subscription, Timestamp(at)).unwrap();
        assert_eq!(shown(&of(49)), [text(1), text(2)]);
        assert_eq!(shown(&of(50)), [text(1)]);
    }

    #[test]
    fn a_domains_secrets_sign_beside_those_of_the_subscription_and_are_exchanged() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["new", "old"].map(|name| folder.path().join(name));
        std::fs::write(&files[0], text(3) + "\n").unwrap();
        std::fs::write(&files[1], text(4)).unwrap();
        let domain = DomainSecrets {
            name: "smo".to_owned(),
            hosts: vec!["*.example.net".to_owned()],
            files: files.to_vec(),
        };
        let signers = Signers::new(Arc::new(KeyRing::read(&[]).unwrap()), &[domain]).unwrap();
        let of = |callback: &str| signers.of(&subscription(callback), Timestamp(0)).unwrap();
        assert_eq!(shown(&of("https://a.example.net/")), [text(1), text(3), text(4)]);
        assert_eq!(shown(&of("https://example.org/")), [text(1)]);
        assert!(signers.look().is_empty());
        std::fs::write(&files[1], "nothing").unwrap();
        assert!(signers.look().iter().all(|(name, result)| *name == "smo" && result.is_err()));
        assert_eq!(shown(&of("https://a.example.net/")), [text(1), text(3), text(4)]);
        std::fs::write(&files[1], text(5)).unwrap();
        assert_eq!(signers.look().len(), 1);
        assert_eq!(shown(&of("https://a.example.net/")), [text(1), text(3), text(5)]);
    }

    #[test]
    fn a_file_without_a_secret_ends_the_start() {
        let domain = DomainSecrets { files: vec!["/none".into()], ..DomainSecrets::default() };
        assert!(Signers::new(Arc::new(KeyRing::read(&[]).unwrap()), &[domain]).is_err());
    }
}
