//! Sockets and TLS: who may connect, and who it is.
//!
//! `accept` takes connections and their handshakes, `gate` leads each through its requests, `edge` starts and ends all
//! of it, `streams` through those of HTTP/2. `head` is the one place that reads HTTP/1 before Pingora does; `direct` and `answer` are the way past it.

mod accept;
pub mod allow;
mod answer;
mod direct;
mod edge;
mod flood;
mod gate;
pub mod handover;
pub mod head;
mod held;
pub mod identity;
mod link;
pub mod peer;
mod renewal;
mod stop;
mod streams;
pub mod tls;
pub mod trust;

pub use accept::Visitors;
pub(crate) use answer::{PIECE, Written, in_time};
pub(crate) use direct::Direct;
pub use edge::{Addresses, Edge, Parts, Signals};
pub(crate) use link::{Link, peer as peer_of};
pub use renewal::Renewal;
pub use stop::{Ask, StopHandle, Stopping};
pub use tls::end as certificate_end;
