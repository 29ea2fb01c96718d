//! The files of the gateways and of Prometheus.

use super::redis::{PASSWORD, SERVICE};
use super::state::{Kind, Lab, Part, failed, write};
use super::{pki, ports::Ports};
use crate::cli::Failure;
use serde_json::Value;
use std::path::Path;

/// The inventory that the gateways follow.
pub(super) const INVENTORY: &str = "inventory.yaml";
/// The key that seals the subscriptions' secrets.
pub(super) const SECRET_KEY: &str = "subscriptions.key";
/// A gateway's file, in the folder of its own.
pub(super) const GATEWAY: &str = "netweave.yaml";
/// The folder of a gateway's audit log.
pub(super) const AUDIT: &str = "audit";

/// The rules that Prometheus loads.
const RULES: [(&str, &str); 8] = [
    ("audit.yaml", include_str!("../../../../deploy/prometheus/rules/audit.yaml")),
    ("certificates.yaml", include_str!("../../../../deploy/prometheus/rules/certificates.yaml")),
    ("configuration.yaml", include_str!("../../../../deploy/prometheus/rules/configuration.yaml")),
    ("inventory.yaml", include_str!("../../../../deploy/prometheus/rules/inventory.yaml")),
    ("notifications.yaml", include_str!("../../../../deploy/prometheus/rules/notifications.yaml")),
    ("redis.yaml", include_str!("../../../../deploy/prometheus/rules/redis.yaml")),
    ("service.yaml", include_str!("../../../../deploy/prometheus/rules/service.yaml")),
    ("slo.yaml", include_str!("../../../../deploy/prometheus/rules/slo.yaml")),
];
/// The thresholds of three pods, but for their memory: those of the lab are to hold no more than one of the topology `dev`.
const TOPOLOGY: &str = include_str!("../../../../deploy/prometheus/topology/staging.yaml");
const MEMORY: [&str; 2] = ["vector(536870912)", "vector(134217728)"];

/// Returns a gateway's configuration: that of production, but on this machine alone, with lower limits and
/// shorter pauses.
pub(super) fn gateway(dir: &Path, part: &Part, ports: &Ports) -> String {
    let quoted = |path: &Path| Value::from(path.to_string_lossy()).to_string();
    let file = |name: &str| quoted(&dir.join(name));
    let sentinels: Vec<String> = ports.sentinels.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    format!(
        "apiVersion: netweave/v1
environment: dev
oCloud: {{ id: lab, globalCloudId: lab, name: Lab, description: 'The lab on this machine', serviceUri: 'https://127.0.0.1:{api}' }}
api:
  listen: ['127.0.0.1:{api}']
  tls: {{ certificate: {certificate}, key: {key}, clientCa: {ca}, crl: {crl} }}
ops: {{ listen: '127.0.0.1:{ops}' }}
access: {{ others: [admin, deployer] }}
limits: {{ shared: true, connectionsPerIp: 100, requestsPerSecond: 60, perIdentity: {{ rate: 1000, burst: 1000 }} }}
state:
  kind: redis
  sentinels: {sentinels}
  service: {SERVICE}
  username: netweave
  passwordFile: {password}
  sentinelUsername: netweave
  sentinelPasswordFile: {password}
subscriptions:
  secretKeyFiles: [{secret}]
  callback:
    schemes: [https, http]
    allow: [127.0.0.0/8]
    domains:
      - {{ name: lab, hosts: [smo.lab.example], certificate: {callback}, key: {callback_key} }}
delivery: {{ maxPause: 5s }}
shutdown: {{ delay: 0ms, grace: 5s }}
log: {{ format: json }}
audit:
  mode: strict
  sinks: [file, otlp]
  file: {{ directory: {audit}, segmentSize: 4KiB }}
  otlp: {{ url: 'http://127.0.0.1:{collector}/v1/logs' }}
backends: [{{ name: lab, kind: file, path: {inventory} }}]
",
        api = part.port,
        ops = part.ops,
        certificate = file("tls.crt"),
        key = file("tls.key"),
        ca = file(pki::CA),
        crl = file(pki::CRL),
        sentinels = Value::from(sentinels),
        password = file(PASSWORD),
        secret = file(SECRET_KEY),
        callback = file("callback.crt"),
        callback_key = file("callback.key"),
        audit = quoted(&part.home(dir).join(AUDIT)),
        collector = ports.collector,
        inventory = file(INVENTORY),
    )
}

/// Writes the files of Prometheus: the rules as they are shipped, and the three gateways as targets.
pub(super) fn prometheus(lab: &Lab, part: &Part) -> Result<(), Failure> {
    let home = part.home(&lab.dir);
    let rules = home.join("rules");
    std::fs::create_dir_all(&rules).map_err(|error| failed(&rules, &error))?;
    for (name, text) in RULES {
        write(&rules.join(name), text)?;
    }
    let [staging, own] = MEMORY;
    write(&rules.join("topology.yaml"), &TOPOLOGY.replace(staging, own))?;
    let targets: Vec<String> = lab.all(Kind::Gateway).map(|part| format!("127.0.0.1:{}", part.ops)).collect();
    let text = format!(
        "global: {{ scrape_interval: 5s, scrape_timeout: 4s, evaluation_interval: 5s }}
rule_files: [rules/*.yaml]
scrape_configs:
  - job_name: netweave-gateway
    static_configs: [{{ targets: {} }}]
",
        Value::from(targets)
    );
    write(&home.join("prometheus.yaml"), &text)
}
