//! Store: one file on this machine, for exactly one process.
//!
//! The state machine of the memory store decides every operation; here its effects are gathered into batches, written to a
//! redb file and synced, and only then answered and made visible. Rows, log entries and queued events are read from the
//! file; memory holds a fingerprint per row and a few words per queued item.

mod batch;
mod codec;
mod conf;
mod file;
mod load;
mod open;
mod shared;
mod tables;
mod writer;

pub use conf::Conf;
pub use file::{Durable, File};
pub use open::{Embedded, open, open_with, schema};
pub use tables::SCHEMA;
