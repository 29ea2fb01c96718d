//! What clients that ask all the time have in common: whether they go on, how often they asked, and what failed.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::task::JoinHandle;

#[derive(Default)]
pub(crate) struct Asked {
    ends: AtomicBool,
    requests: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

impl Asked {
    pub(crate) fn goes_on(&self) -> bool {
        !self.ends.load(Ordering::Relaxed)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Counts a request, and keeps its answer if it failed.
    pub(crate) fn count(&self, answer: &impl Debug, good: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if !good {
            self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{answer:?}"));
        }
    }

    /// Ends all clients, fails if one of their requests did, and returns how many there were.
    pub(crate) async fn end(&self, clients: Vec<JoinHandle<()>>) -> usize {
        self.ends.store(true, Ordering::Relaxed);
        for client in clients {
            client.await.expect("a client");
        }
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = self.requests();
        assert!(failures.is_empty(), "{} of {requests} failed: {:?}", failures.len(), failures.first());
        requests
    }
}
