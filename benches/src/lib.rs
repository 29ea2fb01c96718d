//! Load generator of `benches/run.sh`: what it offers, how it counts, and the servers it measures.
//!
//! Closed loop for throughput and CPU per request, open loop for latency at a given rate (counted from when a request
//! was due, so that a stalled server cannot hide behind requests that were never sent).

pub mod baseline;
pub mod cgroup;
pub mod clock;
mod conf;
pub mod connection;
pub mod consumers;
pub mod dice;
pub mod drive;
pub mod due;
pub mod flame;
pub mod go;
pub mod h2;
pub mod handshakes;
pub mod haproxy;
pub mod heap;
pub mod machine;
pub mod memory;
pub mod metrics;
pub mod micro;
pub mod pki;
pub mod process;
pub mod progress;
pub mod redis;
pub mod report;
pub mod sentinel;
pub mod server;
pub mod session;
pub mod stock;

/// What any part of a bench returns: the first fault ends the bench.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
