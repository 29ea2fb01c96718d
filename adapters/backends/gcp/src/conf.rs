//! The configuration section of a Google Compute Engine backend.

use netweave_http::origin;
use netweave_model::unit::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use url::Url;

/// The public address of the API.
const ENDPOINT: &str = "https://compute.googleapis.com";

/// Projects of Google Compute Engine, which are asked again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conf {
    /// Unique name; part of every object's id, so it must not change.
    #[schemars(length(min = 1, max = 63), extend("format" = "source-name"), example = &"gcp-1")]
    pub name: String,
    /// The projects, by their ids.
    #[schemars(length(min = 1, max = 64), example = ["ran-core", "ran-edge"])]
    pub projects: Vec<String>,
    /// The regions that are read; without any, all.
    #[serde(default)]
    #[schemars(length(max = 128), example = ["europe-north2", "europe-west3"])]
    pub regions: Vec<String>,
    /// The credentials: a service account's key, a workload identity federation or an impersonation, read again when they are
    /// refused; without one the usual places are asked in turn: environment, gcloud's folder, metadata server.
    #[serde(default)]
    #[schemars(example = &"gcp.json")]
    pub credentials_file: Option<PathBuf>,
    /// What is read as resources.
    #[serde(default = "Family::all")]
    #[schemars(length(min = 1, max = 3))]
    pub resources: Vec<Family>,
    /// What the pools of instances are: zones, or managed instance groups where there is one.
    #[serde(default)]
    pub pools: Pools,
    /// The mean pause between two looks.
    #[serde(default = "default_poll")]
    #[schemars(extend("x-minimum" = "1s", "x-maximum" = "1h"))]
    pub poll: Span,
    /// The address of the Compute Engine API, where it is not the public one.
    #[serde(default)]
    #[schemars(example = &"https://compute.example.net")]
    pub endpoint: Option<String>,
    /// Authorities of the API's certificate, as a PEM file, beside the platform's.
    #[serde(default)]
    #[schemars(example = &"ca.crt")]
    pub ca: Option<PathBuf>,
}

/// A family of resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Family {
    /// Virtual machines.
    Instances,
    /// Networks and their subnetworks.
    Networks,
    /// Persistent disks.
    Disks,
}

/// What the pools of instances are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Pools {
    /// Their zones.
    #[default]
    Zones,
    /// Their managed instance groups; instances without one are in the pool of their zone. Asks each group for its members.
    ManagedInstanceGroups,
}

fn default_poll() -> Span {
    Span::seconds(30)
}

impl Family {
    /// Returns all families.
    pub fn all() -> Vec<Self> {
        vec![Self::Instances, Self::Networks, Self::Disks]
    }
}

impl Conf {
    /// Returns what is wrong with the section, beyond its form: the key, and what to change.
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let mut faults = Vec::new();
        let project = |id: &String| name(id, &['-', '.', ':']);
        if self.projects.is_empty() || !self.projects.iter().all(project) {
            faults.push(("projects", "must be ids of projects, such as `ran-core`"));
        }
        if !self.regions.iter().all(|region| name(region, &['-'])) {
            faults.push(("regions", "must be names such as `europe-west3`"));
        }
        if self.address().is_none() {
            faults.push(("endpoint", "must be `https://HOST[:PORT]`, or `http://...` on this machine"));
        }
        faults
    }

    /// Returns the address of the API; `None` if it would carry the token in the clear, or is none.
    pub(crate) fn address(&self) -> Option<Url> {
        origin(self.endpoint.as_deref().unwrap_or(ENDPOINT))
    }
}

/// Tells whether a text is a name that may stand in a path as it is.
pub(crate) fn name(text: &str, marks: &[char]) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || marks.contains(&c);
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 128
        && !text.contains("..")
        && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf() -> Conf {
        serde_json::from_str(r#"{"name": "a", "projects": ["ran-core"]}"#).unwrap()
    }

    fn keys(conf: &Conf) -> Vec<&'static str> {
        conf.faults().into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn the_defaults_are_all_regions_and_everything_at_the_public_address() {
        let conf = conf();
        assert_eq!(keys(&conf), [""; 0]);
        assert_eq!(conf.address().unwrap().as_str(), "https://compute.googleapis.com/");
        assert_eq!((conf.pools, conf.regions.len(), conf.poll), (Pools::Zones, 0, Span::seconds(30)));
        assert_eq!(conf.resources, Family::all());
    }

    #[test]
    fn names_that_would_change_a_path_are_refused() {
        for text in ["", "a/b", "..", "a..b", "A", "a b", "a?b", "-a", "1a"] {
            let faulty = Conf { projects: vec![text.to_owned()], ..conf() };
            assert_eq!(keys(&faulty), ["projects"], "{text}");
            let faulty = Conf { regions: vec![text.to_owned()], ..conf() };
            assert_eq!(keys(&faulty), ["regions"], "{text}");
        }
        assert_eq!(keys(&Conf { projects: vec!["example.com:ran-1".to_owned()], ..conf() }), [""; 0]);
        assert_eq!(keys(&Conf { projects: Vec::new(), ..conf() }), ["projects"]);
    }

    #[test]
    fn the_token_goes_over_tls_or_stays_in_this_machine() {
        let at = |endpoint: &str| Conf { endpoint: Some(endpoint.to_owned()), ..conf() };
        for good in ["https://compute.p.example.net", "http://127.0.0.1:8080"] {
            assert_eq!(keys(&at(good)), [""; 0], "{good}");
        }
        for bad in ["http://compute.googleapis.com", "x"] {
            assert_eq!(keys(&at(bad)), ["endpoint"], "{bad}");
        }
    }
}
