//! Store: one file on this machine, for exactly one process.

mod conf;

pub use conf::Conf;
