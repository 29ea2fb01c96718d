//! What is known of one connection, kept beside it for all its requests.

use super::identity::Identity;
use super::trust::Trust;
use crate::access::{Access, Grant, Tenant};
use crate::audit::entry;
use crate::filters::limits::{Share, Shares};
use arc_swap::ArcSwap;
use netweave_model::Timestamp;
use rustls::pki_types::CertificateDer;
use serde_json::value::RawValue;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The other end of a connection.
#[derive(Debug)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    client: Client,
    /// Its certificate as records of the audit log have it.
    recorded: Option<Box<RawValue>>,
}

/// Who the other end is.
#[derive(Debug)]
enum Client {
    /// It showed no certificate, or there is no TLS.
    Anonymous,
    /// Its certificate was verified and cannot be used.
    Unusable(Option<Box<Identity>>),
    /// It showed a certificate that was verified.
    Known(Box<Known>),
}

#[derive(Debug)]
struct Known {
    identity: Identity,
    caller: ArcSwap<Caller>,
    /// The generation of access rules by which `caller` was looked up.
    rules: AtomicU64,
    chain: Vec<CertificateDer<'static>>,
    /// The generation of authorities under which `confirmed` holds.
    generation: AtomicU64,
    confirmed: AtomicBool,
}

/// Who calls, with what was looked up for it once per connection and set of rules.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The identity.
    pub identity: Identity,
    /// What it may do and see.
    pub grant: Arc<Grant>,
    /// Its share of the limits.
    pub share: Arc<Share>,
}

/// The rules by which callers are looked up.
#[derive(Clone, Debug)]
pub struct Register {
    /// What identities may do and see.
    pub access: Arc<Access>,
    /// The shares of the identities.
    pub shares: Arc<Shares>,
}

impl Register {
    /// Looks an identity up; `None` if its domain is not trusted.
    pub fn find(&self, identity: &Identity, now: Timestamp) -> Option<Caller> {
        let grant = self.access.of(&identity.name)?;
        let share = self.shares.of(&identity.name, &grant, now);
        Some(Caller { identity: identity.clone(), grant, share })
    }
}

/// Why there is no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoIdentity {
    /// No certificate was shown.
    Anonymous,
    /// The certificate names nobody.
    Unusable,
    /// The access rules trust its domain no longer.
    Untrusted,
    /// The certificate has ended since the connection began.
    Expired,
    /// The certificate's authority is no longer believed, or has revoked it.
    Distrusted,
}

impl Client {
    fn certificate(&self) -> Option<&Identity> {
        match self {
            Self::Known(known) => Some(&known.identity),
            Self::Unusable(identity) => identity.as_deref(),
            Self::Anonymous => None,
        }
    }
}

impl Peer {
    /// Makes a peer without a certificate.
    pub fn anonymous(address: IpAddr) -> Self {
        Self::new(address, Client::Anonymous)
    }

    /// Makes a peer whose certificate was verified and cannot be used.
    pub fn unusable(address: IpAddr) -> Self {
        Self::new(address, Client::Unusable(None))
    }

    /// Makes a peer whose certificate was verified and names somebody who may not come.
    pub fn stranger(address: IpAddr, identity: Identity) -> Self {
        Self::new(address, Client::Unusable(Some(Box::new(identity))))
    }

    /// Makes a peer with the chain that was verified under `generation`, and was looked up by that generation of `rules`.
    pub fn known(
        address: IpAddr,
        caller: Caller,
        chain: Vec<CertificateDer<'static>>,
        (generation, rules): (u64, u64),
    ) -> Self {
        let known = Known {
            identity: caller.identity.clone(),
            caller: ArcSwap::from_pointee(caller),
            rules: AtomicU64::new(rules),
            chain,
            generation: AtomicU64::new(generation),
            confirmed: AtomicBool::new(true),
        };
        Self::new(address, Client::Known(Box::new(known)))
    }

    fn new(address: IpAddr, client: Client) -> Self {
        let recorded = client.certificate().and_then(entry::certificate);
        Self { address, client, recorded }
    }

    /// Returns who it is, if that still holds: certificates end, and authorities and rules are exchanged, while connections live.
    ///
    /// # Errors
    /// Says why there is no identity.
    pub fn identity(
        &self,
        trust: &Trust,
        register: &Register,
        now: Timestamp,
    ) -> Result<Arc<Caller>, NoIdentity> {
        let known = match &self.client {
            Client::Anonymous => return Err(NoIdentity::Anonymous),
            Client::Unusable(_) => return Err(NoIdentity::Unusable),
            Client::Known(known) => known,
        };
        if now > known.identity.not_after {
            return Err(NoIdentity::Expired);
        }
        let generation = trust.generation();
        if known.generation.load(Ordering::Acquire) != generation {
            known.confirmed.store(trust.confirm(&known.chain, now), Ordering::Release);
            known.generation.store(generation, Ordering::Release);
        }
        if !known.confirmed.load(Ordering::Acquire) {
            return Err(NoIdentity::Distrusted);
        }
        let rules = register.access.generation();
        if known.rules.load(Ordering::Acquire) != rules {
            let caller = register.find(&known.identity, now).ok_or(NoIdentity::Untrusted)?;
            known.caller.store(Arc::new(caller));
            known.rules.store(rules, Ordering::Release);
        }
        Ok(known.caller.load_full())
    }

    /// Returns the generation of authorities under which the certificate was looked at last.
    pub fn generation(&self) -> u64 {
        match &self.client {
            Client::Known(known) => known.generation.load(Ordering::Acquire),
            Client::Anonymous | Client::Unusable(_) => 0,
        }
    }

    /// Returns whether the certificate that was shown, if one was, is still believed.
    pub fn is_believed(&self, trust: &Trust, now: Timestamp) -> bool {
        match &self.client {
            Client::Known(known) => trust.confirm(&known.chain, now),
            Client::Anonymous | Client::Unusable(_) => true,
        }
    }

    /// Returns what its certificate says, whether or not it still holds.
    pub fn certificate(&self) -> Option<&Identity> {
        self.client.certificate()
    }

    /// Returns its certificate as records of the audit log have it.
    pub fn recorded(&self) -> Option<&RawValue> {
        self.recorded.as_deref()
    }

    /// Returns its tenant.
    pub fn tenant(&self) -> Option<Arc<Tenant>> {
        match &self.client {
            Client::Known(known) => known.caller.load().grant.tenant.clone(),
            Client::Anonymous | Client::Unusable(_) => None,
        }
    }

    /// Returns the name for logs, whether or not it still holds.
    pub fn name(&self) -> &str {
        match &self.client {
            Client::Known(known) => &known.identity.name,
            Client::Anonymous | Client::Unusable(_) => "-",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::tree::{self, Rate};
    use crate::listen::trust::Authorities;
    use rcgen::{CertificateParams, DnType, KeyPair};
    use std::time::Duration;

    #[test]
    fn an_identity_ends_with_its_certificate_and_with_its_authority() {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let now = Timestamp(1_790_000_000_000);
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "smo");
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone();
        let authorities = Authorities { roots: vec![certificate.clone()], ..Authorities::default() };
        let trust = Trust::try_new(authorities, false, &provider).unwrap();
        let mut identity = Identity::read(&certificate).unwrap();
        identity.not_after = now.plus(Duration::from_secs(1));
        let access = Arc::new(Access::new(&tree::Access::default(), &Rate::default(), 1));
        let shares = Arc::new(Shares::new(&tree::Limits::default()));
        let register = Register { access, shares };
        let caller = register.find(&identity, now).unwrap();
        let address = IpAddr::from([127, 0, 0, 1]);
        let peer = Peer::known(address, caller, vec![certificate.clone()], (trust.generation(), 0));
        let who = |now| peer.identity(&trust, &register, now);
        assert!(who(now).is_ok());
        assert_eq!(who(now.plus(Duration::from_secs(2))).err(), Some(NoIdentity::Expired));
        let other =
            CertificateParams::default().self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone();
        trust.replace(Authorities { roots: vec![other], ..Authorities::default() }, &provider).unwrap();
        assert_eq!(who(now).err(), Some(NoIdentity::Distrusted));
        assert_eq!(
            Peer::anonymous(address).identity(&trust, &register, now).err(),
            Some(NoIdentity::Anonymous)
        );
        assert_eq!(
            Peer::unusable(address).identity(&trust, &register, now).err(),
            Some(NoIdentity::Unusable)
        );
    }

    #[test]
    fn other_rules_count_for_a_connection_that_stands() {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let now = Timestamp(1_790_000_000_000);
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "smo");
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone();
        let authorities = Authorities { roots: vec![certificate.clone()], ..Authorities::default() };
        let trust = Trust::try_new(authorities, false, &provider).unwrap();
        let identity = Identity::read(&certificate).unwrap();
        let nobody = tree::Access { others: Vec::new(), ..tree::Access::default() };
        let access = Arc::new(Access::new(&nobody, &Rate::default(), 1));
        let register = Register { access, shares: Arc::new(Shares::new(&tree::Limits::default())) };
        let caller = register.find(&identity, now).unwrap();
        let peer =
            Peer::known(IpAddr::from([127, 0, 0, 1]), caller, vec![certificate], (trust.generation(), 0));
        let roles = || peer.identity(&trust, &register, now).unwrap().grant.roles.clone();
        assert!(roles().is_empty());
        let share = || Arc::clone(&peer.identity(&trust, &register, now).unwrap().share);
        let before = share();
        let admins = tree::Access { others: vec![tree::Role::Admin], ..tree::Access::default() };
        register.access.replace(&admins, &Rate { rate: 7, burst: 7 }, 1);
        assert_eq!(roles(), [tree::Role::Admin]);
        let after = share();
        assert!(!Arc::ptr_eq(&before, &after), "the rate is another one, so the share is");
        register.access.replace(&nobody, &Rate { rate: 7, burst: 7 }, 1);
        assert!(roles().is_empty());
        assert!(Arc::ptr_eq(&after, &share()), "as full as it was");
    }
}
