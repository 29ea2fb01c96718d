//! Cases in which the wire to the source fails in other ways than by being cut.

use super::{Bench, PATIENCE, Resources, Told, resources};
use crate::harness::{Fault, FaultProxy};
use netweave_model::{ErrorKind, Kind, Retry};
use std::time::Duration;
use tokio::time::Instant;

/// How much later a slow source answers.
const SLOW: Duration = Duration::from_millis(300);
/// How long a fault lasts in which calls are counted.
const WHILE: Duration = Duration::from_secs(10);
/// Calls that there may be in that time.
const MOST_CALLS: usize = 30;

/// Begins with some resources that were told.
pub(super) async fn told(bench: &mut dyn Bench) -> Told {
    bench.set(&resources(4, 1)).await;
    let backend = bench.backend();
    let mut told = Told::by(&backend);
    told.until_synced(&backend).await;
    told.until_resources(bench, &resources(4, 1)).await;
    told
}

/// Returns the wire: a bench without one is not complete, which is no reason to skip a case.
pub(super) fn wire(bench: &dyn Bench) -> &FaultProxy {
    bench.wire().expect("a source that is reached over a network has a wire")
}

/// Mends the wire, and sees that the stream goes on by itself.
pub(super) async fn recovers(bench: &mut dyn Bench, told: &mut Told, next: &Resources) {
    assert_eq!(told.deletes, 0, "nothing was told to be gone");
    bench.mend().await;
    bench.set(next).await;
    told.until_resources(bench, next).await;
    let backend = bench.backend();
    let end = Instant::now() + PATIENCE;
    while backend.list(Kind::Resource).await.is_err() {
        assert!(Instant::now() < end, "calls work again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A source that is asked too often says so; it is then asked less and less, and nothing is deleted.
pub(super) async fn a_throttled_peer_is_told_and_spared(bench: &mut dyn Bench) {
    let mut told = told(bench).await;
    for (round, fault) in bench.busy().into_iter().enumerate() {
        let before = told.errors.len();
        wire(bench).all(fault.clone());
        told.until(&format!("the refusal is told: {fault:?}"), |told| {
            told.errors.iter().skip(before).any(|error| error.kind() == ErrorKind::RateLimited)
        })
        .await;
        let error = bench.backend().list(Kind::Resource).await.expect_err("the source is busy");
        assert!(matches!(error.kind(), ErrorKind::RateLimited | ErrorKind::Unavailable), "{error}");
        assert!(error.retry() != Retry::Never, "{error}");
        wire(bench).forget();
        drop(tokio::time::timeout(WHILE, told.until("no end", |_| false)).await);
        let calls = wire(bench).count("");
        assert!(calls <= MOST_CALLS, "{calls} calls in {WHILE:?} to a source that is busy: {fault:?}");
        recovers(bench, &mut told, &resources(5 + round, 1)).await;
    }
}

/// A source that answers late is read completely.
pub(super) async fn a_slow_peer_is_read_completely(bench: &mut dyn Bench) {
    let mut told = told(bench).await;
    wire(bench).all(Fault::Delay(SLOW));
    let next = resources(6, 1);
    bench.set(&next).await;
    told.until_resources(bench, &next).await;
    let objects = bench.backend().list(Kind::Resource).await.expect("a list").objects;
    assert_eq!(objects.len(), next.len());
    recovers(bench, &mut told, &resources(7, 1)).await;
}

/// Answers that break off, say nothing or never end are errors, and delete nothing.
pub(super) async fn answers_that_cannot_be_read_delete_nothing(bench: &mut dyn Bench) {
    let mut told = told(bench).await;
    let page = "<html><head><title>Sign in</title></head><body/></html>";
    for fault in [
        Fault::Truncate,
        Fault::Garbage,
        Fault::answer(200, ""),
        Fault::answer(200, page),
        Fault::Endless("<"),
    ] {
        let before = told.errors.len();
        wire(bench).all(fault.clone());
        told.until(&format!("an error for {fault:?}"), |told| told.errors.len() > before).await;
        let error = bench.backend().list(Kind::Resource).await.expect_err("no answer");
        assert!(!error.public().contains("Sign in"), "{}", error.public());
        bench.mend().await;
    }
    recovers(bench, &mut told, &resources(5, 1)).await;
}

/// Refusals of every sort are errors, and delete nothing.
pub(super) async fn refusals_delete_nothing(bench: &mut dyn Bench) {
    let mut told = told(bench).await;
    for status in [403, 404, 500, 503] {
        let before = told.errors.len();
        wire(bench).all(Fault::answer(status, "quota exceeded for project secret"));
        told.until(&format!("an error for {status}"), |told| told.errors.len() > before).await;
        let error = bench.backend().list(Kind::Resource).await.expect_err("refused");
        assert!(!error.public().contains("secret"), "{}", error.public());
        bench.mend().await;
    }
    recovers(bench, &mut told, &resources(5, 1)).await;
}
