//! The cursor moves between the question where it is and the question what comes after it.

use super::*;
use crate::services::fakes::Rig;
use netweave_memory::Memory;
use netweave_model::port::{Change, EntryStream, Fence, Snapshot};
use netweave_model::subscription::Major;
use netweave_model::{Error, SourceName};

/// A log that another dispatcher has read, and that does not know the position any more at which it is asked.
struct Overtaken {
    store: Arc<Memory>,
    other: Dispatcher,
}

#[async_trait]
impl InventoryLog for Overtaken {
    async fn commit(&self, source: &SourceName, fence: Fence, changes: &[Change]) -> Result<Position> {
        self.store.commit(source, fence, changes).await
    }

    async fn snapshot(&self, source: &SourceName) -> Result<Snapshot> {
        self.store.snapshot(source).await
    }

    async fn head(&self) -> Result<Position> {
        self.store.head().await
    }

    async fn follow(&self, from: Position) -> Result<EntryStream> {
        self.store.follow(from).await
    }

    async fn read(&self, _from: Position, _limit: usize) -> Result<Vec<Entry>> {
        self.other.activate().await?;
        Err(Error::new(ErrorKind::NotFound, "another generation"))
    }

    async fn trim(&self, below: Position, keep: Duration) -> Result<u64> {
        self.store.trim(below, keep).await
    }
}

#[tokio::test]
async fn nobody_is_told_to_resync_because_the_cursor_was_old() {
    let rig = Rig::start().await;
    let subscription = rig.subscribe_as(Major::V2, "http://127.0.0.1:9/", None).await;
    rig.change("r", 1).await;
    let Rig { store, dispatcher: other, metrics, .. } = rig;
    let parts = Parts {
        log: Arc::new(Overtaken { store: Arc::clone(&store), other }),
        subscriptions: Arc::<Memory>::clone(&store),
        deliveries: Arc::<Memory>::clone(&store),
        paths: Arc::new(Paths::new()),
        access: crate::access::admins(),
        metrics,
    };
    assert!(Dispatcher::new(parts, 10).activate().await.unwrap());
    let claims = store.take(10, 10, Duration::from_secs(9)).await.unwrap();
    let told: Vec<_> = claims.iter().flat_map(|claim| &claim.items).map(|item| &item.notice).collect();
    assert!(matches!(*told, [Notice::Change(_)]), "{told:?}");
    assert_eq!(claims[0].subscription, subscription.id);
}
