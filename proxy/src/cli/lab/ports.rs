//! The ports of a lab, all on the loopback interface.

use crate::cli::{Exit, Failure};
use std::net::{Ipv4Addr, TcpListener};

/// How many ports there are.
pub(super) const COUNT: u16 = 15;

/// Where each part listens.
#[derive(Clone, Debug)]
pub(super) struct Ports {
    /// The Redis servers.
    pub(super) servers: [u16; 3],
    /// The Sentinels.
    pub(super) sentinels: [u16; 3],
    /// The gateways' API.
    pub(super) api: [u16; 3],
    /// The gateways' operations.
    pub(super) ops: [u16; 3],
    /// The receiver of webhooks.
    pub(super) smo: u16,
    /// The receiver of the audit log.
    pub(super) collector: u16,
    /// Prometheus.
    pub(super) prometheus: u16,
}

impl Ports {
    /// Takes the ports from `base` on, or free ones; each was free a moment ago.
    pub(super) fn take(base: Option<u16>) -> Result<Self, Failure> {
        let wanted: Vec<u16> = match base {
            Some(base) => (0..COUNT).map(|n| base.saturating_add(n)).collect(),
            None => vec![0; usize::from(COUNT)],
        };
        // All are held until all are known, so that none is given twice.
        let mut held = Vec::new();
        for port in wanted {
            let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
                Failure::new(Exit::Conflict, format!("port {port} of 127.0.0.1 cannot be had: {error}"))
            })?;
            held.push(bound);
        }
        let numbers: std::io::Result<Vec<u16>> =
            held.iter().map(|bound| Ok(bound.local_addr()?.port())).collect();
        let numbers = numbers.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        let mut numbers = numbers.into_iter();
        let mut next = || numbers.next().ok_or_else(|| Failure::new(Exit::Failed, "a port is missing"));
        Ok(Self {
            servers: [next()?, next()?, next()?],
            sentinels: [next()?, next()?, next()?],
            api: [next()?, next()?, next()?],
            ops: [next()?, next()?, next()?],
            smo: next()?,
            collector: next()?,
            prometheus: next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_that_are_taken_are_named() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let failure = Ports::take(Some(port)).unwrap_err();
        assert_eq!(failure.exit, Exit::Conflict);
        assert!(failure.message.contains(&port.to_string()), "{failure:?}");
    }

    #[test]
    fn free_ports_are_all_different() {
        let ports = Ports::take(None).unwrap();
        let mut all = [ports.servers, ports.sentinels, ports.api, ports.ops].concat();
        all.extend([ports.smo, ports.collector, ports.prometheus]);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), usize::from(COUNT));
    }
}
