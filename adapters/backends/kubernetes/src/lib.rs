//! Backend: the inventory of a Kubernetes cluster.

mod conf;

pub use conf::Conf;
