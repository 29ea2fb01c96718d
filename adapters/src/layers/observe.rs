//! Tells an observer of every call to a backend, of how it ended and how long it took.

use async_trait::async_trait;
use futures::StreamExt;
use netweave_model::port::{Backend, CallObserver, Capabilities, Changes, InfrastructureCall, Look};
use netweave_model::trace::{Context, Trace};
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

    /// Gives an operation that begins its trace, as part of another one.
    fn begin(&self, parent: Option<Trace>) -> Option<Trace> {
        parent
    }

    /// Notes an operation that is part of a trace, beside what `operation` says of it.
    fn traced(&self, _source: &SourceName, _operation: &Traced<'_>) {}

    /// Notes one call of an operation to the infrastructure.
    fn called(&self, _source: &SourceName, _call: &InfrastructureCall<'_>) {}
}

/// One operation as a trace shows it.
#[derive(Clone, Copy, Debug)]
pub struct Traced<'a> {
    /// `probe`, `list` or `get`.
    pub operation: &'static str,
    /// The span that it belonged to, and its own.
    pub spans: (Option<Trace>, Option<Trace>),
    /// What was asked for, if it was one object.
    pub key: Option<&'a ObjectKey>,
    /// How many objects there are in the answer.
    pub count: Option<usize>,
    /// How it ended.
    pub outcome: std::result::Result<(), ErrorKind>,
    /// How long it took.
    pub took: Duration,
}

/// Tells an observer of the calls of one source.
struct OfSource {
    source: SourceName,
    observer: Arc<dyn Observer>,
}

impl CallObserver for OfSource {
    fn begin(&self, parent: Option<Trace>) -> Option<Trace> {
        self.observer.begin(parent)
    }

    fn called(&self, call: &InfrastructureCall<'_>) {
        self.observer.called(&self.source, call);
    }
}

/// Tells an observer of each call; a call that is dropped before its end is not told.
pub struct Observe {
    inner: Arc<dyn Backend>,
    source: SourceName,
    observer: Arc<dyn Observer>,
    calls: Arc<dyn CallObserver>,
}

/// What an answer says beyond that it is there.
#[derive(Default)]
struct Said {
    fault: Option<ErrorKind>,
    count: Option<usize>,
}

impl Observe {
    /// Wraps a backend.
    pub fn new(inner: Arc<dyn Backend>, source: SourceName, observer: Arc<dyn Observer>) -> Self {
        let calls = Arc::new(OfSource { source: source.clone(), observer: Arc::clone(&observer) });
        Self { inner, source, observer, calls }
    }

    /// Runs a call; `said` tells what is in a good answer.
    async fn told<T>(
        &self,
        (operation, key): (&'static str, Option<&ObjectKey>),
        call: impl Future<Output = Result<T>>,
        said: impl Fn(&T) -> Said,
    ) -> Result<T> {
        let (began, Context { trace, causes, .. }) = (Instant::now(), Context::current());
        let parent = trace.or_else(|| causes.as_ref()?.take());
        let own = self.observer.begin(parent);
        if let Some(causes) = causes {
            causes.note(own);
        }
        let context = Context { trace: own, calls: Some(Arc::clone(&self.calls)), causes: None };
        let answer = context.within(call).await;
        let (outcome, count) = match &answer {
            Ok(answer) => {
                let Said { fault, count } = said(answer);
                (fault.map_or(Ok(()), Err), count)
            }
            Err(error) => (Err(error.kind()), None),
        };
        let took = began.elapsed();
        self.observer.operation(&self.source, operation, outcome, took);
        if own.is_some() {
            let spans = (parent, own);
            self.observer.traced(&self.source, &Traced { operation, spans, key, count, outcome, took });
        }
        answer
    }
}

#[async_trait]
impl Backend for Observe {
    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn probe(&self) -> Result<()> {
        self.told(("probe", None), self.inner.probe(), |()| Said::default()).await
    }

    /// A look with a gap is told as what went wrong there.
    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        let said = |look: &Look| Said {
            fault: look.gap.as_ref().map(|gap| gap.error.kind()),
            count: Some(look.objects.values().map(Vec::len).sum()),
        };
        self.told(("list", None), self.inner.look(kinds), said).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Object> {
        self.told(("get", Some(key)), self.inner.get(key), |_| Said::default()).await
    }

    fn changes(&self, kinds: &[Kind]) -> Changes {
        let (source, observer) = (self.source.clone(), Arc::clone(&self.observer));
        let told = move |item: &Result<_>| {
            if let Err(error) = item {
                observer.operation(&source, "changes", Err(error.kind()), Duration::ZERO);
            }
        };
        // A stream serves many traces, or none; its calls are counted all the same.
        let context = Context { calls: Some(Arc::clone(&self.calls)), ..Context::default() };
        context.streaming(self.inner.changes(kinds)).inspect(told).boxed()
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
