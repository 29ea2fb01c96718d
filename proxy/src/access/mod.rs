//! Who may do and see what: rules of the configuration, applied to the name of a verified identity and to its token, if tokens
//! are asked for.
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

use crate::conf::tree::{self, Client, Rate, Role, ScopeConf, TokenRule};
use crate::token::Token;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tenant::Tenants;

/// What a SPIFFE identity begins with.
const SPIFFE: &str = "spiffe://";

/// What one identity may do and see, as long as the rules that say so are in force.
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

/// The rules in force; those of a new configuration take their place while the gateway serves.
#[derive(Debug)]
pub struct Access {
    current: ArcSwap<Rules>,
    generation: AtomicU64,
}

/// One set of rules.
#[derive(Debug)]
struct Rules {
    trust_domains: Vec<String>,
    lines: Vec<Line>,
    others: Arc<Grant>,
}

/// One rule.
#[derive(Debug)]
struct Line {
    pattern: String,
    token: Option<TokenRule>,
    grant: Arc<Grant>,
}

impl Line {
    fn fits(&self, name: &str, token: Option<&Token>) -> bool {
        fits(&self.pattern, name)
            && self.token.as_ref().is_none_or(|wanted| token.is_some_and(|token| says(token, wanted)))
    }
}

impl Access {
    /// Reads the rules; `rate` and `subscriptions` are those of identities whose rule says nothing else.
    pub fn new(conf: &tree::Access, rate: &Rate, subscriptions: u64) -> Self {
        let current = ArcSwap::from_pointee(Rules::new(conf, rate, subscriptions));
        Self { current, generation: AtomicU64::new(0) }
    }

    /// Puts other rules in force; what was looked up before counts until its holder sees the new generation.
    pub fn replace(&self, conf: &tree::Access, rate: &Rate, subscriptions: u64) {
        self.current.store(Arc::new(Rules::new(conf, rate, subscriptions)));
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Counts the sets of rules. Whoever keeps what was looked up reads it before, and looks again when it has changed.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Returns what the owner of a subscription may be told of; `None` if it may not have subscriptions.
    ///
    /// Nobody shows a token when a notification is sent. So of the rules that may be the owner's, according to the token that it
    /// would show, those count by which it may have subscriptions, and it is told what all of them let it see.
    pub fn told(&self, owner: &str) -> Option<Arc<Scope>> {
        self.current.load().told(owner)
    }

    /// Returns the tenants that a name may act for, according to the token that it would show.
    pub fn tenants(&self, name: &str) -> Vec<Arc<Tenant>> {
        self.current.load().possible(name).filter_map(|grant| grant.tenant.clone()).collect()
    }

    /// Returns what an identity gets that no rule matches.
    pub fn others(&self) -> Arc<Grant> {
        Arc::clone(&self.current.load().others)
    }

    /// Returns what an identity of this name gets without a token; `None` if it is a SPIFFE identity of a domain that is not
    /// trusted.
    pub fn of(&self, name: &str) -> Option<Arc<Grant>> {
        self.current.load().judge(name, None)
    }

    /// Returns what an identity of this name gets with a token; `None` as for [`Access::of`].
    pub fn with(&self, name: &str, token: &Token) -> Option<Arc<Grant>> {
        self.current.load().judge(name, Some(token))
    }
}

impl Rules {
    fn new(conf: &tree::Access, rate: &Rate, subscriptions: u64) -> Self {
        let tenants = Tenants::new(conf);
        let lines = conf.rules.iter().map(|rule| {
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
            Line { pattern: rule.r#match.clone(), token: rule.token.clone(), grant: Arc::new(grant) }
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
        let lines = lines.collect();
        Self { lines, others: Arc::new(others), trust_domains: conf.trust_domains.clone() }
    }

    /// As [`Access::told`].
    fn told(&self, owner: &str) -> Option<Arc<Scope>> {
        let mut told: Option<Arc<Scope>> = None;
        for grant in self.possible(owner).filter(|grant| grant.permissions.has(Permission::Subscribe)) {
            told = Some(match told {
                Some(told) if told.key() != grant.scope.key() => Arc::new(told.and(&grant.scope)),
                Some(_) | None => Arc::clone(&grant.scope),
            });
        }
        told
    }

    /// Returns what a name may get, in the order of the rules, up to what it gets whatever token it shows.
    fn possible(&self, name: &str) -> impl Iterator<Item = &Grant> {
        let mut found = Vec::new();
        if self.trusts(name) {
            for rule in self.lines.iter().filter(|rule| fits(&rule.pattern, name)) {
                found.push(&*rule.grant);
                if rule.token.is_none() {
                    return found.into_iter();
                }
            }
            found.push(&*self.others);
        }
        found.into_iter()
    }

    fn judge(&self, name: &str, token: Option<&Token>) -> Option<Arc<Grant>> {
        if !self.trusts(name) {
            return None;
        }
        let rule = self.lines.iter().find(|rule| rule.fits(name, token));
        Some(Arc::clone(rule.map_or(&self.others, |rule| &rule.grant)))
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

/// Returns whether a token says what a rule wants.
fn says(token: &Token, wanted: &TokenRule) -> bool {
    let matches = |pattern: &Option<String>, text: Option<&str>| {
        pattern.as_deref().is_none_or(|pattern| text.is_some_and(|text| fits(pattern, text)))
    };
    wanted.issuer.as_ref().is_none_or(|name| *name == token.issuer_name)
        && matches(&wanted.subject, token.subject.as_deref())
        && matches(&wanted.client, token.client.as_deref())
        && wanted.scopes.iter().all(|scope| token.scopes.contains(scope))
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

    fn token(client: &str, scopes: &[&str]) -> Token {
        Token {
            issuer_name: "idp".to_owned(),
            issuer: "https://idp".to_owned(),
            subject: Some("sub".to_owned()),
            client: Some(client.to_owned()),
            id: None,
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            expires: netweave_model::Timestamp(0),
            bound: false,
        }
    }

    fn with_token(wanted: TokenRule, rule: Rule) -> Rule {
        Rule { token: Some(wanted), ..rule }
    }

    fn scopes(scopes: &[&str]) -> TokenRule {
        TokenRule { scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(), ..TokenRule::default() }
    }

    #[test]
    fn a_rule_wants_all_that_it_says_of_a_token() {
        let text = |text: &str| Some(text.to_owned());
        let shown = token("smo-1", &["read", "write"]);
        for (wanted, expected) in [
            (TokenRule::default(), true),
            (scopes(&["read"]), true),
            (scopes(&["read", "write"]), true),
            (scopes(&["read", "admin"]), false),
            (TokenRule { client: text("smo-*"), ..TokenRule::default() }, true),
            (TokenRule { client: text("smo"), ..TokenRule::default() }, false),
            (TokenRule { subject: text("sub"), issuer: text("idp"), ..scopes(&["read"]) }, true),
            (TokenRule { subject: text("other"), ..TokenRule::default() }, false),
            (TokenRule { issuer: text("https://idp"), ..TokenRule::default() }, false),
        ] {
            assert_eq!(says(&shown, &wanted), expected, "{wanted:?}");
        }
        let nameless = Token { subject: None, client: None, ..shown };
        let anybody = TokenRule { client: text("*"), ..TokenRule::default() };
        assert!(!says(&nameless, &anybody), "who is not named fits no pattern");
    }

    #[test]
    fn without_a_token_rules_that_want_one_do_not_fit() {
        let rules =
            vec![with_token(scopes(&["admin"]), rule("*", &[Role::Admin])), rule("smo", &[Role::Reader])];
        let access = access(&tree::Access { rules, others: Vec::new(), ..tree::Access::default() });
        assert_eq!(access.of("smo").unwrap().roles, [Role::Reader]);
        assert_eq!(access.with("smo", &token("c", &["admin"])).unwrap().roles, [Role::Admin]);
        assert_eq!(access.with("smo", &token("c", &["other"])).unwrap().roles, [Role::Reader]);
        assert!(access.with("dms", &token("c", &[])).unwrap().roles.is_empty());
    }

    #[test]
    fn an_owner_is_told_what_each_rule_that_may_be_its_own_lets_it_see() {
        let seeing = |sources: &[&str], roles: &[Role]| Rule {
            scope: ScopeConf {
                sources: Some(sources.iter().map(|&name| name.to_owned()).collect()),
                ..ScopeConf::default()
            },
            ..rule("smo", roles)
        };
        let of_tenant = |name: &str, rule: Rule| Rule { tenant: Some(name.to_owned()), ..rule };
        let rules = vec![
            with_token(scopes(&["one"]), seeing(&["a", "b"], &[Role::Subscriber])),
            with_token(scopes(&["two"]), seeing(&["b", "c"], &[Role::Subscriber])),
            with_token(scopes(&["none"]), of_tenant("one", seeing(&["x"], &[Role::Reader]))),
            of_tenant("two", rule("smo", &[Role::Subscriber])),
            of_tenant("three", seeing(&["y"], &[Role::Subscriber])),
        ];
        let access = access(&tree::Access { rules, others: Vec::new(), ..tree::Access::default() });
        let told = access.told("smo").unwrap();
        let sees = |name: &str| told.covers_source(&name.into());
        assert_eq!(["a", "b", "c", "x", "y"].map(sees), [false, true, false, false, false]);
        assert!(access.told("dms").is_none(), "others may not subscribe");
        let tenants: Vec<_> = access.tenants("smo").iter().map(|tenant| tenant.name.clone()).collect();
        assert_eq!(tenants, ["one", "two"], "what comes after a rule that always fits is not reached");
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
