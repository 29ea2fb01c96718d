//! How the process ends: unready at once, accepting until the world knows, then draining, then gone.

use crate::audit::Audit;
use async_trait::async_trait;
use pingora_core::server::{ShutdownSignal, ShutdownSignalWatch, ShutdownWatch};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, mpsc, watch};
use tracing::{info, warn};

/// How long a process goes on with the connections that it has when another one accepts in its place: the last of them are in
/// their handshake, and want an answer to their first request.
const SETTLE: Duration = Duration::from_secs(1);

/// What somebody wants of the running process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// End gracefully, as SIGTERM asks.
    Drain,
    /// End at once, as SIGINT asks.
    Quit,
    /// Read configuration and certificates again, as SIGHUP asks.
    Reload,
    /// Give the sockets to the process that waits for them, as SIGQUIT asks, and end once it serves.
    HandOver,
    /// End gracefully and at once stop accepting: another process does that now.
    Leave,
}

/// Asks a running edge for something, from any thread.
#[derive(Clone, Debug)]
pub struct StopHandle(mpsc::Sender<Ask>);

impl StopHandle {
    /// Makes a handle and the end that listens to it.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Ask>) {
        let (sender, receiver) = mpsc::channel(4);
        (Self(sender), receiver)
    }

    /// Asks; does nothing if the edge is gone or is being asked too much already.
    pub fn ask(&self, ask: Ask) {
        self.0.try_send(ask).ok();
    }
}

/// How far the end has come; everybody reads it, `Ending` alone moves it.
#[derive(Debug)]
pub struct Stopping {
    unready: AtomicBool,
    drain: watch::Sender<bool>,
    services: watch::Sender<bool>,
}

impl Default for Stopping {
    fn default() -> Self {
        Self {
            unready: AtomicBool::new(false),
            drain: watch::Sender::new(false),
            services: watch::Sender::new(true),
        }
    }
}

impl Stopping {
    /// Says whether new requests should go elsewhere.
    pub fn is_unready(&self) -> bool {
        self.unready.load(Ordering::Acquire)
    }

    /// Says whether connections are being closed.
    pub fn is_draining(&self) -> bool {
        *self.drain.borrow()
    }

    /// Returns a watch that turns true when draining begins; the form that Pingora takes.
    pub fn drain_watch(&self) -> ShutdownWatch {
        self.drain.subscribe()
    }

    /// Waits until draining begins.
    pub async fn drained(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        self.drain.subscribe().wait_for(|begun| *begun).await.ok();
    }

    /// Notes whether all background services have handed over.
    pub fn services_done(&self, done: bool) {
        self.services.send_replace(done);
    }

    fn begin_unready(&self) {
        self.unready.store(true, Ordering::Release);
    }

    /// Begins to close connections and to stop services.
    pub(crate) fn begin_drain(&self) {
        self.drain.send_replace(true);
    }

    async fn services_gone(&self) {
        self.services.subscribe().wait_for(|done| *done).await.ok();
    }
}

/// The shutdown watch of the server: it returns when everything is over, so Pingora has nothing left to wait for.
pub(crate) struct Ending {
    /// What it moves.
    pub(crate) stopping: Arc<Stopping>,
    /// Hears the handle.
    pub(crate) asked: tokio::sync::Mutex<mpsc::Receiver<Ask>>,
    /// Whether it hears the process's signals.
    pub(crate) signals: bool,
    /// All permits are free when all connections are closed.
    pub(crate) connections: Arc<Semaphore>,
    /// How many permits there are.
    pub(crate) permits: u32,
    /// How long it goes on accepting while unready.
    pub(crate) delay: Duration,
    /// How long requests in flight have after that.
    pub(crate) grace: Duration,
    /// Reads configuration and certificates again.
    pub(crate) reload: Arc<dyn Fn() + Send + Sync>,
    /// Gives the sockets away, and asks to leave when that is done.
    pub(crate) hand_over: Box<dyn Fn() + Send + Sync>,
    /// Has no more connections accepted, once it is set to false.
    pub(crate) doors: watch::Sender<bool>,
    /// Closes the copies of the listeners that are kept for giving them away.
    pub(crate) close: Box<dyn Fn() + Send + Sync>,
    /// Records that the end has begun.
    pub(crate) audit: Arc<Audit>,
}

/// The process's signals.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
    quit: Signal,
}

impl Signals {
    fn listen() -> Option<Self> {
        let open = || {
            Ok::<_, std::io::Error>(Self {
                term: signal(SignalKind::terminate())?,
                int: signal(SignalKind::interrupt())?,
                hup: signal(SignalKind::hangup())?,
                quit: signal(SignalKind::quit())?,
            })
        };
        open().inspect_err(|error| warn!(%error, "signals cannot be heard")).ok()
    }

    async fn next(&mut self) -> Ask {
        tokio::select! {
            _ = self.int.recv() => Ask::Quit,
            _ = self.term.recv() => Ask::Drain,
            _ = self.hup.recv() => Ask::Reload,
            _ = self.quit.recv() => Ask::HandOver,
        }
    }
}

#[async_trait]
impl ShutdownSignalWatch for Ending {
    async fn recv(&self) -> ShutdownSignal {
        let mut signals = if self.signals { Signals::listen() } else { None };
        let mut asked = self.asked.lock().await;
        let delay = loop {
            match next(&mut signals, &mut asked).await {
                Ask::Reload => self.reload().await,
                Ask::HandOver => (self.hand_over)(),
                Ask::Quit => return ShutdownSignal::FastShutdown,
                Ask::Drain => break self.delay,
                Ask::Leave => {
                    self.doors.send_replace(false);
                    break SETTLE;
                }
            }
        };
        let hurried = async { while next(&mut signals, &mut asked).await != Ask::Quit {} };
        tokio::select! {
            () = self.drain(delay) => ShutdownSignal::GracefulTerminate,
            () = hurried => ShutdownSignal::FastShutdown,
        }
    }
}

async fn next(signals: &mut Option<Signals>, asked: &mut mpsc::Receiver<Ask>) -> Ask {
    let signalled = async {
        match signals {
            Some(signals) => signals.next().await,
            None => std::future::pending().await,
        }
    };
    let handle = async {
        match asked.recv().await {
            Some(ask) => ask,
            // All handles are gone: only signals can ask any more.
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ask = signalled => ask,
        ask = handle => ask,
    }
}

impl Ending {
    /// Reads files, which blocks for a moment.
    async fn reload(&self) {
        let reload = Arc::clone(&self.reload);
        if tokio::task::spawn_blocking(move || reload()).await.is_err() {
            warn!("reading the configuration again was broken off");
        }
    }

    async fn drain(&self, delay: Duration) {
        self.stopping.begin_unready();
        self.audit.event(self.audit.now("process.drain"));
        phase("unready, still serving", delay);
        tokio::time::sleep(delay).await;
        (self.close)();
        self.stopping.begin_drain();
        phase("draining", self.grace);
        let gone = async {
            self.stopping.services_gone().await;
            self.connections.acquire_many(self.permits).await.is_ok()
        };
        if tokio::time::timeout(self.grace, gone).await.is_err() {
            overdue();
        }
    }
}

fn phase(what: &'static str, lasts: Duration) {
    info!(at_most_ms = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX), "{what}");
}

fn overdue() {
    warn!("some connections or services did not end within the grace period");
}
