//! Bounds on what clients may ask.

use crate::conf::unit::{Size, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

section! {
    /// Bounds on what clients may ask. The defaults are for production.
    Limits {
        /// Open connections.
        #[schemars(range(min = 1, max = 1_000_000))]
        connections: usize = 10_000,
        /// Open connections of one address.
        #[schemars(range(min = 1, max = 1_000_000))]
        connections_per_ip: usize = 200,
        /// Size of a request's head.
        #[schemars(extend("x-minimum" = "1KiB", "x-maximum" = "256KiB"))]
        header: Size = Size::kib(16),
        /// Time for a request's head, from its first byte.
        #[schemars(extend("x-minimum" = "10ms", "x-maximum" = "5m"))]
        header_time: Span = Span::seconds(5),
        /// Size of a request's body.
        #[schemars(extend("x-minimum" = "1KiB", "x-maximum" = "64MiB"))]
        body: Size = Size::kib(1024),
        /// Time for a request's body.
        #[schemars(extend("x-minimum" = "10ms", "x-maximum" = "5m"))]
        body_time: Span = Span::seconds(10),
        /// Time for each write of an answer.
        #[schemars(extend("x-minimum" = "10ms", "x-maximum" = "5m"))]
        write_time: Span = Span::seconds(10),
        /// Time a connection may be idle between requests.
        #[schemars(extend("x-minimum" = "10ms", "x-maximum" = "1h"))]
        idle: Span = Span::seconds(60),
        /// Concurrent streams of one HTTP/2 connection.
        #[schemars(range(min = 1, max = 1_000))]
        h2_streams: u32 = 64,
        /// Size of a request's target.
        #[schemars(extend("x-minimum" = "256B", "x-maximum" = "64KiB"))]
        url: Size = Size::kib(8),
        /// Depth of attribute paths in a filter.
        #[schemars(range(min = 1, max = 32))]
        filter_depth: usize = 8,
        /// Requests per second of all clients together.
        #[schemars(range(min = 1, max = 1_000_000))]
        requests_per_second: u32 = 1000,
        /// Requests per second of one identity.
        per_identity: Rate = Rate::default(),
        /// New subscriptions per second of one identity.
        new_subscriptions: Rate = Rate { rate: 10, burst: 20 },
        /// Whether the rates of identities and tenants hold for all processes together that have their state in the same
        /// Redis: each tells the others once a second what it has let through.
        shared: bool = false,
        /// Requests being answered at the same time; what is more is refused at once.
        #[schemars(range(min = 1, max = 100_000))]
        in_flight: usize = 500,
        /// Of them, those of one identity.
        #[schemars(range(min = 1, max = 100_000))]
        in_flight_per_identity: usize = 250,
    }
}

section! {
    /// A rate with a burst.
    Rate {
        /// Requests per second.
        #[schemars(range(min = 1, max = 1_000_000))]
        rate: u32 = 100,
        /// Requests that may come at once.
        #[schemars(range(min = 1, max = 1_000_000))]
        burst: u32 = 200,
    }
}
