//! What is left of an object for who may not see all of it.

use bytes::Bytes;
use netweave_model::{Error, Result};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What stands in the place of a credential.
const HIDDEN: &str = "***";
/// Marks of members whose values are credentials, in lower case without separators.
const MARKS: [&str; 9] = [
    "password",
    "passwd",
    "secret",
    "token",
    "privatekey",
    "clientkey",
    "adminkey",
    "credential",
    "kubeconfig",
];

/// Hides the values of all members whose names mark them as credentials.
pub(super) fn credentials(json: &Bytes) -> Result<Bytes> {
    change(json, hide)
}

/// Takes the pools that may not be seen out of a site's list.
pub(super) fn pools(json: &Bytes, seen: &BTreeSet<String>) -> Result<Bytes> {
    change(json, |object| {
        let Some(Value::Array(pools)) = object.get_mut("resourcePools") else { return false };
        let before = pools.len();
        pools.retain(|pool| pool.as_str().is_some_and(|pool| seen.contains(pool)));
        pools.len() < before
    })
}

/// Changes an object; if nothing is to be changed, its own bytes are shared.
fn change(json: &Bytes, change: impl FnOnce(&mut Map<String, Value>) -> bool) -> Result<Bytes> {
    let unreadable = |error| Error::internal("an inventory object is no JSON").with_source(error);
    let mut object: Map<String, Value> = serde_json::from_slice(json).map_err(unreadable)?;
    if !change(&mut object) {
        return Ok(json.clone());
    }
    serde_json::to_vec(&object).map(Into::into).map_err(unreadable)
}

/// Returns whether something was hidden.
fn hide(object: &mut Map<String, Value>) -> bool {
    let mut changed = false;
    for (name, value) in object {
        if is_credential(name) && !value.is_null() {
            *value = HIDDEN.into();
            changed = true;
        } else {
            changed |= hide_below(value);
        }
    }
    changed
}

fn hide_below(value: &mut Value) -> bool {
    match value {
        Value::Object(object) => hide(object),
        Value::Array(items) => {
            let mut changed = false;
            for item in items {
                changed |= hide_below(item);
            }
            changed
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn is_credential(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    MARKS.iter().any(|mark| plain.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bytes(value: &Value) -> Bytes {
        value.to_string().into()
    }

    #[test]
    fn credentials_are_hidden_at_every_depth_and_nothing_else_is() {
        let manager = json!({
            "name": "k8s",
            "extensions": {
                "profileData": { "admin_user": "root", "admin_client_key": "S1", "users": [{ "accessToken": "S2" }] },
                "kubeconfig": { "clusters": ["S3"] },
                "Password": "S4",
                "client-key-data": "S5",
                "secretName": null,
            },
        });
        let shown: Value = serde_json::from_slice(&credentials(&bytes(&manager)).unwrap()).unwrap();
        let extensions = &shown["extensions"];
        assert_eq!(extensions["profileData"]["admin_user"], "root");
        for hidden in [
            &extensions["profileData"]["admin_client_key"],
            &extensions["profileData"]["users"][0]["accessToken"],
            &extensions["kubeconfig"],
            &extensions["Password"],
            &extensions["client-key-data"],
        ] {
            assert_eq!(*hidden, "***");
        }
        assert_eq!(extensions["secretName"], Value::Null);
    }

    #[test]
    fn an_object_without_credentials_keeps_its_bytes() {
        let json = bytes(&json!({ "name": "k8s", "extensions": {} }));
        assert_eq!(credentials(&json).unwrap().as_ptr(), json.as_ptr());
    }

    #[test]
    fn a_site_names_only_the_pools_that_may_be_seen() {
        let json = bytes(&json!({ "resourcePools": ["a", "b", "c"], "name": "site" }));
        let seen = ["b", "x"].map(str::to_owned).into();
        let shown: Value = serde_json::from_slice(&pools(&json, &seen).unwrap()).unwrap();
        assert_eq!(shown, json!({ "resourcePools": ["b"], "name": "site" }));
    }
}
