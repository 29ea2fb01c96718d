//! Backend: the inventory of Amazon EC2. Which attribute comes from where: `docs/api-mapping.md`.

mod accounts;
mod backend;
mod client;
mod conf;
mod credentials;
mod endpoint;
mod error;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod map;
mod read;
mod wire;

pub use backend::Aws;
pub use conf::{Account, Conf, Family, Pools};
