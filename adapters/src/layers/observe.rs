//! Tells an observer of every call to a backend, of how it ended and how long it took.

use async_trait::async_trait;
use futures::StreamExt;
use netweave_model::port::{Backend, Capabilities, Changes, Look};
use netweave_model::{ErrorKind, Kind, Object, ObjectKey, Result, SourceName};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Whoever counts calls to backends.
pub trait Observer: Send + Sync {
    /// Notes one call: `probe`, `list`, `get`, or `changes` for each error item of a stream (which took no time).
    fn operation(
        &self,
        source: &SourceName,
        operation: &'static str,
        outcome: std::result::Result<(), ErrorKind>,
        took: Duration,
    );
}

/// Tells an observer of each call; a call that is dropped before its end is not told.
pub struct Observe {
    inner: Arc<dyn Backend>,
    source: SourceName,
    observer: Arc<dyn Observer>,
}

impl Observe {
    /// Wraps a backend.
    pub fn new(inner: Arc<dyn Backend>, source: SourceName, observer: Arc<dyn Observer>) -> Self {
        Self { inner, source, observer }
    }

    /// Runs a call; `fault` says what is wrong with a good answer.
    async fn told<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
        fault: impl Fn(&T) -> Option<ErrorKind>,
    ) -> Result<T> {
        let began = Instant::now();
        let outcome = call.await;
        let told = match &outcome {
            Ok(answer) => fault(answer).map_or(Ok(()), Err),
            Err(error) => Err(error.kind()),
        };
        self.observer.operation(&self.source, operation, told, began.elapsed());
        outcome
    }
}

#[async_trait]
impl Backend for Observe {
    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn probe(&self) -> Result<()> {
        self.told("probe", self.inner.probe(), |()| None).await
    }

    /// A look with a gap is told as what went wrong there.
    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        let gap = |look: &Look| look.gap.as_ref().map(|gap| gap.error.kind());
        self.told("list", self.inner.look(kinds), gap).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Object> {
        self.told("get", self.inner.get(key), |_| None).await
    }

    fn changes(&self, kinds: &[Kind]) -> Changes {
        let (source, observer) = (self.source.clone(), Arc::clone(&self.observer));
        let told = move |item: &Result<_>| {
            if let Err(error) = item {
                observer.operation(&source, "changes", Err(error.kind()), Duration::ZERO);
            }
        };
        self.inner.changes(kinds).inspect(told).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::fake::Fake;
    use std::sync::Mutex;

    type Seen = (&'static str, std::result::Result<(), ErrorKind>, Duration);

    #[derive(Default)]
    struct Notes(Mutex<Vec<Seen>>);

    impl Observer for Notes {
        fn operation(
            &self,
            _: &SourceName,
            operation: &'static str,
            outcome: std::result::Result<(), ErrorKind>,
            took: Duration,
        ) {
            self.0.lock().unwrap().push((operation, outcome, took));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_and_stream_errors_are_told_with_their_outcome() {
        let fake = Fake::slow(Duration::from_millis(5));
        let notes = Arc::new(Notes::default());
        let backend = Observe::new(fake, SourceName::from("lab"), Arc::clone(&notes) as Arc<dyn Observer>);
        backend.probe().await.unwrap();
        let key = ObjectKey { kind: Kind::Resource, id: "x".into() };
        assert!(backend.get(&key).await.is_err());
        let mut changes = backend.changes(&[Kind::Resource]);
        assert!(changes.next().await.unwrap().is_ok());
        assert!(changes.next().await.unwrap().is_err());
        let took = Duration::from_millis(5);
        assert_eq!(
            *notes.0.lock().unwrap(),
            [
                ("probe", Ok(()), took),
                ("get", Err(ErrorKind::NotFound), took),
                ("changes", Err(ErrorKind::Unavailable), Duration::ZERO),
            ]
        );
    }
}
