//! Store: everything in this process, lost with it; the model that the other stores are tested against.

mod conf;

pub use conf::Conf;
