//! Sockets and TLS: who may connect, and who it is.

pub mod identity;
