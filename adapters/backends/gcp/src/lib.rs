//! Backend: the inventory of Google Compute Engine projects. Which attribute comes from where: `docs/api-mapping.md`.

mod access;
mod backend;
mod client;
mod conf;
mod error;
mod facts;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod map;
mod read;
mod wire;

pub use backend::Gcp;
pub use conf::{Conf, Family, Pools};
