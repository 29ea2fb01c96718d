//! Which keys a running gateway takes over when its configuration is read again, and which two configurations differ in.

use super::tree::Conf;
use serde_json::{Map, Value};

/// The keys that are taken over, each with everything below it. All others need a restart.
pub const LIVE: &[&str] = &[
    "access.others",
    "access.rules",
    "access.tenants",
    "access.trustDomains",
    "api.allow",
    "cache.ttl",
    "delivery.maxPause",
    "delivery.retention",
    "limits.connectionsPerIp",
    "limits.inFlight",
    "limits.inFlightPerIdentity",
    "limits.newSubscriptions",
    "limits.perIdentity",
    "limits.requestsPerSecond",
    "log.level",
    "ops.allow",
    "subscriptions.callback.allow",
    "subscriptions.callback.onlyAllowed",
    "subscriptions.callback.ports",
    "subscriptions.callback.schemes",
    "subscriptions.perOwner",
];

/// Says whether a running gateway takes a key over; `path` is spelled as in faults, `access.rules[0].match`.
pub fn is_live(path: &str) -> bool {
    LIVE.iter().any(|key| {
        path.strip_prefix(key)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['))
    })
}

/// Returns the paths of the keys whose values differ, in the order of their names; a list is one value.
pub fn changed(before: &Conf, after: &Conf) -> Vec<String> {
    let tree = |conf| serde_json::to_value(conf).unwrap_or_default();
    let mut paths = Vec::new();
    walk("", &tree(before), &tree(after), &mut paths);
    paths
}

fn walk(path: &str, before: &Value, after: &Value, paths: &mut Vec<String>) {
    if before == after {
        return;
    }
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return paths.push(path.to_owned());
    };
    let mut keys: Vec<&String> =
        before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))).collect();
    keys.sort();
    let of = |tree: &Map<String, Value>, key: &str| tree.get(key).cloned().unwrap_or_default();
    for key in keys {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        walk(&path, &of(before, key), &of(after, key), paths);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::schema::{self, Schema};
    use crate::conf::unit::Span;

    #[test]
    fn every_live_key_is_a_key() {
        let document = schema::document();
        for path in LIVE {
            let mut place = Some(Schema::new(&document));
            for step in path.split('.') {
                place = place.and_then(|place| place.property(step));
            }
            assert!(place.is_some(), "{path}");
        }
    }

    #[test]
    fn what_is_below_a_live_key_is_live_and_what_is_beside_it_is_not() {
        for path in
            ["access.rules", "access.rules[0].match", "limits.perIdentity.rate", "cache.ttl.resources"]
        {
            assert!(is_live(path), "{path}");
        }
        for path in ["access", "access.rulesX", "limits.body", "api.tls.key", "log.format", ""] {
            assert!(!is_live(path), "{path}");
        }
    }

    #[test]
    fn keys_that_differ_are_named_once_each() {
        let before = Conf::default();
        let mut after = before.clone();
        assert!(changed(&before, &after).is_empty());
        after.limits.per_identity.rate += 1;
        after.cache.ttl.resources = Span::seconds(7);
        after.api.allow.push("10.0.0.0/8".to_owned());
        assert_eq!(changed(&before, &after), ["api.allow", "cache.ttl.resources", "limits.perIdentity.rate"]);
    }
}
