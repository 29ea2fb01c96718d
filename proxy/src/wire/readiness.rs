//! Whether requests should be sent here: the views are loaded. A source or a server that fails degrades, it does not unready.

use crate::inventory::catalog::Catalog;
use crate::inventory::sources::{SourceState, Sources};
use crate::ops::{Check, Readiness, SourceStatus};
use crate::services::role_checks::RoleChecks;
use crate::telemetry::metrics::Metrics;
use netweave_model::SourceName;
use netweave_model::port::Clock;
use std::sync::Arc;

/// The checks of `/readyz`.
pub(super) struct Ready {
    catalog: Arc<Catalog>,
    sources: Arc<Sources>,
    servers: Arc<RoleChecks>,
    clock: Arc<dyn Clock>,
}

impl Ready {
    pub(super) fn new(
        catalog: Arc<Catalog>,
        sources: Arc<Sources>,
        servers: Arc<RoleChecks>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { catalog, sources, servers, clock }
    }
}

impl Readiness for Ready {
    fn observe(&self, metrics: &Metrics) {
        self.sources.observe(metrics, self.clock.now());
    }

    fn servers(&self) -> Vec<Check> {
        self.servers.checks()
    }

    fn sources(&self) -> Vec<SourceStatus> {
        let now = self.clock.now();
        let status = |(name, state): (SourceName, SourceState)| SourceStatus {
            name: name.to_string(),
            backend: state.backend,
            role: if state.leading { "leads" } else { "follows" },
            live: state.live,
            age_seconds: state.seen_at.map(|at| now.since(at).as_secs()),
            failure: state.failure.map(|(at, kind)| format!("since {at}: {kind:?}")),
        };
        self.sources.all().into_iter().map(status).collect()
    }

    fn check(&self) -> Vec<Check> {
        let loaded = self.catalog.views().loaded;
        let detail =
            if loaded { String::new() } else { "the inventory is being loaded from the store".to_owned() };
        let mut checks = vec![Check { name: "inventory".to_owned(), ok: loaded, degraded: false, detail }];
        checks.extend(self.servers.checks());
        let now = self.clock.now();
        for (name, state) in self.sources.all() {
            let seen = state.seen_at.map_or_else(
                || "never read".to_owned(),
                |at| format!("confirmed {} s ago", now.since(at).as_secs()),
            );
            let failure = state.failure.map(|(at, kind)| format!(", failing since {at}: {kind:?}"));
            checks.push(Check {
                name: format!("source:{name}"),
                ok: true,
                degraded: state.failure.is_some() || state.seen_at.is_none(),
                detail: format!("{}, {seen}{}", state.backend, failure.unwrap_or_default()),
            });
        }
        checks
    }
}
