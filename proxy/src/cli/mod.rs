//! The commands, one file each.

pub mod gen_certs;
