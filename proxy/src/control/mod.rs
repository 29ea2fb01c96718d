//! What somebody on this machine may ask of the running process: drain, reload, log level.
//!
//! `socket` is the file that they come through, `desk` answers them, `level` and `reload` do what they ask.

pub mod client;
mod desk;
mod level;
mod reload;
pub mod socket;

pub use desk::Desk;
pub use level::Level;
pub use reload::{Read, Refused, Reloader, Report, Source, Target};
