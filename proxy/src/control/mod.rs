//! What somebody on this machine may ask of the running process: drain, reload, log level, profile.
//!
//! `socket` is the file that they come through, `desk` answers them, `level`, `reload`, `profile` and `heap` do what they ask.

pub mod client;
mod desk;
mod heap;
mod level;
pub mod profile;
mod reload;
pub mod socket;

pub use desk::Desk;
pub use level::Level;
pub use profile::Profiler;
pub use reload::{Read, Refused, Reloader, Report, Source, Target};
