//! Backend: the inventory of Google Compute Engine projects. Which attribute comes from where: `docs/api-mapping.md`.

mod access;
mod backend;
mod client;
mod conf;
mod error;
mod facts;
mod map;
mod read;
mod wire;

pub use backend::Gcp;
pub use conf::{Conf, Family, Pools};
