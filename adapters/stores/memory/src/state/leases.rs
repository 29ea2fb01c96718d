//! Leases. Holds die with the process; only the fences outlive it, so that they never repeat.

use super::State;
use crate::backing::Backing;
use netweave_model::Timestamp;
use netweave_model::port::{Fence, Renewal};
use std::collections::BTreeMap;
use std::time::Duration;

/// Who holds what.
#[derive(Debug, Default)]
pub(super) struct Holds {
    /// The last fence given out, over all names.
    pub(super) fence: u64,
    held: BTreeMap<String, Hold>,
}

#[derive(Debug)]
struct Hold {
    holder: String,
    fence: Fence,
    until: Timestamp,
}

impl<B: Backing> State<B> {
    /// See `Leases::acquire`.
    pub fn acquire(&mut self, name: &str, holder: &str, ttl: Duration, now: Timestamp) -> Option<Fence> {
        self.holds.held.retain(|_, hold| hold.until > now);
        let until = now.plus(ttl);
        if let Some(hold) = self.holds.held.get_mut(name) {
            if hold.holder != holder {
                return None;
            }
            hold.until = until;
            return Some(hold.fence);
        }
        self.holds.fence += 1;
        let fence = Fence(self.holds.fence);
        self.holds.held.insert(name.to_owned(), Hold { holder: holder.to_owned(), fence, until });
        Some(fence)
    }

    /// See `Leases::renew`.
    pub fn renew_lease(&mut self, name: &str, fence: Fence, ttl: Duration, now: Timestamp) -> Renewal {
        match self.holds.held.get_mut(name) {
            Some(hold) if hold.fence == fence && hold.until > now => {
                hold.until = now.plus(ttl);
                Renewal::Held
            }
            _ => Renewal::Lost,
        }
    }

    /// See `Leases::release`.
    pub fn release_lease(&mut self, name: &str, fence: Fence) {
        if self.holds.held.get(name).is_some_and(|hold| hold.fence == fence) {
            self.holds.held.remove(name);
        }
    }

    /// See `Leases::revoke`.
    pub fn revoke_lease(&mut self, name: &str, now: Timestamp) -> bool {
        self.holds.held.remove(name).is_some_and(|hold| hold.until > now)
    }
}
