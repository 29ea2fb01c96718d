//! Store: everything in this process, lost with it; the model that the other stores are tested against.
//!
//! All decisions are made by one state machine, [`State`], which is generic over where the large data lies ([`Backing`]).
//! [`Store`] puts it behind the ports. [`Memory`] keeps all of it on the heap; the embedded store gives the same machine a
//! backing that records every effect in a file and makes it visible after the sync.

mod backing;
mod conf;
mod fact;
mod follow;
mod heap;
mod signals;
mod state;
mod store;

pub use backing::{Backing, Fingerprint, Gate, RowsReader, Urgency};
pub use conf::Conf;
pub use fact::{Counters, Dead, Fact, FactKey, QueueFact, Queued, SourceFact, Told};
pub use heap::{Heap, Open};
pub use signals::{Publication, Signals};
pub use state::{Recovered, SourceRows, State};
pub use store::{Memory, Store};
