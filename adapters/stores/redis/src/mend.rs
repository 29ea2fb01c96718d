//! Self-healing: what this process knows of subscriptions is compared with the server, and what vanished there is put back.
//!
//! Keys vanish without a word where somebody deletes them by hand, or where a server drops keys because its memory is full.
//! That looks at each key also keeps those of subscriptions among the ones that were used last.

use crate::queue_scripts::queue_lua;
use crate::reply::text;
use crate::session::existing;
use crate::store::Redis;
use fred::prelude::Value;
use netweave_model::{Id, Result, Subscription};
use tracing::error;

queue_lua!(BROKEN, "sub_broken.lua", "sub_common.lua");
queue_lua!(pub(crate) PUT_BACK, "sub_restore.lua", "sub_common.lua");

/// How many subscriptions are compared at once: all of them take turns, so that many cost the server no more.
const ROUND: usize = 2_000;
/// How many one script looks at, and how many one puts back, so that the server is soon free for others.
const LOOK: usize = 200;
pub(crate) const PUT: usize = 100;

impl Redis {
    /// Compares what is known, a part with each call, and puts back what vanished; returns how many subscriptions had.
    pub(crate) async fn compare(&self) -> Result<u64> {
        if self.follows() {
            return Ok(0);
        }
        let ids = self.journal().ids();
        let mut found = self.compare_some(self.journal().turn(&ids, ROUND)).await?;
        if found > 0 {
            // Where some vanished, others may have.
            found += self.compare_some(&ids).await?;
            error!(subscriptions = found, "subscriptions had vanished from the store and were put back");
        }
        Ok(found)
    }

    async fn compare_some(&self, ids: &[Id]) -> Result<u64> {
        let mut found = 0;
        for part in ids.chunks(LOOK) {
            let ids = part.iter().map(|id| id.as_str().into()).collect();
            let broken = self.tell(&BROKEN, ids).await?.into_array();
            for some in broken.chunks(PUT) {
                found += self.put_back(some).await?;
            }
        }
        Ok(found)
    }

    async fn put_back(&self, broken: &[Value]) -> Result<u64> {
        let ids = broken.iter().map(|id| Ok(Id::from(&*text(id)?))).collect::<Result<Vec<Id>>>()?;
        let known: Vec<Subscription> = ids.iter().filter_map(|id| self.journal().get(id)).collect();
        let mut arguments = vec![Value::from("mend")];
        for one in &known {
            arguments.extend(existing(one, 0)?);
        }
        let outcomes = self.tell(&PUT_BACK, arguments).await?.into_array();
        let mut found = 0;
        for (one, outcome) in known.iter().zip(outcomes) {
            match &*text(&outcome)? {
                "put" | "mended" => found += 1,
                "ended" => self.journal().end(&one.id),
                _ => {}
            }
        }
        Ok(found)
    }
}
