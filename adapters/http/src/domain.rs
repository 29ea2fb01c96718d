//! A trust domain: the callbacks that share authorities, a client certificate and tokens.
//!
//! Its files are looked at by content. A set that does not fit leaves the old one in place, and is tried once.

use crate::destinations::Destinations;
use crate::guard::Guard;
use crate::outbound::Pinned;
use crate::token::{OAuth2Settings, Tokens};
use crate::{client, tls};
use arc_swap::ArcSwap;
use netweave_model::{Error, Result};
use reqwest::Client;
use rustls::pki_types::CertificateDer;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use zeroize::Zeroizing;

/// Largest file that is read; a bundle of a hundred authorities has 200 KiB.
const MAX_FILE: u64 = 4 << 20;
/// Idle connections kept per host.
const IDLE_PER_HOST: usize = 32;

/// What the operator says about a trust domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainSettings {
    /// Its name, for log lines.
    pub name: String,
    /// The hosts of its callbacks; see [`Destinations`].
    pub hosts: Vec<String>,
    /// The only authorities that are believed, as a PEM file; without it those of all callbacks.
    pub ca: Option<PathBuf>,
    /// Certificate, leaf first, and key that are shown, as PEM files.
    pub pair: Option<(PathBuf, PathBuf)>,
    /// How tokens are got, if they are wanted.
    pub oauth2: Option<OAuth2Settings>,
}

/// One domain; the one of all other callbacks has no hosts.
pub(crate) struct Domain {
    pub(crate) name: String,
    hosts: Destinations,
    files: Files,
    times: (Duration, Duration),
    guard: Arc<Guard>,
    loaded: ArcSwap<Loaded>,
    /// The hash of what the files held when they were loaded last, well or not.
    seen: Mutex<u64>,
    pub(crate) tokens: Option<Tokens>,
}

/// What was made of the files.
pub(crate) struct Loaded {
    /// Calls callbacks.
    pub(crate) callbacks: Client,
    /// Calls the token endpoint.
    pub(crate) tokens: Client,
    /// The certificate that is shown, leaf first; empty if none is.
    pub(crate) chain: Vec<CertificateDer<'static>>,
}

/// Which files a domain is made of.
#[derive(Clone, Debug)]
struct Files {
    /// Authorities, and whether no others count.
    ca: Option<(PathBuf, bool)>,
    pair: Option<(PathBuf, PathBuf)>,
    token_ca: Option<PathBuf>,
}

type Content = Result<Zeroizing<Vec<u8>>>;

/// What the files hold.
struct Contents {
    ca: Option<(Content, bool)>,
    pair: Option<(Content, Content)>,
    token_ca: Option<Content>,
}

impl Domain {
    /// Loads the files of a domain; `common` are the authorities of callbacks that are of no domain.
    ///
    /// # Errors
    /// `Invalid`: a file cannot be used. `Internal`: the client cannot be built.
    pub(crate) fn new(
        settings: &DomainSettings,
        common: Option<&PathBuf>,
        times: (Duration, Duration),
        guard: &Arc<Guard>,
    ) -> Result<Self> {
        let own = settings.ca.clone().map(|path| (path, true));
        let files = Files {
            ca: own.or_else(|| common.cloned().map(|path| (path, false))),
            pair: settings.pair.clone(),
            token_ca: settings.oauth2.as_ref().and_then(|oauth2| oauth2.ca.clone()),
        };
        if let Some(oauth2) = &settings.oauth2 {
            oauth2.client_secret.read()?;
        }
        let contents = files.read();
        let seen = contents.hash();
        let loaded = contents.load(times, guard)?;
        Ok(Self {
            name: settings.name.clone(),
            hosts: Destinations::parse(&settings.hosts)?,
            seen: Mutex::new(seen),
            files,
            times,
            guard: Arc::clone(guard),
            loaded: ArcSwap::from_pointee(loaded),
            tokens: settings.oauth2.clone().map(|oauth2| Tokens::new(oauth2, Arc::clone(guard))),
        })
    }

    /// Says whether a callback is of this domain.
    pub(crate) fn covers(&self, url: &url::Url) -> bool {
        self.hosts.cover(url)
    }

    /// Returns what was made of the files; it stays good while somebody holds it.
    pub(crate) fn loaded(&self) -> Arc<Loaded> {
        self.loaded.load_full()
    }

    /// Loads the files again if they hold something else than when they were loaded last; `None` if they do not.
    ///
    /// Calls in flight end over the connections that they have; new ones connect anew.
    pub(crate) fn look(&self) -> Option<Result<()>> {
        let contents = self.files.read();
        let hash = contents.hash();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *seen, hash) == hash {
            return None;
        }
        Some(contents.load(self.times, &self.guard).map(|loaded| self.loaded.store(Arc::new(loaded))))
    }

    /// Makes the clients anew, without the connections of the old ones.
    pub(crate) fn renew(&self) {
        let contents = self.files.read();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = contents.hash();
        if let Ok(loaded) = contents.load(self.times, &self.guard) {
            self.loaded.store(Arc::new(loaded));
        }
    }
}

impl Files {
    fn read(&self) -> Contents {
        Contents {
            ca: self.ca.as_ref().map(|(path, alone)| (read(path), *alone)),
            pair: self.pair.as_ref().map(|(certificate, key)| (read(certificate), read(key))),
            token_ca: self.token_ca.as_ref().map(|path| read(path)),
        }
    }
}

impl Contents {
    /// A file that cannot be read is a content of its own.
    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let ca = self.ca.as_ref().map(|(content, _)| content);
        let pair = self.pair.iter().flat_map(|(certificate, key)| [certificate, key]);
        for content in ca.into_iter().chain(pair).chain(&self.token_ca) {
            content.as_ref().map(|bytes| bytes.as_slice()).ok().hash(&mut hasher);
        }
        hasher.finish()
    }

    fn load(self, times: (Duration, Duration), guard: &Arc<Guard>) -> Result<Loaded> {
        let ca = self.ca.map(|(content, alone)| Ok::<_, Error>((content?, alone))).transpose()?;
        let pair = self.pair.map(|(chain, key)| Ok::<_, Error>((chain?, key?))).transpose()?;
        let pair = pair.as_ref().map(|(chain, key)| (chain.as_slice(), key.as_slice()));
        let (config, chain) = tls::domain(ca.as_ref().map(|(pem, alone)| (pem.as_slice(), *alone)), pair)?;
        let build = |config| {
            client::builder(config, times, IDLE_PER_HOST)
                .dns_resolver(Arc::new(Pinned::new(Arc::clone(guard))))
                .build()
                .map_err(|error| Error::internal("the outbound client cannot be built").with_source(error))
        };
        let callbacks = build(config)?;
        let tokens = match self.token_ca.transpose()? {
            Some(pem) => build(tls::domain(Some((&pem, true)), pair)?.0)?,
            None => callbacks.clone(),
        };
        Ok(Loaded { callbacks, tokens, chain })
    }
}

fn read(path: &Path) -> Content {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    let refuse = |what: &'static str| {
        Error::invalid("subscriptions.callback", what).with_private(path.display().to_string())
    };
    read.map_err(|error| refuse("a file for callbacks cannot be read").with_source(error))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(refuse("a file for callbacks is too large"));
    }
    Ok(bytes)
}
