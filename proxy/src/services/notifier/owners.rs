//! How many notifications go to one owner, and to all owners of a tenant, at the same time.

use crate::access::Access;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Owners beyond which those without a notification under way are forgotten.
const MANY: usize = 4096;

/// The owners to whom notifications are sent.
pub(super) struct Owners {
    access: Arc<Access>,
    per_owner: usize,
    known: Mutex<HashMap<Whose, Arc<Semaphore>>>,
}

#[derive(PartialEq, Eq, Hash)]
enum Whose {
    Owner(String),
    Tenant(String),
}

/// Permits to send, of the owner and of its tenant if that has a bound.
pub(super) struct Permits {
    _owner: OwnedSemaphorePermit,
    _tenant: Option<OwnedSemaphorePermit>,
}

impl Owners {
    pub(super) fn new(access: Arc<Access>, per_owner: usize) -> Self {
        Self { access, per_owner, known: Mutex::default() }
    }

    /// Waits until a notification may be sent to an owner; `None` if the gateway lets none be sent any more.
    pub(super) async fn enter(&self, owner: &str) -> Option<Permits> {
        let tenant = self.access.tenants(owner).into_iter().next();
        let tenant =
            tenant.and_then(|tenant| Some((Whose::Tenant(tenant.name.clone()), tenant.notifications?)));
        let owner = self.places(Whose::Owner(owner.to_owned()), self.per_owner);
        let owner = owner.acquire_owned().await.ok()?;
        let tenant = match tenant {
            Some((whose, most)) => Some(self.places(whose, most).acquire_owned().await.ok()?),
            None => None,
        };
        Some(Permits { _owner: owner, _tenant: tenant })
    }

    fn places(&self, whose: Whose, most: usize) -> Arc<Semaphore> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MANY {
            known.retain(|_, places| Arc::strong_count(places) > 1);
        }
        Arc::clone(known.entry(whose).or_insert_with(|| Arc::new(Semaphore::new(most))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::tree::{self, Rate};
    use futures::FutureExt;

    fn owners() -> Owners {
        let rule = |name: &str| tree::Rule {
            r#match: name.to_owned(),
            tenant: Some("t".to_owned()),
            ..tree::Rule::default()
        };
        let tenant = tree::TenantConf { name: "t".to_owned(), notifications: Some(3), ..Default::default() };
        let rules = vec![rule("a"), rule("b")];
        let conf = tree::Access { rules, tenants: vec![tenant], ..tree::Access::default() };
        Owners::new(Arc::new(Access::new(&conf, &Rate::default(), 1)), 2)
    }

    #[test]
    fn an_owner_and_a_tenant_have_only_so_many_and_others_are_not_kept_waiting() {
        let owners = owners();
        let enter = |name| owners.enter(name).now_or_never().flatten();
        let (first, _second) = (enter("a").unwrap(), enter("a").unwrap());
        assert!(enter("a").is_none(), "the owner has two");
        let _third = enter("b").unwrap();
        assert!(enter("b").is_none(), "the tenant has three");
        assert!(enter("somebody").is_some());
        drop(first);
        assert!(enter("b").is_some());
    }

    #[test]
    fn owners_without_notifications_under_way_are_forgotten() {
        let owners = owners();
        let kept = owners.enter("kept").now_or_never().flatten();
        for number in 0..MANY + 10 {
            owners.enter(&number.to_string()).now_or_never().flatten().unwrap();
        }
        assert!(owners.known.lock().unwrap().len() <= MANY);
        assert!(
            kept.is_some() && owners.known.lock().unwrap().contains_key(&Whose::Owner("kept".to_owned()))
        );
    }
}
