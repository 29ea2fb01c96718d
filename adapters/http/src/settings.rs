//! What the operator says about outbound calls.

use crate::domain::DomainSettings;
use std::path::PathBuf;
use std::time::Duration;

/// The policy for callbacks; everything that is not named here is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Schemes: `https`, and `http` for development.
    pub schemes: Vec<String>,
    /// Ports; empty means any.
    pub ports: Vec<u16>,
    /// Networks (`10.0.0.0/8`), addresses and host names (`smo.example.net`, `*.example.net`) that are allowed although
    /// they are not public.
    pub allow: Vec<String>,
    /// Nothing but what `allow` names may be called, public or not.
    pub only_allowed: bool,
    /// Authorities for the callbacks' certificates, as a PEM file, beside the platform's.
    pub ca: Option<PathBuf>,
    /// Callbacks with authorities, certificates or tokens of their own; the first that covers a callback counts.
    pub domains: Vec<DomainSettings>,
    /// Time for a connection: resolution, TCP and TLS.
    pub connect_timeout: Duration,
    /// Time for one call from its start to the end of the answer.
    pub timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            schemes: vec!["https".to_owned()],
            ports: Vec::new(),
            allow: Vec::new(),
            only_allowed: false,
            ca: None,
            domains: Vec::new(),
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(5),
        }
    }
}
