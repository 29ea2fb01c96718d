//! Whether requests should be sent here: the views are loaded. A source or a server that fails degrades, it does not unready.

use crate::inventory::catalog::Catalog;
use crate::inventory::sources::Sources;
use crate::ops::{Check, Readiness};
use crate::services::role_checks::RoleChecks;
use crate::telemetry::metrics::Metrics;
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
            let failure = state
                .failure
                .filter(|_| state.is_degraded())
                .map(|(at, kind)| format!(", failing since {at}: {kind:?}"));
            checks.push(Check {
                name: format!("source:{name}"),
                ok: true,
                degraded: state.is_degraded(),
                detail: format!("{}, {seen}{}", state.backend, failure.unwrap_or_default()),
            });
        }
        checks
    }
}
