//! Defaults that depend on the topology, and those of `serve --dev`; both lie below the file.

use super::tree::Environment;
use std::path::Path;

/// Returns what differs from the printed defaults in a topology, as a configuration file.
///
/// In a cluster, endpoints need longer to move on than a lone process needs to end.
pub fn topology(environment: Environment) -> (&'static str, &'static str) {
    match environment {
        Environment::Dev => ("dev", ""),
        Environment::Staging => ("staging", STAGING),
        Environment::Prod => ("prod", PROD),
    }
}

const STAGING: &str = "shutdown: { delay: 15s }\naudit: { retention: 30d }\n";
const PROD: &str = "shutdown: { delay: 15s }\naudit: { retention: 90d }\n";

/// What `serve --dev` sets up.
#[derive(Clone, Copy, Debug)]
pub struct Dev<'a> {
    /// The folder of certificates and state.
    pub dir: &'a Path,
    /// The cluster to serve; without one, the sample inventory in the folder.
    pub kubeconfig: Option<&'a Path>,
    /// Whether people read the log.
    pub terminal: bool,
}

/// Returns the defaults of `serve --dev`, as a configuration file.
///
/// All is on the loopback interface, so the limits are those of a load generator and callbacks may stay on this machine.
pub fn dev(dev: &Dev<'_>) -> String {
    let quoted = |path: &Path| serde_json::Value::from(path.to_string_lossy()).to_string();
    let file = |name: &str| quoted(&dev.dir.join(name));
    let backend = match dev.kubeconfig {
        Some(path) => format!("{{ name: cluster, kind: kubernetes, kubeconfig: {} }}", quoted(path)),
        None => format!("{{ name: sample, kind: file, path: {} }}", file(SAMPLE)),
    };
    format!(
        "environment: dev
access: {{ others: [admin, deployer] }}
oCloud: {{ id: dev, globalCloudId: dev, name: Development, description: A development gateway }}
api:
  listen: ['127.0.0.1:8443']
  tls: {{ certificate: {}, key: {}, clientCa: {} }}
ops: {{ listen: '127.0.0.1:8080' }}
limits: {{ connectionsPerIp: 10000, requestsPerSecond: 1000000, inFlight: 10000, inFlightPerIdentity: 10000, perIdentity: {{ rate: 1000000, burst: 1000000 }}, newSubscriptions: {{ rate: 1000000, burst: 1000000 }} }}
state: {{ kind: embedded, path: {} }}
subscriptions: {{ callback: {{ schemes: [https, http], allow: [127.0.0.0/8, '::1/128', localhost] }} }}
shutdown: {{ delay: 0ms }}
log: {{ format: {} }}
audit: {{ sinks: [file], file: {{ directory: {} }} }}
backends: [{backend}]
",
        file(SERVER_CERTIFICATE),
        file(SERVER_KEY),
        file(CA),
        file("netweave.db"),
        if dev.terminal { "text" } else { "json" },
        file(AUDIT),
    )
}

/// The development CA's certificate.
pub const CA: &str = "ca.crt";
/// The server's certificate, made by `serve --dev`.
pub const SERVER_CERTIFICATE: &str = "tls.crt";
/// The server's key.
pub const SERVER_KEY: &str = "tls.key";
/// The certificate of the SMO.
pub const CLIENT_CERTIFICATE: &str = "smo.crt";
/// The SMO's key.
pub const CLIENT_KEY: &str = "smo.key";
/// The folder of the audit log.
pub const AUDIT: &str = "audit";
/// The sample inventory.
pub const SAMPLE: &str = "inventory.yaml";
