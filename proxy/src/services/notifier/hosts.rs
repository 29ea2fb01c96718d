//! What is known of callback hosts: how many deliveries go there now, and whether it is worth trying.
//!
//! After five calls in a row without an answer, over all subscriptions of a host, its circuit is open: nobody tries for a
//! while, and then one does. Any HTTP answer closes it: what it says concerns its subscription, not the host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Deliveries to one host at the same time: half of the usual workers.
const PER_HOST: usize = 64;
/// Failures in a row that open the circuit.
const FAILURES: u32 = 5;
/// Hosts beyond which those without trouble are forgotten.
const MANY: usize = 4096;

/// All hosts that were called.
#[derive(Default)]
pub(super) struct Hosts {
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

/// One host.
pub(super) struct Host {
    /// Permits to call it.
    pub(super) permits: Arc<Semaphore>,
    circuit: Mutex<Circuit>,
}

#[derive(Default)]
struct Circuit {
    failures: u32,
    open_until: Option<Instant>,
}

/// Whether a host may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Now.
    Go,
    /// Not before this has passed.
    Later(Duration),
}

impl Hosts {
    /// Returns the host of a callback: its host name and port.
    pub(super) fn of(&self, callback: &str) -> Arc<Host> {
        let key = url::Url::parse(callback).ok();
        let key = key.and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?)));
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= MANY {
            hosts.retain(|_, host| {
                Arc::strong_count(host) > 1 || host.circuit(|circuit| circuit.failures > 0)
            });
        }
        Arc::clone(hosts.entry(key.unwrap_or_default()).or_default())
    }
}

impl Default for Host {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(PER_HOST)), circuit: Mutex::default() }
    }
}

impl Host {
    /// Asks whether the host may be tried; whoever may, tries within `attempt`, and all others wait for what comes of it.
    pub(super) fn admit(&self, now: Instant, attempt: Duration) -> Admission {
        self.circuit(|circuit| {
            if circuit.failures < FAILURES {
                return Admission::Go;
            }
            match circuit.open_until {
                Some(until) if now < until => Admission::Later(until - now),
                _ => {
                    circuit.open_until = Some(now + attempt);
                    Admission::Go
                }
            }
        })
    }

    /// Notes that the host answered.
    pub(super) fn answered(&self) {
        self.circuit(|circuit| *circuit = Circuit::default());
    }

    /// Notes that the host did not answer and will be tried again at a time.
    pub(super) fn failed(&self, next: Instant) {
        self.circuit(|circuit| {
            circuit.failures = circuit.failures.saturating_add(1);
            circuit.open_until = Some(next);
        });
    }

    fn circuit<T>(&self, change: impl FnOnce(&mut Circuit) -> T) -> T {
        change(&mut self.circuit.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTEMPT: Duration = Duration::from_secs(5);

    #[test]
    fn subscriptions_of_one_host_and_port_share_it() {
        let hosts = Hosts::default();
        let a = hosts.of("https://smo.example.net/a");
        assert!(Arc::ptr_eq(&a, &hosts.of("https://SMO.example.net:443/b")));
        assert!(!Arc::ptr_eq(&a, &hosts.of("https://smo.example.net:8443/a")));
    }

    #[test]
    fn the_circuit_opens_after_five_failures_and_lets_one_probe_through() {
        let host = Host::default();
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let later = |ms| Admission::Later(Duration::from_millis(ms));
        for _ in 0..5 {
            assert_eq!(host.admit(at(0), ATTEMPT), Admission::Go);
            host.failed(at(1000));
        }
        assert_eq!(host.admit(at(500), ATTEMPT), later(500));
        assert_eq!(host.admit(at(1000), ATTEMPT), Admission::Go, "the probe");
        assert_eq!(host.admit(at(1000), ATTEMPT), later(5000), "all others wait");
        host.failed(at(9000));
        assert_eq!(host.admit(at(6000), ATTEMPT), later(3000));
        host.answered();
        assert_eq!(host.admit(at(6000), ATTEMPT), Admission::Go);
    }

    #[test]
    fn hosts_without_trouble_are_forgotten_when_there_are_many() {
        let hosts = Hosts::default();
        hosts.of("https://bad.example.net/").failed(Instant::now());
        for number in 0..MANY {
            hosts.of(&format!("https://h{number}.example.net/"));
        }
        assert!(hosts.hosts.lock().unwrap().len() < 10);
        assert!(hosts.hosts.lock().unwrap().contains_key("bad.example.net:443"));
    }
}
