//! Every metric family of the gateway, in one registry.
//!
//! Names under `o2ims_` come from the operations documents, new ones start with `netweave_`. Labels come from closed
//! sets (route templates, backend names of the configuration, kinds), never from ids or addresses.

use super::exemplars::Exemplars;
use super::openmetrics;
use netweave_model::{Error, Result};
use prometheus::{
    Encoder, Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};

/// Bucket edges in seconds; the service level objectives (0.1, 0.5, 1) are edges.
pub(crate) const SECONDS: &[f64; 15] =
    &[0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Bucket edges in bytes.
const BYTES: &[f64] = &[256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0];

macro_rules! families {
    ($($(#[$doc:meta])* $field:ident: $type:ty = $make:ident($name:literal, $help:literal $(, $labels:expr)?);)*) => {
        /// All families, registered once.
        pub struct Metrics {
            registry: Registry,
            /// The exemplars of histograms.
            pub exemplars: Exemplars,
            $($(#[$doc])* pub $field: $type,)*
        }

        impl Metrics {
            /// Registers all families in a registry of their own.
            ///
            /// # Errors
            /// `Internal`: a family is named twice.
            pub fn new() -> Result<Self> {
                let registry = Registry::new();
                Ok(Self {
                    $($field: $make(&registry, $name, $help $(, $labels)?).map_err(faulty)?,)*
                    registry,
                    exemplars: Exemplars::default(),
                })
            }
        }
    };
}

families! {
    /// 1 while the process serves.
    up: IntGauge = gauge("o2ims_up", "1 while the gateway serves");
    /// Build facts as labels, always 1.
    build_info: IntGaugeVec = gauge_vec("netweave_build_info", "Build facts as labels", &["version"]);
    /// Requests answered, by method, route template and status.
    http_requests: IntCounterVec = counter_vec("o2ims_http_requests_total", "Requests answered", &["method", "path", "status"]);
    /// Time from the request's head to the answer's end.
    http_duration: HistogramVec = seconds("o2ims_http_request_duration_seconds", "Time to answer a request", &["method", "path"]);
    /// Requests being answered now.
    http_in_flight: IntGauge = gauge("o2ims_http_requests_in_flight", "Requests being answered now");
    /// Size of answers' bodies.
    http_response_size: HistogramVec = bytes("o2ims_http_response_size_bytes", "Size of the answers' bodies", &["path"]);
    /// Open API connections.
    connections: IntGauge = gauge("netweave_connections", "Open connections on the API listener");
    /// Connections refused before a request, by reason.
    connections_refused: IntCounterVec = counter_vec("netweave_connections_refused_total", "Connections closed before a request was accepted", &["reason"]);
    /// HTTP/2 connections that were closed because they sent very many frames for nothing.
    connections_flooded: IntCounter = counter("netweave_connections_flooded_total", "HTTP/2 connections closed because of a flood of frames");
    /// Requests refused by a limit, by limit.
    limited: IntCounterVec = counter_vec("netweave_requests_limited_total", "Requests refused by a limit", &["limit"]);
    /// Exchanges of what processes let through that failed: limits then hold for each alone.
    limits_not_shared: IntCounter = counter("netweave_limits_exchange_failures_total", "Exchanges between processes of what limits let through that failed; meanwhile each process limits for itself");
    /// When certificates end, by role.
    certificate_expiry: GaugeVec = float_gauge_vec("netweave_tls_certificate_expiration_timestamp_seconds", "When a certificate ends, in seconds since 1970", &["role"]);
    /// Exchanges of the listener's certificates, by result.
    certificate_reloads: IntCounterVec = counter_vec("netweave_tls_reloads_total", "Exchanges of the API listener's certificates", &["result"]);
    /// When the first revocation list is to be replaced.
    crl_next_update: Gauge = float_gauge("netweave_tls_crl_next_update_timestamp_seconds", "When the first revocation list is to be replaced, in seconds since 1970");
    /// Connections that were closed because their certificate was no longer believed.
    connections_distrusted: IntCounter = counter("netweave_connections_distrusted_total", "Connections closed because their certificate was no longer believed");

    /// Calls to backends, by outcome.
    adapter_operations: IntCounterVec = counter_vec("o2ims_adapter_operations_total", "Backend operations", &["adapter", "operation", "status"]);
    /// Time of calls to backends.
    adapter_duration: HistogramVec = seconds("o2ims_adapter_operation_duration_seconds", "Time of backend operations", &["adapter", "operation"]);
    /// Failed calls to backends, by kind of error.
    adapter_errors: IntCounterVec = counter_vec("o2ims_adapter_operation_errors_total", "Failed backend operations", &["adapter", "error_type"]);
    /// Calls of backends to their infrastructure, by what was asked for and how it was answered.
    backend_requests: IntCounterVec = counter_vec("o2ims_adapter_backend_requests_total", "Calls of backends to their infrastructure", &["adapter", "endpoint", "method", "status"]);
    /// Time of these calls.
    backend_latency: HistogramVec = seconds("o2ims_adapter_backend_latency_seconds", "Time of calls of backends to their infrastructure", &["adapter", "endpoint"]);
    /// Those that failed: no answer, or one of 400 and above.
    backend_errors: IntCounterVec = counter_vec("o2ims_adapter_backend_errors_total", "Calls of backends to their infrastructure that failed", &["adapter", "error_type"]);
    /// Answers found in the response cache, by class.
    cache_hits: IntCounterVec = counter_vec("o2ims_adapter_cache_hits_total", "Answers found in the response cache", &["class"]);
    /// Answers rendered afresh, by class.
    cache_misses: IntCounterVec = counter_vec("o2ims_adapter_cache_misses_total", "Answers not found in the response cache", &["class"]);
    /// Answers served although their source is older than its lifetime, by class.
    cache_stale: IntCounterVec = counter_vec("netweave_cache_stale_total", "Answers served although their source is older than its lifetime", &["class"]);
    /// Answers found in the second level of the response cache.
    cache_second_hits: IntCounter = counter("netweave_cache_second_hits_total", "Answers found in the shared response cache");
    /// Answers that the second level did not have or did not say, by reason.
    cache_second_misses: IntCounterVec = counter_vec("netweave_cache_second_misses_total", "Answers that the shared response cache did not give", &["reason"]);
    /// Answers stored in the second level.
    cache_second_fills: IntCounter = counter("netweave_cache_second_fills_total", "Answers stored in the shared response cache");
    /// Answers that were not to be stored in the second level, by reason.
    cache_second_skipped: IntCounterVec = counter_vec("netweave_cache_second_skipped_total", "Answers that were left out of the shared response cache", &["reason"]);
    /// Calls to the second level that failed, by operation.
    cache_second_errors: IntCounterVec = counter_vec("netweave_cache_second_errors_total", "Calls to the shared response cache that failed or came too late", &["operation"]);
    /// Time of look-ups in the second level.
    cache_second_duration: HistogramVec = seconds("netweave_cache_second_duration_seconds", "Time of look-ups in the shared response cache", &["outcome"]);
    /// Objects known, by source and kind.
    resources: IntGaugeVec = gauge_vec("o2ims_adapter_resources_total", "Objects known", &["adapter", "resource_type"]);
    /// Pools known, by source.
    resource_pools: IntGaugeVec = gauge_vec("o2ims_adapter_resource_pools_total", "Resource pools known", &["adapter"]);
    /// 1 while a source's change stream is live.
    health_status: IntGaugeVec = gauge_vec("o2ims_adapter_health_check_status", "1 while the backend answers", &["adapter"]);
    /// Time of the latest probe of a source.
    health_duration: HistogramVec = seconds("o2ims_adapter_health_check_duration_seconds", "Time of backend probes", &["adapter"]);
    /// Seconds since a source last confirmed its state.
    source_age: GaugeVec = float_gauge_vec("netweave_source_age_seconds", "Seconds since a source last confirmed its state", &["adapter"]);

    /// Subscriptions that exist.
    subscriptions: IntGauge = gauge("o2ims_adapter_subscriptions_active", "Subscriptions that exist");
    /// Subscriptions that ended without a delete.
    subscriptions_expired: IntCounter = counter("netweave_subscriptions_expired_total", "Subscriptions whose lease ran out");
    /// Callbacks that were dead when probed before their lease ran out.
    lease_warnings: IntCounter = counter("netweave_subscription_lease_warnings_total", "Callbacks that did not answer when probed before the lease ran out");
    /// Delivery attempts, by outcome.
    webhook_deliveries: IntCounterVec = counter_vec("o2ims_webhook_deliveries_total", "Delivery attempts", &["status"]);
    /// Attempts after the first.
    webhook_retries: IntCounter = counter("o2ims_webhook_retries_total", "Delivery attempts after the first");
    /// Items that became dead letters.
    webhook_dead: IntCounter = counter("o2ims_webhook_dlq_total", "Notifications that became dead letters");
    /// Files for callbacks that were loaded again, by what they hold and result.
    webhook_reloads: IntCounterVec = counter_vec("netweave_webhook_reloads_total", "Files for callbacks that were loaded again", &["what", "result"]);
    /// Calls for tokens of callbacks, by result.
    webhook_tokens: IntCounterVec = counter_vec("netweave_webhook_token_requests_total", "Calls for tokens that callbacks ask for", &["result"]);
    /// Subscriptions by how their secrets lie in the store.
    subscription_secrets: IntGaugeVec = gauge_vec("netweave_subscription_secrets", "Subscriptions by how their secrets lie in the store", &["form"]);
    /// Subscriptions whose secrets were sealed anew.
    subscription_secrets_resealed: IntCounter = counter("netweave_subscription_secrets_resealed_total", "Subscriptions whose secrets were sealed anew");
    /// From commit to the consumer's 2xx.
    webhook_latency: HistogramVec = seconds("o2ims_webhook_latency_seconds", "Time from the commit of a change to its acknowledged delivery", &["attempt"]);
    /// Notifications that wait, over all subscriptions.
    backlog_items: IntGauge = gauge("netweave_delivery_backlog_items", "Notifications that wait, of all subscriptions");
    /// Age of the oldest of them.
    backlog_age: Gauge = float_gauge("netweave_delivery_backlog_age_seconds", "Age of the oldest notification that waits; 0 if none does");
    /// Deliveries in flight.
    webhook_workers: IntGauge = gauge("o2ims_active_webhook_workers", "Deliveries in flight");
    /// Log entries not yet fanned out.
    stream_length: IntGauge = gauge("o2ims_event_stream_length", "Change log entries not yet fanned out");
    /// Log entries that views have not applied yet.
    follow_lag: IntGauge = gauge("netweave_follow_lag_entries", "Change log entries that the views have not applied yet");
    /// Rounds of background services, by outcome.
    service_rounds: IntCounterVec = counter_vec("netweave_service_rounds_total", "Rounds of background services", &["service", "outcome"]);
    /// Failed rounds of a service since its last good one.
    service_failed_rounds: IntGaugeVec = gauge_vec("netweave_service_failed_rounds", "Failed rounds of a background service since its last good one", &["service"]);
    /// 1 while a server answers, by role.
    redis_up: IntGaugeVec = gauge_vec("netweave_redis_up", "1 while the server answers", &["role"]);
    /// 1 if the server that is used takes writes.
    redis_primary: IntGaugeVec = gauge_vec("netweave_redis_primary", "1 if the server that is used is a primary", &["role"]);
    /// Replicas that follow the server.
    redis_replicas: IntGaugeVec = gauge_vec("netweave_redis_connected_replicas", "Replicas that are online", &["role"]);
    /// Time since the replica that lags most was last heard of.
    redis_lag_seconds: IntGaugeVec = gauge_vec("netweave_redis_replica_lag_seconds", "Seconds since the replica that lags most was last heard of", &["role"]);
    /// Changes that the replica that lags most has not confirmed.
    redis_lag_bytes: IntGaugeVec = gauge_vec("netweave_redis_replica_lag_bytes", "Bytes of changes that the replica that lags most has not confirmed", &["role"]);
    /// Memory of the server in use.
    redis_used: IntGaugeVec = gauge_vec("netweave_redis_memory_used_bytes", "Memory of the server in use", &["role"]);
    /// The most memory that the server may use.
    redis_max: IntGaugeVec = gauge_vec("netweave_redis_memory_max_bytes", "The most memory that the server may use; 0 is no limit", &["role"]);
    /// Keys that the server dropped.
    redis_evicted: IntGaugeVec = gauge_vec("netweave_redis_evicted_keys", "Keys that the server has dropped since it started, because memory was full", &["role"]);
    /// 1 if the server writes each change to its disk.
    redis_append_only: IntGaugeVec = gauge_vec("netweave_redis_append_only", "1 if the server writes each change to its disk", &["role"]);
    /// Sentinels that answer.
    redis_sentinels: IntGaugeVec = gauge_vec("netweave_redis_sentinels", "Sentinels that answer", &["role"]);
    /// What is not as it should be on a server, by severity.
    redis_findings: IntGaugeVec = gauge_vec("netweave_redis_findings", "What is not as it should be; see netweave redis check", &["role", "severity"]);
    /// What this process could tell a server that lost it, by kind.
    redis_journal: IntGaugeVec = gauge_vec("netweave_redis_journal_length", "What this process could tell a server that lost it", &["role", "kind"]);
    /// How often another server took over, or one lost its data.
    redis_switches: IntCounter = counter("netweave_redis_switches_total", "How often another server took over, or one lost its data");
    /// Subscriptions that had vanished from a server and were put back.
    redis_mended: IntCounter = counter("netweave_redis_mended_total", "Subscriptions that had vanished from the server, whole or in part, and were put back");
    /// What this process told servers that lacked it.
    redis_replayed: IntCounter = counter("netweave_redis_journal_replayed_total", "Subscriptions and log entries that this process told servers that lacked them");
    /// Time of calls to servers, by script and outcome.
    redis_duration: HistogramVec = seconds("netweave_redis_command_duration_seconds", "Time of calls to servers", &["command", "outcome"]);
    /// When a server refused a script for want of a right, by script.
    redis_denied: GaugeVec = float_gauge_vec("netweave_redis_denied_timestamp_seconds", "When a server refused a call last because the user lacks a right, in seconds since 1970", &["command"]);
    /// Audit records that a sink took.
    audit_records: IntCounterVec = counter_vec("netweave_audit_records_total", "Audit records that a sink took", &["sink"]);
    /// Audit records that were lost before or at a sink.
    audit_dropped: IntCounterVec = counter_vec("netweave_audit_dropped_total", "Audit records that were lost; must stay 0", &["place"]);
    /// 1 while a sink takes records.
    audit_sink_up: IntGaugeVec = gauge_vec("netweave_audit_sink_up", "1 while an audit sink takes records", &["sink"]);
    /// Changes that were refused because no sink keeps records safe.
    audit_refused: IntCounter = counter("netweave_audit_refused_total", "Changes that were refused because no audit sink takes records");
    /// Requests whose token was looked at, by outcome.
    token_checks: IntCounterVec = counter_vec("netweave_token_checks_total", "Requests whose bearer token was looked at", &["outcome"]);
    /// Fetches of the keys of issuers, by result.
    token_fetches: IntCounterVec = counter_vec("netweave_token_key_fetches_total", "Fetches of the keys of token issuers", &["issuer", "result"]);
    /// Keys of issuers.
    token_keys: IntGaugeVec = gauge_vec("netweave_token_keys", "Keys of token issuers that are of use", &["issuer"]);
    /// When the keys of issuers were fetched last.
    token_keys_fetched: GaugeVec = float_gauge_vec("netweave_token_keys_fetched_timestamp_seconds", "When the keys of a token issuer were fetched last, in seconds since 1970", &["issuer"]);
    /// 1 if the configuration that was read last is in force.
    config_ok: IntGauge = gauge("netweave_config_last_reload_successful", "1 if the configuration that was read last had no fault");
    /// Configurations that were read while the gateway served, by result.
    config_reloads: IntCounterVec = counter_vec("netweave_config_reloads_total", "Configurations that were read again", &["result"]);
    /// 1 while `/readyz` says that requests should be sent here.
    ready: IntGauge = gauge("netweave_ready", "1 while the gateway is ready");
    /// When the process started.
    process_start: Gauge = float_gauge("process_start_time_seconds", "When the process started, in seconds since 1970");
    /// Spans, by what became of them.
    trace_spans: IntCounterVec = counter_vec("netweave_trace_spans_total", "Spans by what became of them: sent, failed, dropped", &["outcome"]);
    /// Resident memory of the process.
    resident: Gauge = float_gauge("process_resident_memory_bytes", "Resident memory");
}

impl Metrics {
    /// Renders all families in the Prometheus text format 0.0.4.
    ///
    /// # Errors
    /// `Internal`: the encoder refused.
    pub fn render(&self) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(32 * 1024);
        TextEncoder::new().encode(&self.registry.gather(), &mut out).map_err(faulty)?;
        Ok(out)
    }

    /// Renders all families, with exemplars, as `OpenMetrics` text 1.0.0.
    pub fn render_open(&self) -> Vec<u8> {
        openmetrics::encode(&self.registry.gather(), &self.exemplars).into_bytes()
    }
}

fn faulty(error: prometheus::Error) -> Error {
    Error::internal("a metric family is faulty").with_source(error)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    let family = IntGauge::new(name, help)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

fn float_gauge(registry: &Registry, name: &str, help: &str) -> prometheus::Result<Gauge> {
    let family = Gauge::new(name, help)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

fn gauge_vec(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<IntGaugeVec> {
    let family = IntGaugeVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

fn float_gauge_vec(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<GaugeVec> {
    let family = GaugeVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

fn counter(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntCounter> {
    let family = IntCounter::new(name, help)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

fn counter_vec(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<IntCounterVec> {
    let family = IntCounterVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

fn seconds(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<HistogramVec> {
    histogram(registry, name, help, labels, SECONDS)
}

fn bytes(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<HistogramVec> {
    histogram(registry, name, help, labels, BYTES)
}

fn histogram(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
    edges: &[f64],
) -> prometheus::Result<HistogramVec> {
    let family = HistogramVec::new(HistogramOpts::new(name, help).buckets(edges.to_vec()), labels)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_register_and_render() {
        let metrics = Metrics::new().unwrap();
        metrics.up.set(1);
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        assert!(text.contains("o2ims_up 1"), "{text}");
    }
}
