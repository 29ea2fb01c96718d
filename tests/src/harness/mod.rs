//! Starts what a test needs: the gateway, certificates, clients, an inventory, a Kubernetes API server.
//!
//! Everything here fails the calling test by a panic that says what was awaited; nothing is retried, nothing sleeps
//! for luck: whatever needs time is polled against a deadline.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::return_self_not_must_use,
    reason = "code of tests: a panic is how it says that something is not as it must be"
)]

pub mod audit;
pub mod balancer;
pub mod callbacks;
pub mod client;
pub mod clock;
pub mod compute;
pub mod delay;
pub mod dice;
pub mod ec2_pages;
pub mod fault_proxy;
pub mod figures;
pub mod gateway;
pub mod guarded;
pub mod h2;
pub mod inventory;
pub mod issuer;
pub mod kube;
pub mod lab;
pub mod memory;
pub mod moto;
pub mod otlp;
pub mod pace;
pub mod peers;
pub mod pki;
pub mod ports;
pub mod redis;
pub mod socket;
mod tls;
pub mod vcenter;
pub mod vcsim;
pub mod wait;

pub use balancer::Balancer;
pub use callbacks::Callbacks;
pub use client::{Answer, Client};
pub use delay::Delays;
pub use dice::Dice;
pub use ec2_pages::Ec2Pages;
pub use fault_proxy::{Fault, FaultProxy};
pub use gateway::{Gateway, Setup};
pub use guarded::{Guarded, TokenServer};
pub use inventory::Inventory;
pub use issuer::{KeyServer, SigningKey};
pub use lab::RedisLab;
pub use moto::Moto;
pub use pki::Pki;
pub use redis::RedisServer;
pub use wait::{soon, until};

pub mod consumer;
