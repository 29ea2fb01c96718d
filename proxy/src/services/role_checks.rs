//! Role checks: asks the servers of the state and of the shared cache how they fare, and tells health, metrics and, once per
//! change, the log.
//!
//! Nothing that is found takes the process out of service: reads go on from what is known, whatever a server does. Only
//! a start in production is refused, if the server of the state would drop what it acknowledged. A server that does not
//! answer then is judged as soon as it does, and what is found is told: ending would help nobody.
//!
//! Each round also has the store put back what vanished from its server.

use super::Service;
use crate::ops::Check;
use crate::telemetry::metrics::Metrics;
use async_trait::async_trait;
use futures::future::join_all;
use netweave_model::port::{Finding, ServerHealth, Severity, StoreHealth, StoreReport};
use netweave_model::{Error, Result};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::{error, info, warn};

/// How often it asks.
const PAUSE: Duration = Duration::from_secs(5);

/// The service.
pub struct RoleChecks {
    servers: Vec<Server>,
    metrics: Arc<Metrics>,
}

/// A server to look after, by its role.
pub enum Role {
    /// It holds the state.
    State(Arc<dyn StoreHealth>),
    /// It holds answers that can be had again.
    Cache(Arc<dyn ServerHealth>),
}

/// The server of one role.
struct Server {
    role: Role,
    /// What it said last; `None` if it did not answer.
    report: Mutex<Option<StoreReport>>,
    /// What was told to the log: codes of findings, or that it does not answer.
    told: Mutex<BTreeSet<&'static str>>,
}

/// The code of a server that does not answer.
const SILENT: &str = "silent";

impl RoleChecks {
    /// Asks each server for the first time.
    ///
    /// # Errors
    /// `Invalid`: the process is `strict`, and a server may drop what it acknowledged.
    pub async fn begin(servers: Vec<Role>, metrics: Arc<Metrics>, strict: bool) -> Result<Self> {
        let server = |role| Server { role, report: Mutex::default(), told: Mutex::default() };
        let checks = Self { servers: servers.into_iter().map(server).collect(), metrics };
        checks.look().await;
        match checks.servers.iter().find_map(Server::forbidden) {
            Some(message) if strict => Err(Error::invalid("state", message)),
            _ => Ok(checks),
        }
    }

    /// Returns how each server fares, as readiness tells it: none of them makes the process unready.
    pub fn checks(&self) -> Vec<Check> {
        self.servers.iter().map(Server::check).collect()
    }

    async fn look(&self) {
        join_all(self.servers.iter().map(|server| server.look(&self.metrics))).await;
    }
}

impl Role {
    /// The role as health, metrics and the log have it.
    const fn name(&self) -> &'static str {
        match self {
            Self::State(_) => "state",
            Self::Cache(_) => "cache",
        }
    }

    /// What a server that does not answer means.
    const fn silence(&self) -> &'static str {
        match self {
            Self::State(_) => "the server does not answer; what is known is served",
            Self::Cache(_) => "the server does not answer; answers are made without it",
        }
    }

    async fn report(&self) -> Result<StoreReport> {
        match self {
            Self::State(health) => health.report().await,
            Self::Cache(health) => health.report().await,
        }
    }
}

#[async_trait]
impl Service for RoleChecks {
    fn name(&self) -> &'static str {
        "roleChecks"
    }

    async fn activate(&self) -> Result<bool> {
        self.look().await;
        for server in &self.servers {
            server.mend(&self.metrics).await?;
        }
        Ok(false)
    }

    async fn wait(&self) {
        tokio::time::sleep(PAUSE).await;
    }
}

impl Server {
    async fn look(&self, metrics: &Metrics) {
        let report = self.role.report().await;
        measure(metrics, &self.role, report.as_ref().ok());
        match &report {
            Ok(report) => self.tell(&report.findings),
            Err(error) => self.tell_silence(error),
        }
        *self.report() = report.ok();
    }

    /// Has what vanished put back, if the server answers.
    async fn mend(&self, metrics: &Metrics) -> Result<()> {
        let answers = self.report().is_some();
        if let Role::State(health) = &self.role
            && answers
        {
            metrics.redis_mended.inc_by(health.mend().await?);
        }
        Ok(())
    }

    fn report(&self) -> MutexGuard<'_, Option<StoreReport>> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self) -> MutexGuard<'_, BTreeSet<&'static str>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the log what is new, and when all is well again.
    fn tell(&self, findings: &[Finding]) {
        let found = findings.iter().map(|finding| finding.code).collect();
        let told = std::mem::replace(&mut *self.told(), found);
        for finding in findings.iter().filter(|finding| !told.contains(finding.code)) {
            let tell = if finding.severity == Severity::Warning { tell_warning } else { tell_error };
            tell(self.role.name(), finding);
        }
        if findings.is_empty() && !told.is_empty() {
            info!(role = self.role.name(), "a server is as it should be again");
        }
    }

    fn tell_silence(&self, error: &Error) {
        if self.told().insert(SILENT) {
            warn!(role = self.role.name(), %error, "{}", self.role.silence());
        }
    }

    fn check(&self) -> Check {
        let report = self.report();
        let detail = match &*report {
            None => self.role.silence().to_owned(),
            Some(report) => report.findings.iter().map(sentence).collect::<Vec<_>>().join("; "),
        };
        Check { name: self.role.name().to_owned(), ok: true, degraded: !detail.is_empty(), detail }
    }

    /// Says why a process that is strict must not start on it.
    fn forbidden(&self) -> Option<String> {
        let report = self.report();
        let findings = &report.as_ref()?.findings;
        findings.iter().find(|finding| finding.severity == Severity::Forbidden).map(sentence)
    }
}

fn tell_warning(role: &str, Finding { code, what, change, .. }: &Finding) {
    warn!(role, code, what, change, "a server is not as it should be");
}

fn tell_error(role: &str, Finding { code, what, change, .. }: &Finding) {
    error!(role, code, what, change, "a server is not as it must be");
}

fn sentence(finding: &Finding) -> String {
    format!("{}: {}", finding.what, finding.change)
}

/// Writes what a server said to its metric families; what it said before stays when it is silent.
fn measure(metrics: &Metrics, of: &Role, report: Option<&StoreReport>) {
    let role = &[of.name()];
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    metrics.redis_up.with_label_values(role).set(i64::from(report.is_some()));
    let Some(report) = report else { return };
    let online = || report.replicas.iter().filter(|replica| replica.online);
    let longest = |length: fn(&netweave_model::port::Replica) -> u64| online().map(length).max().unwrap_or(0);
    metrics.redis_primary.with_label_values(role).set(i64::from(report.primary));
    metrics.redis_replicas.with_label_values(role).set(count(online().count()));
    metrics.redis_lag_seconds.with_label_values(role).set(number(longest(|one| one.lag_seconds)));
    metrics.redis_lag_bytes.with_label_values(role).set(number(longest(|one| one.behind_bytes)));
    metrics.redis_used.with_label_values(role).set(number(report.used_bytes));
    metrics.redis_max.with_label_values(role).set(number(report.max_bytes));
    metrics.redis_evicted.with_label_values(role).set(number(report.evicted));
    metrics.redis_append_only.with_label_values(role).set(i64::from(report.append_only));
    let answering = report.watchers.iter().filter(|watcher| watcher.primary.is_some()).count();
    metrics.redis_sentinels.with_label_values(role).set(count(answering));
    for (severity, name) in
        [(Severity::Warning, "warning"), (Severity::Unusable, "unusable"), (Severity::Forbidden, "forbidden")]
    {
        let found = report.findings.iter().filter(|finding| finding.severity == severity).count();
        metrics.redis_findings.with_label_values(&[role[0], name]).set(count(found));
    }
    if matches!(of, Role::Cache(_)) {
        return;
    }
    for (kind, length) in [("subscriptions", report.journal_subscriptions), ("log", report.journal_entries)] {
        metrics.redis_journal.with_label_values(&[role[0], kind]).set(number(length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_model::ErrorKind;
    use netweave_model::port::{StoreLoad, StoreObserver};

    /// A server that says what the test wants.
    #[derive(Default)]
    struct Fake(Mutex<Option<StoreReport>>);

    #[async_trait]
    impl ServerHealth for Fake {
        async fn report(&self) -> Result<StoreReport> {
            let report = self.0.lock().unwrap().clone();
            report.ok_or_else(|| Error::new(ErrorKind::Unavailable, "no answer"))
        }
    }

    #[async_trait]
    impl StoreHealth for Fake {
        async fn load(&self) -> Result<StoreLoad> {
            Ok(StoreLoad::default())
        }

        async fn mend(&self) -> Result<u64> {
            Ok(0)
        }

        async fn take_over(&self) -> Result<String> {
            Err(Error::new(ErrorKind::Unavailable, "no answer"))
        }

        fn observed_by(&self, _observer: Arc<dyn StoreObserver>) {}
    }

    fn with(severity: Option<Severity>) -> StoreReport {
        let finding = |severity| Finding {
            code: "x",
            severity,
            what: "it drops keys".to_owned(),
            change: "set something else",
        };
        StoreReport { findings: severity.map(finding).into_iter().collect(), ..StoreReport::default() }
    }

    async fn begin(report: Option<StoreReport>, strict: bool) -> Result<(Arc<Fake>, RoleChecks)> {
        let fake = Arc::new(Fake(Mutex::new(report)));
        let servers = vec![Role::State(Arc::clone(&fake) as Arc<dyn StoreHealth>)];
        let checks = RoleChecks::begin(servers, Arc::new(Metrics::new().unwrap()), strict).await?;
        Ok((fake, checks))
    }

    #[tokio::test]
    async fn what_is_found_degrades_and_never_makes_unready() {
        let (fake, checks) = begin(Some(with(None)), true).await.unwrap();
        let check = |checks: &RoleChecks| checks.checks().remove(0);
        let up = |checks: &RoleChecks| checks.metrics.redis_up.with_label_values(&["state"]).get();
        assert_eq!((check(&checks).ok, check(&checks).degraded, up(&checks)), (true, false, 1));
        *fake.0.lock().unwrap() = Some(with(Some(Severity::Forbidden)));
        checks.activate().await.unwrap();
        let found = check(&checks);
        assert_eq!((found.ok, found.degraded), (true, true));
        assert_eq!(found.detail, "it drops keys: set something else");
        *fake.0.lock().unwrap() = None;
        checks.activate().await.unwrap();
        let silent = check(&checks);
        assert_eq!((silent.ok, silent.degraded, up(&checks)), (true, true, 0));
        assert!(silent.detail.contains("does not answer"), "{silent:?}");
        *fake.0.lock().unwrap() = Some(with(None));
        checks.activate().await.unwrap();
        assert!(!check(&checks).degraded);
    }

    #[tokio::test]
    async fn a_cache_is_told_by_itself() {
        let fakes = [Some(with(None)), None].map(|report| Arc::new(Fake(Mutex::new(report))));
        let [state, cache] = fakes.clone();
        let servers = vec![Role::State(state), Role::Cache(cache)];
        let checks = RoleChecks::begin(servers, Arc::new(Metrics::new().unwrap()), true).await.unwrap();
        let degraded =
            |checks: &RoleChecks| checks.checks().iter().map(|one| one.degraded).collect::<Vec<_>>();
        assert_eq!(degraded(&checks), [false, true]);
        assert!(checks.checks()[1].detail.contains("answers are made without it"));
        *fakes[1].0.lock().unwrap() = Some(with(Some(Severity::Warning)));
        checks.activate().await.unwrap();
        assert_eq!(degraded(&checks), [false, true]);
        let found = checks.metrics.redis_findings.with_label_values(&["cache", "warning"]).get();
        assert_eq!(found, 1);
    }

    #[tokio::test]
    async fn only_a_strict_start_is_refused_and_only_for_what_is_forbidden() {
        let refused = begin(Some(with(Some(Severity::Forbidden))), true).await.err().unwrap();
        assert_eq!(
            (refused.kind(), refused.public()),
            (ErrorKind::Invalid, "it drops keys: set something else")
        );
        for (report, strict) in [
            (Some(with(Some(Severity::Forbidden))), false),
            (Some(with(Some(Severity::Unusable))), true),
            (Some(with(Some(Severity::Warning))), true),
            (None, true),
        ] {
            assert!(begin(report, strict).await.is_ok());
        }
    }
}
