//! Exchanges certificates while the gateway serves, and says when each of them ends.

use super::tls::Certificates;
use crate::audit::Audit;
use crate::telemetry::metrics::Metrics;
use netweave_model::port::Clock;
use netweave_model::{Error, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::{error, info};

/// Clients whose certificates are remembered.
const MOST_CLIENTS: usize = 10_000;
/// How long a client is remembered after it was seen last.
const REMEMBERED: Duration = Duration::from_hours(24);

/// When the certificates of clients end that were seen within a day.
#[derive(Debug, Default)]
pub struct Clients(Mutex<HashMap<String, Client>>);

#[derive(Clone, Copy, Debug)]
struct Client {
    ends: Timestamp,
    seen: Timestamp,
}

impl Clients {
    /// Notes the certificate that a client has shown.
    pub fn note(&self, name: &str, ends: Timestamp, now: Timestamp) {
        let mut known = self.known();
        let client = Client { ends, seen: now };
        if let Some(known) = known.get_mut(name) {
            *known = client;
        } else if known.len() < MOST_CLIENTS {
            known.insert(name.to_owned(), client);
        }
    }

    /// Returns when the first of them ends, and forgets clients that stay away.
    fn first_end(&self, now: Timestamp) -> Option<Timestamp> {
        let mut known = self.known();
        known.retain(|_, client| now.since(client.seen) < REMEMBERED);
        known.values().map(|client| client.ends).min()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Client>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The certificates of the listener with what changes them.
pub struct Renewal {
    certificates: Arc<Certificates>,
    clients: Arc<Clients>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    audit: Arc<Audit>,
    /// What the files held when they were loaded last, well or not.
    loaded: Mutex<String>,
    /// When they were loaded again last, and how that went.
    last: Mutex<Option<(Timestamp, &'static str)>>,
}

impl Renewal {
    /// Takes certificates that were just loaded.
    pub fn new(
        certificates: Arc<Certificates>,
        metrics: Arc<Metrics>,
        (clock, audit): (Arc<dyn Clock>, Arc<Audit>),
    ) -> Self {
        let loaded = Mutex::new(certificates.contents());
        let last = Mutex::default();
        let renewal = Self { certificates, clients: Arc::default(), metrics, clock, audit, loaded, last };
        renewal.report();
        renewal
    }

    /// Returns the certificates.
    pub fn certificates(&self) -> &Arc<Certificates> {
        &self.certificates
    }

    /// Returns when the files were loaded again last, and `ok` or `failed`; `None` if they were not.
    pub fn last(&self) -> Option<(Timestamp, &'static str)> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the certificates of clients.
    pub fn clients(&self) -> &Arc<Clients> {
        &self.clients
    }

    /// Loads all files again if they hold something else than when they were loaded last. A set of files that cannot be used
    /// is tried once; the old one stays.
    pub fn look(&self) {
        let contents = self.certificates.contents();
        if *self.loaded() == contents {
            self.report_clients();
        } else {
            self.load();
        }
    }

    /// Loads all files again, and logs how it went.
    pub fn load(&self) {
        let mut loaded = self.loaded();
        *loaded = self.certificates.contents();
        let reloaded = self.certificates.reload();
        let result = if reloaded.is_ok() { "ok" } else { "failed" };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((self.clock.now(), result));
        self.audit.event(self.audit.now("tls.reload").with("result", result));
        reloaded.map_or_else(|error| refused(&error), |()| info!("certificates were loaded again"));
        drop(loaded);
        self.metrics.certificate_reloads.with_label_values(&[result]).inc();
        self.report();
    }

    /// Publishes when the certificates end.
    fn report(&self) {
        self.certificates.report(&self.metrics);
        self.report_clients();
    }

    /// Publishes when the first certificate of a client ends; the others change only with their files.
    fn report_clients(&self) {
        publish(&self.metrics, self.clients.first_end(self.clock.now()));
    }

    fn loaded(&self) -> MutexGuard<'_, String> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Publishes when the first certificate of a client ends; `None`: there is no client any more, so nothing is told of one.
fn publish(metrics: &Metrics, end: Option<Timestamp>) {
    const ROLE: &[&str] = &["observed_client"];
    let Some(end) = end else {
        // There may have been none before.
        metrics.certificate_expiry.remove_label_values(ROLE).ok();
        return;
    };
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into 53 bits")]
    let end = end.0 as f64 / 1000.0;
    metrics.certificate_expiry.with_label_values(ROLE).set(end);
}

fn refused(error: &Error) {
    error!(%error, "certificates cannot be loaded again; the old ones stay");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_no_client_is_left_nothing_is_told_of_one() {
        let metrics = Metrics::new().unwrap();
        let told = || String::from_utf8(metrics.render().unwrap()).unwrap().contains("observed_client");
        publish(&metrics, None);
        assert!(!told());
        publish(&metrics, Some(Timestamp(7000)));
        assert!(told());
        publish(&metrics, None);
        assert!(!told());
    }

    #[test]
    fn the_first_end_is_that_of_clients_seen_within_a_day() {
        let clients = Clients::default();
        let (day, start) = (REMEMBERED, Timestamp(0));
        clients.note("gone", Timestamp(5), start);
        clients.note("smo", Timestamp(7), start.plus(day / 2));
        assert_eq!(clients.first_end(start.plus(day / 2)), Some(Timestamp(5)));
        assert_eq!(clients.first_end(start.plus(day)), Some(Timestamp(7)));
        clients.note("smo", Timestamp(900), start.plus(day));
        assert_eq!(
            clients.first_end(start.plus(day)),
            Some(Timestamp(900)),
            "a new certificate replaces the old"
        );
        assert_eq!(clients.first_end(start.plus(day * 3)), None);
    }

    #[test]
    fn clients_are_bounded() {
        let clients = Clients::default();
        for number in 0..MOST_CLIENTS + 10 {
            clients.note(&number.to_string(), Timestamp(1), Timestamp(0));
        }
        assert_eq!(clients.known().len(), MOST_CLIENTS);
    }
}
