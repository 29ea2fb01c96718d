//! Seals the signing secrets of subscriptions for the store, and opens them again.
//!
//! A sealed secret is `sealed:1:`, the id of its key, `:`, and the base64 of a nonce and of AES-256-GCM of the secret, bound to the
//! owner of the subscription: moved to somebody else's it does not open. The first key seals, all open. Without keys secrets are
//! kept as they are; one that was kept so before there were keys is opened as it is, and sealed by `services/resealer`.

use super::watched::Watched;
use crate::audit::keys::Secret as Key;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use netweave_model::{Error, ErrorKind, Result, Secret};
use std::fmt;
use std::path::{Path, PathBuf};

use tokio::sync::Notify;
use zeroize::Zeroizing;

/// What a sealed secret begins with.
const MARK: &str = "sealed:1:";
/// What is authenticated with each, before the owner's name.
const CONTEXT: &str = "netweave-subscription-secret/1\n";
/// The word for a delivery whose secret cannot be opened.
pub const SEALED: &str = "sealed";

/// The keys, the sealing one first.
pub struct KeyRing {
    keys: Watched<Vec<SealKey>>,
    changed: Notify,
}

/// How a secret lies in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Sealed with the key that seals now.
    Current,
    /// Sealed with another key that is there.
    Earlier,
    /// As it is.
    Plain,
    /// Sealed with a key that is not there.
    Unknown,
}

struct SealKey {
    id: String,
    key: LessSafeKey,
}

impl KeyRing {
    /// Reads the keys; each file holds 32 bytes, as they are or in base64.
    ///
    /// # Errors
    /// `Invalid`: a file cannot be read or holds something else.
    pub fn read(files: &[PathBuf]) -> Result<Self> {
        let keys =
            Watched::new(files.to_vec(), |files| files.iter().map(|file| SealKey::read(file)).collect())?;
        Ok(Self { keys, changed: Notify::new() })
    }

    /// Reads the keys again if their files hold something else; `None` if they do not. Keys that cannot be read change nothing.
    pub fn look(&self) -> Option<Result<()>> {
        let looked = self.keys.look();
        if matches!(looked, Some(Ok(()))) {
            self.changed.notify_one();
        }
        looked
    }

    /// Waits until there are other keys.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Seals a secret of an owner; without keys it stays as it is.
    ///
    /// # Errors
    /// `Internal`: there is no randomness.
    pub fn seal(&self, owner: &str, secret: &Secret) -> Result<Secret> {
        self.keys.now().first().map_or_else(|| Ok(secret.clone()), |key| key.seal(owner, secret))
    }

    /// Opens a secret of an owner.
    ///
    /// # Errors
    /// `Unavailable` (`sealed`): no key fits, or it is not what was sealed for this owner.
    pub fn open(&self, owner: &str, stored: &Secret) -> Result<Secret> {
        let Some((id, sealed)) = parts(stored) else { return Ok(stored.clone()) };
        let keys = self.keys.now();
        let key = keys.iter().find(|key| key.id == id).ok_or_else(|| shut("no key fits it"))?;
        key.open(owner, sealed)
    }

    /// Says how a secret lies in the store.
    pub fn form(&self, stored: &Secret) -> Form {
        let Some((id, _)) = parts(stored) else { return Form::Plain };
        match self.keys.now().iter().position(|key| key.id == id) {
            Some(0) => Form::Current,
            Some(_) => Form::Earlier,
            None => Form::Unknown,
        }
    }

    /// Says whether there is a key to seal with.
    pub fn seals(&self) -> bool {
        !self.keys.now().is_empty()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.now().iter().map(|key| &key.id)).finish()
    }
}

impl SealKey {
    fn read(file: &Path) -> Result<Self> {
        let key = Key::read(file)?;
        let unbound = UnboundKey::new(&AES_256_GCM, key.bytes())
            .map_err(|error| Error::internal("a key cannot be used").with_source(error))?;
        Ok(Self { id: key.id().chars().take(16).collect(), key: LessSafeKey::new(unbound) })
    }

    fn seal(&self, owner: &str, secret: &Secret) -> Result<Secret> {
        let broken = |_| Error::internal("a secret cannot be sealed");
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(broken)?;
        let mut sealed = Zeroizing::new(secret.expose().as_bytes().to_vec());
        let aad = Aad::from(context(owner));
        let tag = self.key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed);
        let tag = tag.map_err(broken)?;
        let all = [&nonce, sealed.as_slice(), tag.as_ref()].concat();
        Ok(Secret::from(format!("{MARK}{}:{}", self.id, STANDARD.encode(all))))
    }

    fn open(&self, owner: &str, sealed: &str) -> Result<Secret> {
        let all = STANDARD.decode(sealed).map_err(|_odd| shut("it is damaged"))?;
        let (nonce, sealed) = all.split_first_chunk::<NONCE_LEN>().ok_or_else(|| shut("it is damaged"))?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.key.open_in_place(nonce, Aad::from(context(owner)), &mut sealed);
        let opened = opened.map_err(|_odd| shut("it was not sealed for this owner, or it is damaged"))?;
        let text = std::str::from_utf8(opened).map_err(|_odd| shut("it is damaged"))?;
        Ok(Secret::from(text))
    }
}

/// Says whether a secret is sealed, with whichever key.
pub fn is_sealed(stored: &Secret) -> bool {
    parts(stored).is_some()
}

/// Returns the id of the key and what was sealed; `None` if the secret lies there as it is.
fn parts(stored: &Secret) -> Option<(&str, &str)> {
    let rest = stored.expose().strip_prefix(MARK)?;
    // What has the mark is sealed, also if it is damaged.
    Some(rest.split_once(':').unwrap_or((rest, "")))
}

fn context(owner: &str) -> Vec<u8> {
    [CONTEXT, owner].concat().into_bytes()
}

fn shut(why: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, SEALED).with_private(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    struct Stage(TempDir);

    impl Stage {
        fn new() -> Self {
            let stage = Self(tempfile::tempdir().unwrap());
            for byte in 1..=3 {
                stage.write(&byte.to_string(), byte);
            }
            stage
        }

        fn write(&self, name: &str, byte: u8) {
            std::fs::write(self.0.path().join(name), [byte; 32]).unwrap();
        }

        fn ring(&self, names: &[&str]) -> KeyRing {
            KeyRing::read(&names.iter().map(|name| self.0.path().join(name)).collect::<Vec<_>>()).unwrap()
        }
    }

    fn secret() -> Secret {
        Secret::from("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    }

    #[test]
    fn a_secret_opens_with_its_key_whatever_place_that_has() {
        let stage = Stage::new();
        let sealed = stage.ring(&["1"]).seal("smo", &secret()).unwrap();
        assert!(
            sealed.expose().starts_with("sealed:1:") && !sealed.expose().contains("AAEC"),
            "{}",
            sealed.expose()
        );
        assert_ne!(sealed, stage.ring(&["1"]).seal("smo", &secret()).unwrap(), "never twice the same");
        for (keys, form) in [(&["1"][..], Form::Current), (&["2", "1"], Form::Earlier)] {
            assert_eq!(stage.ring(keys).open("smo", &sealed).unwrap(), secret());
            assert_eq!(stage.ring(keys).form(&sealed), form);
        }
    }

    #[test]
    fn without_its_key_or_for_another_owner_it_does_not_open() {
        let stage = Stage::new();
        let sealed = stage.ring(&["1"]).seal("smo", &secret()).unwrap();
        for keys in [&["2", "3"][..], &[]] {
            let error = stage.ring(keys).open("smo", &sealed).unwrap_err();
            assert_eq!((error.kind(), error.public()), (ErrorKind::Unavailable, SEALED));
            assert_eq!(stage.ring(keys).form(&sealed), Form::Unknown);
        }
        assert_eq!(stage.ring(&["1"]).open("other", &sealed).unwrap_err().public(), SEALED);
    }

    #[test]
    fn no_character_of_it_can_be_changed_unseen() {
        let stage = Stage::new();
        let ring = stage.ring(&["1"]);
        let sealed = ring.seal("smo", &secret()).unwrap().expose().to_owned();
        for at in MARK.len()..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = Secret::from(String::from_utf8(bytes).unwrap());
            assert!(ring.open("smo", &changed).is_err(), "character {at}");
        }
    }

    #[test]
    fn without_keys_nothing_is_sealed_and_with_keys_what_was_not_still_opens() {
        let stage = Stage::new();
        let none = stage.ring(&[]);
        assert_eq!(none.seal("smo", &secret()).unwrap(), secret());
        assert_eq!((none.form(&secret()), none.seals()), (Form::Plain, false));
        assert_eq!(stage.ring(&["1"]).open("smo", &secret()).unwrap(), secret());
    }

    #[test]
    fn keys_are_exchanged_by_their_contents_and_broken_ones_change_nothing() {
        let stage = Stage::new();
        let ring = stage.ring(&["1"]);
        let sealed = ring.seal("smo", &secret()).unwrap();
        assert!(ring.look().is_none());
        std::fs::write(stage.0.path().join("1"), "short").unwrap();
        assert!(ring.look().unwrap().is_err());
        assert!(ring.look().is_none(), "it is tried once");
        assert_eq!(ring.open("smo", &sealed).unwrap(), secret());
        stage.write("1", 2);
        assert!(ring.look().unwrap().is_ok());
        assert_eq!(ring.form(&sealed), Form::Unknown);
        assert!(!format!("{ring:?}").contains('\u{2}'));
    }

    #[test]
    fn a_key_that_cannot_be_read_ends_the_start() {
        assert!(KeyRing::read(&["/none/key".into()]).is_err());
    }
}
