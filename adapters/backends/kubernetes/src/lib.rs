//! Backend: the inventory of a Kubernetes cluster. Which attribute comes from where: `docs/api-mapping.md`.

mod asked;
mod backend;
mod bound;
mod client;
mod cluster;
mod conf;
mod epoch;
mod error;
mod events;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod map;
mod read;
mod watch;

pub use backend::Kubernetes;
pub use conf::Conf;
