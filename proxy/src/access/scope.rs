//! What may be seen.

use super::redact;
use crate::conf::tree::{Role, ScopeConf};
use crate::digest::half_sha256;
use bytes::Bytes;
use netweave_model::{Kind, Result, SourceName};
use std::collections::BTreeSet;

/// What an identity may see. Its key is part of every cache key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    key: String,
    /// Credentials of deployment managers are shown.
    credentials: bool,
    limits: Option<Limits>,
}

/// The lists that an object must satisfy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Limits {
    kinds: Option<BTreeSet<Kind>>,
    sources: Option<BTreeSet<String>>,
    pools: Option<BTreeSet<String>>,
}

impl Default for Scope {
    /// Every object, without credentials.
    fn default() -> Self {
        Self::new(&ScopeConf::default(), &[])
    }
}

impl Scope {
    /// Reads a scope of the configuration; who has the role of a deployer sees credentials in it.
    pub fn new(conf: &ScopeConf, roles: &[Role]) -> Self {
        let texts = |list: &Option<Vec<String>>| list.as_ref().map(|list| list.iter().cloned().collect());
        let kinds: Option<BTreeSet<Kind>> =
            conf.collections.as_ref().map(|list| list.iter().map(|collection| collection.0).collect());
        let limits = Limits { kinds, sources: texts(&conf.sources), pools: texts(&conf.pools) };
        Self::of(limits, roles.contains(&Role::Deployer))
    }

    fn of(limits: Limits, credentials: bool) -> Self {
        let limited = limits.kinds.is_some() || limits.sources.is_some() || limits.pools.is_some();
        let what = if limited { half_sha256(format!("{limits:?}").as_bytes()) } else { "all".to_owned() };
        let key = if credentials { what + "+credentials" } else { what };
        Self { key, credentials, limits: limited.then_some(limits) }
    }

    /// Returns the scope of what both scopes see.
    pub(super) fn and(&self, other: &Self) -> Self {
        let none = || Limits { kinds: None, sources: None, pools: None };
        let of = |scope: &Self| scope.limits.clone().unwrap_or_else(none);
        let (one, two) = (of(self), of(other));
        let limits = Limits {
            kinds: both(one.kinds, two.kinds),
            sources: both(one.sources, two.sources),
            pools: both(one.pools, two.pools),
        };
        Self::of(limits, self.credentials && other.credentials)
    }

    /// Returns the name of the scope in cache keys: scopes with equal names see equal objects.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns whether objects of a kind may be seen at all.
    pub fn covers(&self, kind: Kind) -> bool {
        let kinds = self.limits.as_ref().and_then(|limits| limits.kinds.as_ref());
        kinds.is_none_or(|kinds| kinds.contains(&kind))
    }

    /// Returns whether anything of a source may be seen.
    pub fn covers_source(&self, source: &SourceName) -> bool {
        let sources = self.limits.as_ref().and_then(|limits| limits.sources.as_ref());
        sources.is_none_or(|sources| sources.contains(source.as_str()))
    }

    /// Returns whether a pool may be seen, as far as it is named.
    pub fn covers_pool(&self, pool: &str) -> bool {
        self.pools().is_none_or(|pools| pools.contains(pool))
    }

    /// Returns whether an object may be seen; `parent` is the pool of a resource.
    pub fn sees(&self, source: &SourceName, kind: Kind, parent: Option<&str>, id: &str) -> bool {
        self.limits.is_none()
            || self.covers(kind)
                && self.covers_source(source)
                && match kind {
                    Kind::Resource => self.covers_pool(parent.unwrap_or_default()),
                    Kind::ResourcePool => self.covers_pool(id),
                    Kind::Location
                    | Kind::OCloudSite
                    | Kind::ResourceType
                    | Kind::DeploymentManager
                    | Kind::AlarmDictionary
                    | Kind::PerformanceDictionary => true,
                }
    }

    /// Returns whether every object may be seen.
    pub(super) const fn limits_nothing(&self) -> bool {
        self.limits.is_none()
    }

    /// Returns whether objects of a kind may have to be shown otherwise than they are.
    pub fn alters(&self, kind: Kind) -> bool {
        match kind {
            Kind::DeploymentManager => !self.credentials,
            Kind::OCloudSite => self.pools().is_some(),
            Kind::Location
            | Kind::ResourceType
            | Kind::ResourcePool
            | Kind::Resource
            | Kind::AlarmDictionary
            | Kind::PerformanceDictionary => false,
        }
    }

    /// Returns an object as it may be shown.
    ///
    /// # Errors
    /// `Internal`: it is no JSON.
    pub fn shown(&self, kind: Kind, json: &Bytes) -> Result<Bytes> {
        if !self.alters(kind) {
            return Ok(json.clone());
        }
        match (kind, self.pools()) {
            (Kind::DeploymentManager, _) => redact::credentials(json),
            (_, Some(pools)) => redact::pools(json, pools),
            (_, None) => Ok(json.clone()),
        }
    }

    /// Returns the pools that may be seen, if they are named.
    pub(super) fn pools(&self) -> Option<&BTreeSet<String>> {
        self.limits.as_ref().and_then(|limits| limits.pools.as_ref())
    }
}

/// Returns what satisfies both lists, as far as they are there.
fn both<T: Ord + Clone>(one: Option<BTreeSet<T>>, two: Option<BTreeSet<T>>) -> Option<BTreeSet<T>> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.intersection(&two).cloned().collect()),
        (one, two) => one.or(two),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::tree::Collection;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn an_object_must_satisfy_every_list_that_is_there() {
        let conf = ScopeConf {
            collections: Some(vec![Collection(Kind::ResourcePool), Collection(Kind::Resource)]),
            sources: Some(texts(&["lab"])),
            pools: Some(texts(&["p1"])),
        };
        let scope = Scope::new(&conf, &[]);
        let (lab, other) = (SourceName::from("lab"), SourceName::from("other"));
        assert!(scope.sees(&lab, Kind::Resource, Some("p1"), "r"));
        assert!(!scope.sees(&lab, Kind::Resource, Some("p2"), "r"));
        assert!(!scope.sees(&other, Kind::Resource, Some("p1"), "r"));
        assert!(scope.sees(&lab, Kind::ResourcePool, None, "p1"));
        assert!(!scope.sees(&lab, Kind::ResourcePool, None, "p2"));
        assert!(!scope.sees(&lab, Kind::Location, None, "l"));
    }

    #[test]
    fn what_two_scopes_see_is_what_satisfies_the_lists_of_both() {
        let of = |sources: Option<&[&str]>, pools: Option<&[&str]>, roles: &[Role]| {
            let conf = ScopeConf { collections: None, sources: sources.map(texts), pools: pools.map(texts) };
            Scope::new(&conf, roles)
        };
        let (one, two) =
            (of(Some(&["a", "b"]), None, &[Role::Deployer]), of(Some(&["b", "c"]), Some(&["p"]), &[]));
        assert_eq!(one.and(&two), of(Some(&["b"]), Some(&["p"]), &[]));
        let all = of(None, None, &[Role::Deployer]);
        assert_eq!((one.and(&all), all.and(&one)), (one.clone(), one));
        assert_eq!(all.and(&Scope::default()), Scope::default());
    }

    #[test]
    fn scopes_that_see_the_same_have_the_same_name_and_others_do_not() {
        let key = |pools: &[&str], roles: &[Role]| {
            let conf = ScopeConf { pools: Some(texts(pools)), ..ScopeConf::default() };
            Scope::new(&conf, roles).key
        };
        assert_eq!(Scope::default().key(), "all");
        assert_eq!(key(&["a", "b"], &[]), key(&["b", "a"], &[Role::Reader]));
        assert_ne!(key(&["a"], &[]), key(&["b"], &[]));
        assert_ne!(key(&["a"], &[]), key(&["a"], &[Role::Deployer]));
        assert_ne!(key(&[], &[]), "all", "no pool is not every pool");
    }
}
