//! Backend: the inventory of a vCenter or of a standalone ESXi host. Which attribute comes from where:
//! `docs/api-mapping.md`.

mod backend;
mod client;
mod conf;
mod entity;
mod error;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod inventory;
mod map;
mod read;
mod session;
mod soap;
mod watch;

pub use backend::Vmware;
pub use conf::{Conf, Served};
