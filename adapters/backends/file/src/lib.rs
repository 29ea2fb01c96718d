//! Backend: an inventory in a YAML file.

mod conf;

pub use conf::Conf;
