//! Backend: an inventory in a YAML file, which is watched.
//!
//! The file's form is described in this crate's README; `sample.yaml` is a whole example.

mod backend;
mod conf;
mod fault;
mod fields;
mod inventory;
mod load;
mod map;
mod node;
mod sample;
mod watch;

pub use backend::File;
pub use conf::Conf;
pub use fault::{Fault, Faults};
pub use inventory::Inventory;
pub use load::check;
pub use map::read;
pub use sample::{sample, sample_grown, sample_step};
