//! Counts of all pods: `tally:NAME` is a hash from the pod to what it has counted since it began.

use crate::scripts::{lua, number};
use crate::store::Redis;
use async_trait::async_trait;
use netweave_model::port::Tally;
use netweave_model::{Error, Result};

lua!(EXCHANGE, "tally_exchange.lua");

#[async_trait]
impl Tally for Redis {
    async fn exchange(&self, process: &str, totals: &[(String, u64)]) -> Result<Vec<u64>> {
        if totals.is_empty() {
            return Ok(Vec::new());
        }
        let keys = totals.iter().map(|(name, _)| format!("tally:{name}")).collect();
        let mut arguments = vec![process.into()];
        arguments.extend(totals.iter().map(|(_, total)| number(*total)));
        let others = self.run(&EXCHANGE, keys, arguments).await?.into_array();
        let others: Vec<u64> = others.iter().filter_map(fred::prelude::Value::as_u64).collect();
        if others.len() != totals.len() {
            return Err(Error::internal("a tally has not as many totals as were asked for"));
        }
        Ok(others)
    }
}
