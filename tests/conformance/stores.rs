//! The stores that the suites are run for.

use async_trait::async_trait;
use netweave_memory::Memory;
use netweave_tests::conformance::stores::{Factory, Rig};
use netweave_tests::harness::clock::{TestClock, TestIds};
use std::sync::Arc;

/// Runs each named case of a port's suite for every store, as a test of its own.
macro_rules! suite {
    ($port:ident: $($case:ident),+ $(,)?) => {
        crate::stores::suite!(@store memory, crate::stores::InMemory, $port, $($case),+);
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

/// Makes stores in memory.
pub(crate) struct InMemory;

#[async_trait]
impl Factory for InMemory {
    async fn make(&self) -> Rig {
        let clock = Arc::new(TestClock::new());
        let store = Memory::new(clock.clone(), Arc::new(TestIds::default()));
        Rig {
            log: Arc::new(store.clone()),
            subscriptions: Arc::new(store.clone()),
            deliveries: Arc::new(store.clone()),
            leases: Arc::new(store),
            clock,
            keep: Box::new(()),
        }
    }
}
