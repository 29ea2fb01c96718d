//! The stores that the suites are run for.
#![expect(
    clippy::unwrap_used,
    reason = "code of tests: a panic says what is not as it must be, and a skipped test says so"
)]

use async_trait::async_trait;
use netweave_memory::Memory;
use netweave_model::port::{Deliveries, Ids, InventoryLog, Leases, Subscriptions};
use netweave_tests::conformance::stores::{Factory, Rig};
use netweave_tests::harness::clock::{TestClock, TestIds};
use netweave_tests::harness::{RedisServer, redis};
use std::any::Any;
use std::sync::Arc;

/// Runs each named case of a port's suite for every store, as a test of its own.
macro_rules! suite {
    ($port:ident: $($case:ident),+ $(,)?) => {
        crate::stores::suite!(@store memory, crate::stores::InMemory, $port, $($case),+);
        crate::stores::suite!(@store embedded, crate::stores::InFile, $port, $($case),+);
        crate::stores::suite!(@peer redis, crate::stores::InRedis::found(), $port, $($case),+);
    };
    (@peer $name:ident, $factory:expr, $port:ident, $($case:ident),+) => {
        mod $name {
            $(
                #[tokio::test]
                async fn $case() {
                    if let Some(factory) = $factory {
                        netweave_tests::conformance::$port::$case(&factory).await;
                    }
                }
            )+
        }
    };
    (@store $name:ident, $factory:expr, $port:ident, $($case:ident),+) => {
        mod $name {
            $(
                #[tokio::test]
                async fn $case() {
                    netweave_tests::conformance::$port::$case(&$factory).await;
                }
            )+
        }
    };
}

pub(crate) use suite;

/// Puts a store behind its ports.
pub(crate) fn rig<S>(store: S, clock: Arc<TestClock>, keep: Box<dyn Any + Send + Sync>) -> Rig
where
    S: InventoryLog + Subscriptions + Deliveries + Leases + Clone + 'static,
{
    Rig {
        log: Arc::new(store.clone()),
        subscriptions: Arc::new(store.clone()),
        deliveries: Arc::new(store.clone()),
        leases: Arc::new(store),
        clock,
        keep,
    }
}

/// Makes stores in memory.
pub(crate) struct InMemory;

#[async_trait]
impl Factory for InMemory {
    async fn make(&self) -> Rig {
        let clock = Arc::new(TestClock::new());
        let store = Memory::new(clock.shared(), Arc::new(TestIds::default()));
        rig(store, clock, Box::new(()))
    }
}

/// Makes stores in a file of their own.
pub(crate) struct InFile;

#[async_trait]
impl Factory for InFile {
    async fn make(&self) -> Rig {
        let directory = tempfile::tempdir().unwrap();
        let conf = netweave_embedded::Conf { path: directory.path().join("state.db") };
        let clock = Arc::new(TestClock::new());
        let store =
            netweave_embedded::open(&conf, clock.shared(), Arc::new(TestIds::default())).await.unwrap();
        rig(store, clock, Box::new(directory))
    }
}

/// Makes stores on a Redis server of their own.
pub(crate) struct InRedis;

impl InRedis {
    /// Looks for the server's program; a test without it is skipped, unless peers are required.
    pub(crate) fn found() -> Option<Self> {
        redis::program().map(|_| Self)
    }

    /// Makes a store that gets its identifiers there.
    pub(crate) async fn make_with(&self, ids: Arc<dyn Ids>) -> Rig {
        let server = RedisServer::start().await.unwrap();
        let conf = netweave_redis::Conf::of_url(server.url());
        let clock = Arc::new(TestClock::new());
        let store = netweave_redis::open(&conf, Some(clock.shared()), ids).await.unwrap();
        rig(store, clock, Box::new(server))
    }
}

#[async_trait]
impl Factory for InRedis {
    async fn make(&self) -> Rig {
        self.make_with(Arc::new(TestIds::default())).await
    }
}
