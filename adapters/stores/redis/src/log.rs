//! The change log and the rows that it tells of; each operation is one script.

mod commit;
pub(crate) mod entry;
mod follow;
mod keys;
mod row;
mod snapshot;

use crate::reply;
use crate::scripts::{Refusal, lua, number};
use crate::store::Redis;
use async_trait::async_trait;
use fred::prelude::Value;
use netweave_model::port::{Change, EntryStream, Fence, InventoryLog, Snapshot, refusal};
use netweave_model::{Entry, Error, Position, Result, SourceName, Timestamp};
use std::time::Duration;

/// The most entries that one read returns.
const READ_LIMIT: usize = 1_000;

/// How many entries one step of trimming looks at.
const TRIM_STEP: u64 = 100;

lua!(COMMIT, "log_common.lua", "sys_settled.lua", "log_commit.lua");
lua!(reads HEAD, "log_common.lua", "log_head.lua");
lua!(reads READ, "log_common.lua", "log_read.lua");
lua!(TRIM, "log_common.lua", "log_trim.lua");

/// What a look at the log found.
struct Look {
    entries: Vec<Entry>,
    /// When each source was seen; empty unless the entries are the last ones there are.
    seen: Vec<(SourceName, Timestamp)>,
}

impl Redis {
    /// Looks for entries after a position.
    async fn look(&self, from: Position, limit: usize) -> Result<Look> {
        let arguments = vec![number(from.generation), number(from.sequence), number(limit)];
        let answer = self.call(&READ, keys::read(), arguments).await?;
        let value = answer.map_err(|Refusal(code)| gone(from, &code))?;
        let [entries, seen] = reply::list(value)?;
        let told = entry::read_all(entries)?;
        let entries = told.iter().map(|(sequence, fields)| {
            let position = Position { generation: from.generation, sequence: *sequence };
            entry::decode(position, fields)
        });
        let entries = entries.collect::<Result<_>>()?;
        self.journal().read(from.generation, told);
        Ok(Look {
            entries,
            seen: reply::pairs(seen).map(|(name, at)| seen_at(&name, &at)).collect::<Result<_>>()?,
        })
    }
}

#[async_trait]
impl InventoryLog for Redis {
    async fn commit(&self, source: &SourceName, fence: Fence, changes: &[Change]) -> Result<Position> {
        let call = self.ids().uuid().to_string();
        let arguments = commit::arguments(source, fence, &call, changes);
        let answer = self.call(&COMMIT, keys::commit(source), arguments).await?;
        let value = answer.map_err(|Refusal(code)| fenced(source, fence, &code))?;
        self.signals().committed();
        reply::position(value)
    }

    async fn snapshot(&self, source: &SourceName) -> Result<Snapshot> {
        self.read_source(source).await
    }

    async fn head(&self) -> Result<Position> {
        reply::position(self.run(&HEAD, keys::log(), Vec::new()).await?)
    }

    async fn follow(&self, from: Position) -> Result<EntryStream> {
        self.look(from, 0).await?;
        Ok(follow::stream(self.clone(), from))
    }

    async fn read(&self, from: Position, limit: usize) -> Result<Vec<Entry>> {
        Ok(self.look(from, limit.min(READ_LIMIT)).await?.entries)
    }

    async fn trim(&self, below: Position, keep: Duration) -> Result<u64> {
        let keep = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
        let arguments =
            vec![number(below.generation), number(below.sequence), number(keep), number(TRIM_STEP)];
        let mut dropped = 0;
        loop {
            let step = self.run(&TRIM, keys::log(), arguments.clone()).await?;
            let step: u64 = reply::number(&step)?;
            dropped += step;
            if step < TRIM_STEP {
                return Ok(dropped);
            }
        }
    }
}

fn seen_at(name: &Value, at: &Value) -> Result<(SourceName, Timestamp)> {
    Ok((SourceName::from(&*reply::text(name)?), Timestamp(reply::number(at)?)))
}

fn fenced(source: &SourceName, fence: Fence, code: &str) -> Error {
    refusal::fenced().with_private(format!("{source}: came with fence {}: {code}", fence.0))
}

fn gone(from: Position, code: &str) -> Error {
    refusal::log_ended().with_private(format!("asked for entries after {from}: {code}"))
}
