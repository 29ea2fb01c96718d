//! Who may do and see what: rules of the configuration, applied to the name of a verified identity.
//!
//! `role.rs` says what a role may do, `scope.rs` what may be seen, `redact.rs` what is left of an object, `told.rs` what a
//! subscriber is told of a change, and `tenant.rs` what all identities of a tenant may use together.

mod redact;
mod role;
mod scope;
mod tenant;
mod told;

pub use role::{Permission, Permissions};
pub use scope::Scope;
pub use tenant::Tenant;

use crate::conf::tree::{self, Client, Rate, Role, ScopeConf};
use std::sync::Arc;
use tenant::Tenants;

/// What a SPIFFE identity begins with.
const SPIFFE: &str = "spiffe://";

/// What one identity may do and see, for the life of its connection.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Which kind of system it is.
    pub client: Client,
    /// The tenant that it acts for.
    pub tenant: Option<Arc<Tenant>>,
    /// Its roles.
    pub roles: Vec<Role>,
    /// What they allow.
    pub permissions: Permissions,
    /// What it may see.
    pub scope: Arc<Scope>,
    /// The same, in the words of the configuration.
    pub visible: ScopeConf,
    /// Its requests per second.
    pub rate: Rate,
    /// How many subscriptions it may have.
    pub subscriptions: u64,
}

/// The rules.
#[derive(Debug)]
pub struct Access {
    trust_domains: Vec<String>,
    rules: Vec<(String, Arc<Grant>)>,
    others: Arc<Grant>,
}

impl Access {
    /// Reads the rules; `rate` and `subscriptions` are those of identities whose rule says nothing else.
    pub fn new(conf: &tree::Access, rate: &Rate, subscriptions: u64) -> Self {
        let tenants = Tenants::new(conf);
        let rules = conf.rules.iter().map(|rule| {
            let roles = if rule.roles.is_empty() { usual(rule.client) } else { rule.roles.clone() };
            let grant = Grant {
                client: rule.client,
                tenant: rule.tenant.as_deref().and_then(|name| tenants.get(name)),
                permissions: Permissions::of(&roles),
                scope: Arc::new(Scope::new(&rule.scope, &roles)),
                visible: rule.scope.clone(),
                roles,
                rate: rule.rate.clone().unwrap_or_else(|| rate.clone()),
                subscriptions: rule.subscriptions.unwrap_or(subscriptions),
            };
            (rule.r#match.clone(), Arc::new(grant))
        });
        let others = Grant {
            client: Client::Smo,
            tenant: None,
            roles: conf.others.clone(),
            permissions: Permissions::of(&conf.others),
            scope: Arc::new(Scope::new(&ScopeConf::default(), &conf.others)),
            visible: ScopeConf::default(),
            rate: rate.clone(),
            subscriptions,
        };
        let rules = rules.collect();
        Self { rules, others: Arc::new(others), trust_domains: conf.trust_domains.clone() }
    }

    /// Returns what the owner of a subscription may be told of; `None` if it may not have subscriptions.
    pub fn told(&self, owner: &str) -> Option<Arc<Scope>> {
        let grant = self.of(owner).filter(|grant| grant.permissions.has(Permission::Subscribe))?;
        Some(Arc::clone(&grant.scope))
    }

    /// Returns what an identity of this name gets; `None` if it is a SPIFFE identity of a domain that is not trusted.
    pub fn of(&self, name: &str) -> Option<Arc<Grant>> {
        if !self.trusts(name) {
            return None;
        }
        let rule = self.rules.iter().find(|(pattern, _)| fits(pattern, name));
        Some(Arc::clone(rule.map_or(&self.others, |(_, grant)| grant)))
    }

    fn trusts(&self, name: &str) -> bool {
        // Schemes have no case (RFC 3986, section 3.1), so no other spelling of this one passes.
        let Some((start, rest)) = name.split_at_checked(SPIFFE.len()) else { return true };
        if !start.eq_ignore_ascii_case(SPIFFE) {
            return true;
        }
        let domain = rest.split('/').next().unwrap_or_default();
        self.trust_domains.is_empty() || self.trust_domains.iter().any(|trusted| trusted == domain)
    }
}

/// Returns the roles of a kind of system whose rule names none.
fn usual(client: Client) -> Vec<Role> {
    match client {
        Client::Smo => vec![Role::Reader, Role::Subscriber],
        Client::Dms => vec![Role::Reader, Role::Deployer],
    }
}

/// Returns whether a name fits a pattern, in which `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    let Some(mut rest) = rest.strip_suffix(last) else { return false };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

/// Makes rules by which every identity is an administrator.
#[cfg(test)]
pub(crate) fn admins() -> Arc<Access> {
    let conf = tree::Access { others: vec![Role::Admin], ..tree::Access::default() };
    Arc::new(Access::new(&conf, &Rate::default(), 100))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::tree::Rule;

    fn access(conf: &tree::Access) -> Access {
        Access::new(conf, &Rate::default(), 100)
    }

    fn rule(pattern: &str, roles: &[Role]) -> Rule {
        Rule { r#match: pattern.to_owned(), roles: roles.to_vec(), ..Rule::default() }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, expected) in [
            ("smo", "smo", true),
            ("smo", "smo2", false),
            ("smo*", "smo2", true),
            ("*", "", true),
            ("*.example.net", "a.b.example.net", true),
            ("*.example.net", "example.net", false),
            ("spiffe://a/*/smo", "spiffe://a/b/c/smo", true),
            ("spiffe://a/*/smo", "spiffe://a/smo", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "axbxc", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn the_first_rule_that_fits_counts_and_others_get_what_is_left() {
        let rules = vec![rule("smo-1", &[Role::Admin]), rule("smo-*", &[Role::Reader])];
        let access = access(&tree::Access { rules, others: Vec::new(), ..tree::Access::default() });
        let of = |name: &str| access.of(name).unwrap().roles.clone();
        assert_eq!(of("smo-1"), [Role::Admin]);
        assert_eq!(of("smo-2"), [Role::Reader]);
        assert!(of("dms").is_empty());
    }

    #[test]
    fn a_kind_of_system_has_roles_of_its_own() {
        let dms = Rule { client: Client::Dms, ..rule("dms", &[]) };
        let rules = vec![rule("smo", &[]), dms];
        let access = access(&tree::Access { rules, ..tree::Access::default() });
        assert_eq!(access.of("smo").unwrap().roles, [Role::Reader, Role::Subscriber]);
        assert_eq!(access.of("dms").unwrap().roles, [Role::Reader, Role::Deployer]);
    }

    #[test]
    fn spiffe_identities_of_other_trust_domains_are_nobody() {
        let access = access(&tree::Access {
            trust_domains: vec!["smo.example".to_owned()],
            ..tree::Access::default()
        });
        assert!(access.of("spiffe://smo.example/a").is_some());
        assert!(access.of("spiffe://smo.example").is_some());
        assert!(access.of("spiffe://smo.example.net/a").is_none());
        assert!(access.of("spiffe://other/smo.example/").is_none());
        assert!(access.of("SPIFFE://other/a").is_none(), "schemes have no case");
        assert!(access.of("smo").is_some(), "what is no SPIFFE identity has no trust domain");
    }
}
