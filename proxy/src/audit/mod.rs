//! The audit log: who did what, in a form that shows tampering.
//!
//! The gateway hands [`Entry`]s to [`Audit`], which costs a request a few clones. One thread of its own (`writer`) makes
//! [`record::Record`]s of them, chains them by their hashes (`chain`) and gives batches to the sinks, each of which has a
//! thread, too. `checkpoint` signs where a chain has come to, `archive` reads the files again, `verify` judges them.
//! `docs/adr/0008-audit.md` says why.

pub mod archive;
pub mod body;
pub mod chain;
pub mod checkpoint;
pub mod entry;
mod flood;
mod handle;
pub mod keys;
pub mod merged;
pub mod operation;
mod others;
mod prune;
mod queue;
pub mod record;
pub mod seal;
pub mod sink;
pub mod verify;
mod writer;

pub use entry::{Call, Entry, Event, Payload, Stamp};
pub use handle::{Audit, Parts, append};
