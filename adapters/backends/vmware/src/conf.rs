//! The configuration section of a vCenter or ESXi host.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;
use url::Url;

/// Where the API is, below the address.
const PATH: &str = "/sdk";

/// A vCenter, or a standalone ESXi host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conf {
    /// Unique name; part of every object's id, so it must not change.
    #[schemars(length(min = 1, max = 63), extend("format" = "source-name"), example = &"vcenter-1")]
    pub name: String,
    /// The address: `https://HOST[:PORT]`; `http` in `dev` only.
    #[schemars(example = &"https://vcenter.example.net")]
    pub url: String,
    /// The user, with its domain.
    #[schemars(length(min = 1, max = 255), example = &"netweave@vsphere.local")]
    pub username: String,
    /// The file that holds the user's password; read at each login.
    #[schemars(example = &"vcenter.password")]
    pub password_file: PathBuf,
    /// The authorities of the server's certificate, or that certificate itself, as a PEM file; without it the authorities
    /// of the platform.
    #[serde(default)]
    #[schemars(example = &"vcenter-ca.crt")]
    pub ca: Option<PathBuf>,
    /// What is served as resources; without the list, everything.
    #[serde(default = "Served::all")]
    #[schemars(length(min = 1, max = 4), example = ["hosts", "virtualMachines"])]
    pub resources: BTreeSet<Served>,
    /// The URI under which others reach the API; without one, that under which the gateway does.
    #[serde(default)]
    #[schemars(example = &"https://vcenter.example.net/sdk")]
    pub service_uri: Option<String>,
}

/// What can be a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Served {
    /// ESXi hosts.
    Hosts,
    /// Virtual machines and templates.
    VirtualMachines,
    /// Datastores.
    Datastores,
    /// Standard networks and distributed port groups.
    Networks,
}

impl Served {
    /// Returns everything.
    pub fn all() -> BTreeSet<Self> {
        [Self::Hosts, Self::VirtualMachines, Self::Datastores, Self::Networks].into_iter().collect()
    }
}

impl Conf {
    /// Returns what is wrong with the section, beyond its form: the key, and what to change.
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let mut faults = Vec::new();
        if self.endpoint().is_none() {
            faults.push(("url", "must be `https://HOST[:PORT]`, without user, path and query"));
        }
        if self.resources.is_empty() {
            faults.push(("resources", "must not be empty"));
        }
        faults
    }

    /// Returns whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// Returns the URL of the API; `None` if the address is none.
    pub(crate) fn endpoint(&self) -> Option<String> {
        let mut url = Url::parse(&self.url).ok()?;
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let right = bare
            && matches!(url.scheme(), "https" | "http")
            && url.host().is_some()
            && matches!(url.path(), "" | "/" | PATH);
        right.then(|| {
            url.set_path(PATH);
            url.to_string()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(url: &str) -> Conf {
        let section = serde_json::json!({"name": "v", "url": url, "username": "u", "passwordFile": "p"});
        serde_json::from_value(section).unwrap()
    }

    #[test]
    fn an_address_is_a_host_and_nothing_else() {
        for (url, endpoint) in [
            ("https://vc.example.net", Some("https://vc.example.net/sdk")),
            ("https://vc.example.net/", Some("https://vc.example.net/sdk")),
            ("https://vc.example.net/sdk", Some("https://vc.example.net/sdk")),
            ("https://[::1]:8443", Some("https://[::1]:8443/sdk")),
            ("http://127.0.0.1:1", Some("http://127.0.0.1:1/sdk")),
            ("https://u:p@vc", None),
            ("https://vc/api", None),
            ("https://vc?x", None),
            ("ftp://vc", None),
            ("vc.example.net", None),
        ] {
            assert_eq!(conf(url).endpoint().as_deref(), endpoint, "{url}");
            assert_eq!(conf(url).faults().is_empty(), endpoint.is_some(), "{url}");
        }
    }

    #[test]
    fn everything_is_served_unless_the_section_says_what() {
        assert_eq!(conf("https://vc").resources, Served::all());
        let none = Conf { resources: BTreeSet::new(), ..conf("https://vc") };
        assert_eq!(none.faults()[0].0, "resources");
    }
}
