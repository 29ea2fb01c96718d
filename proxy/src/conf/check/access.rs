//! Rules about who may do and see what.

use super::Findings;
use crate::conf::tree::{Access, Collection, Conf, Environment, Role, Rule};
use netweave_model::Kind;

pub(super) fn access(conf: &Conf, findings: &mut Findings) {
    let Access { trust_domains, tenants, rules, others, .. } = &conf.access;
    super::tokens::rules(conf, findings);
    for (index, domain) in trust_domains.iter().enumerate() {
        if domain.is_empty() || domain.contains('/') {
            findings.fault(
                format!("access.trustDomains[{index}]"),
                "must be the domain alone, such as `smo.example.net`",
            );
        }
    }
    if conf.environment == Environment::Prod && others.iter().any(|role| !harmless(*role)) {
        findings.fault(
            "access.others",
            "gives every client more than reading and subscribing; name those clients in a rule",
        );
    }
    for (index, tenant) in tenants.iter().enumerate() {
        let path = format!("access.tenants[{index}].name");
        if tenants.iter().take(index).any(|earlier| earlier.name == tenant.name) {
            findings.fault(path, "is there twice");
        } else if !rules.iter().any(|rule| rule.tenant.as_ref() == Some(&tenant.name)) {
            findings.warn(path, "is named by no rule, so nobody acts for it");
        }
    }
    for (index, rule) in rules.iter().enumerate() {
        one(conf, &format!("access.rules[{index}]"), rule, findings);
        let same = |earlier: &Rule| {
            earlier.r#match == rule.r#match && (earlier.token.is_none() || earlier.token == rule.token)
        };
        let earlier = rules.iter().take(index).position(same);
        if let Some(earlier) = earlier {
            let message = format!("is never reached: access.rules[{earlier}] has the same");
            findings.fault(format!("access.rules[{index}].match"), message);
        }
    }
}

const fn harmless(role: Role) -> bool {
    matches!(role, Role::Reader | Role::Subscriber)
}

fn one(conf: &Conf, path: &str, rule: &Rule, findings: &mut Findings) {
    if rule.r#match.is_empty() {
        findings.fault(format!("{path}.match"), "must be a name, or a pattern such as `*.smo.example.net`");
    }
    for (index, source) in rule.scope.sources.iter().flatten().enumerate() {
        if !conf.backends.iter().any(|backend| backend.name().as_str() == source) {
            let message = format!("there is no backend `{source}`");
            findings.fault(format!("{path}.scope.sources[{index}]"), message);
        }
    }
    let has = |kind| {
        rule.scope.collections.as_ref().is_some_and(|collections| collections.contains(&Collection(kind)))
    };
    if has(Kind::Resource) && !has(Kind::ResourcePool) {
        let message = "resources are reached through their pools: name `resourcePools` too";
        findings.fault(format!("{path}.scope.collections"), message);
    }
}
