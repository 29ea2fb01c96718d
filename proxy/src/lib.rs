//! The netweave gateway: Pingora in front, ports behind.
//!
//! `docs/architecture.md` says which room holds what. Pingora is named in `gateway`, `listen`, `services::driver` and
//! `ops` only; `wire` alone picks concrete backends and stores.

pub mod access;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod conf;
pub mod control;
pub mod ctx;
pub mod digest;
pub mod filters;
pub mod gateway;
pub mod inventory;
pub mod listen;
pub mod ops;
pub mod present;
pub mod problem;
pub mod reply;
pub mod routes;
pub mod services;
pub mod telemetry;
pub mod token;
pub mod webhook;
pub mod wire;
