//! What a tenant may use, however many identities act for it.

use crate::conf::tree;
use crate::conf::tree::Rate;
use std::collections::HashMap;
use std::sync::Arc;

/// One tenant with its bounds; without a section of its own, it has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tenant {
    /// Its name.
    pub name: String,
    /// Its requests per second.
    pub rate: Option<Rate>,
    /// Its requests being answered at the same time.
    pub in_flight: Option<usize>,
    /// Its subscriptions.
    pub subscriptions: Option<u64>,
    /// Its notifications being sent at the same time.
    pub notifications: Option<usize>,
}

/// All tenants that rules name.
pub(super) struct Tenants(HashMap<String, Arc<Tenant>>);

impl Tenants {
    pub(super) fn new(conf: &tree::Access) -> Self {
        let named = conf.rules.iter().filter_map(|rule| rule.tenant.as_ref());
        let unbounded = named.map(|name| Tenant { name: name.clone(), ..Tenant::default() });
        let bounded = conf.tenants.iter().map(|tenant| Tenant {
            name: tenant.name.clone(),
            rate: tenant.rate.clone(),
            in_flight: tenant.in_flight,
            subscriptions: tenant.subscriptions,
            notifications: tenant.notifications,
        });
        // Those with bounds come last, so that they stay.
        Self(unbounded.chain(bounded).map(|tenant| (tenant.name.clone(), Arc::new(tenant))).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<Tenant>> {
        self.0.get(name).cloned()
    }
}
