//! A backend whose answers the layers' tests prescribe, and a clock that they turn.

use async_trait::async_trait;
use futures::StreamExt;
use netweave_model::port::{Backend, Capabilities, Change, Changes, Clock, Look};
use netweave_model::{Error, ErrorKind, Kind, Object, ObjectKey, Result, Timestamp};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One prescribed outcome of a call.
pub(crate) enum Turn {
    Answer,
    Fail(Error),
    Hang,
}

/// Answers as prescribed, then always well.
#[derive(Default)]
pub(crate) struct Fake {
    turns: Mutex<VecDeque<Turn>>,
    pub(crate) calls: AtomicUsize,
    pub(crate) most_at_once: AtomicUsize,
    at_once: AtomicUsize,
    /// How long each answer takes.
    takes: Duration,
    capabilities: Capabilities,
}

impl Fake {
    pub(crate) fn new(turns: impl IntoIterator<Item = Turn>) -> Arc<Self> {
        Arc::new(Self { turns: Mutex::new(turns.into_iter().collect()), ..Self::default() })
    }

    pub(crate) fn failing(kinds: impl IntoIterator<Item = ErrorKind>) -> Arc<Self> {
        Self::new(kinds.into_iter().map(|kind| Turn::Fail(Error::new(kind, "prescribed"))))
    }

    /// Answers well, after a while.
    pub(crate) fn slow(takes: Duration) -> Arc<Self> {
        Arc::new(Self { takes, ..Self::default() })
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Backend for Fake {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn probe(&self) -> Result<()> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        let turn = self.turns.lock().unwrap().pop_front();
        tokio::time::sleep(self.takes).await;
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        match turn {
            None | Some(Turn::Answer) => Ok(()),
            Some(Turn::Fail(error)) => Err(error),
            Some(Turn::Hang) => std::future::pending().await,
        }
    }

    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        self.probe().await.map(|()| Look::of(kinds, []))
    }

    async fn get(&self, _key: &ObjectKey) -> Result<Object> {
        self.probe().await?;
        Err(Error::new(ErrorKind::NotFound, "nothing here"))
    }

    fn changes(&self, _kinds: &[Kind]) -> Changes {
        let broken = Err(Error::new(ErrorKind::Unavailable, "prescribed"));
        futures::stream::iter([Ok(Change::Heartbeat), broken]).chain(futures::stream::pending()).boxed()
    }
}

/// A clock that stands still until it is turned.
#[derive(Default)]
pub(crate) struct Hands(AtomicI64);

impl Hands {
    pub(crate) fn turn(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}
