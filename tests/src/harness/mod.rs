//! Starts what a test needs: the gateway, certificates, clients, consumers.

pub mod clock;
