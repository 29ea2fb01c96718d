//! Open-loop load that goes on until it is told to stop, and counts what fails instead of ending. When it is stopped, the report
//! learns whether the rate was kept.

use hdrhistogram::Histogram;
use netweave_benches::Result;
use netweave_benches::connection::{Answer, Connection, Target};
use netweave_benches::dice::Dice;
use netweave_benches::drive::{self, Kind, Sends, Tally, Watch};
use netweave_benches::due::Dues;
use netweave_benches::handshakes::with_sessions;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// Latencies up to a minute, in microseconds, three digits.
const LONGEST_US: u64 = 60_000_000;
/// How long an answer may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many failures are told in words.
const TOLD: usize = 5;

/// How requests are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Requests per second, over all connections.
    pub(crate) rate: u32,
    pub(crate) connections: u32,
    /// Each request goes over a connection of its own, with a full handshake.
    pub(crate) fresh: bool,
    pub(crate) seed: u64,
}

/// What was counted.
#[derive(Debug)]
pub(crate) struct Counted {
    /// Of answers 200, in microseconds from when the request was due.
    pub(crate) latency: Histogram<u64>,
    pub(crate) failed: u64,
    /// The first failures.
    pub(crate) faults: Vec<String>,
}

impl Counted {
    fn new() -> Result<Self> {
        Ok(Self { latency: Histogram::new_with_max(LONGEST_US, 3)?, failed: 0, faults: Vec::new() })
    }

    /// Returns a quantile of the latency in milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "a latency for people")]
    pub(crate) fn millis(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1000.0
    }

    fn note(&mut self, due: Instant, outcome: Result<()>) {
        match outcome {
            Ok(()) => {
                let took = u64::try_from(due.elapsed().as_micros()).unwrap_or(LONGEST_US);
                self.latency.saturating_record(took);
            }
            Err(error) => {
                self.failed += 1;
                if self.faults.len() < TOLD {
                    self.faults.push(error.to_string());
                }
            }
        }
    }
}

/// Load that runs; it ends at once when this is dropped.
pub(crate) struct Steady {
    ended: Arc<AtomicBool>,
    counted: Arc<Mutex<Counted>>,
    clients: JoinSet<Sends>,
    watch: Watch,
}

impl Steady {
    /// Starts it; `request` writes each request with the dice of its connection.
    pub(crate) fn start(
        target: &Target,
        pace: Pace,
        request: impl Fn(&mut Dice) -> Vec<u8> + Clone + Send + 'static,
    ) -> Result<Self> {
        let watch = Watch::start(Kind::Open)?;
        let (ended, counted) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Counted::new()?)));
        let (start, shown) = (Instant::now(), drive::Counted::new()?);
        let mut clients = JoinSet::new();
        for index in 0..pace.connections {
            let client = Client {
                target: if pace.fresh { with_sessions(target, false) } else { target.clone() },
                fresh: pace.fresh,
                dice: Dice(pace.seed << 32 | u64::from(index)),
                connection: None,
                sends: Sends::new()?,
                tally: shown.tally()?,
            };
            let dues = Dues::new(start, pace.rate, (index, pace.connections));
            let (ended, counted, request) = (Arc::clone(&ended), Arc::clone(&counted), request.clone());
            clients.spawn(client.run(dues, ended, counted, request));
        }
        Ok(Self { ended, counted, clients, watch })
    }

    /// Returns what was counted since the last call.
    pub(crate) fn take(&self) -> Result<Counted> {
        taken(&self.counted)
    }

    /// Ends it when all requests that are under way are answered; returns what was counted since the last call.
    pub(crate) async fn stop(mut self) -> Result<Counted> {
        self.ended.store(true, Ordering::Relaxed);
        let mut sends = Sends::new()?;
        while let Some(client) = self.clients.join_next().await {
            sends.add(&client?)?;
        }
        self.watch.end(None, Some(&sends))?;
        taken(&self.counted)
    }
}

fn taken(counted: &Mutex<Counted>) -> Result<Counted> {
    let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::replace(&mut *counted, Counted::new()?))
}

/// One connection, which is opened again when it broke.
struct Client {
    target: Target,
    fresh: bool,
    dice: Dice,
    connection: Option<Connection>,
    sends: Sends,
    /// For who looks on.
    tally: Tally,
}

impl Client {
    async fn run(
        mut self,
        mut dues: Dues,
        ended: Arc<AtomicBool>,
        counted: Arc<Mutex<Counted>>,
        request: impl Fn(&mut Dice) -> Vec<u8>,
    ) -> Sends {
        let mut free = Instant::now();
        loop {
            let due = dues.come().await;
            if ended.load(Ordering::Relaxed) {
                return self.sends;
            }
            self.sends.leaves(due, free);
            let request = request(&mut self.dice);
            let outcome = match timeout(PATIENCE, self.send(&request)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(format!("no answer in {PATIENCE:?}").into()),
            };
            if outcome.is_ok() {
                self.tally.record(due.elapsed());
            } else {
                self.connection = None;
            }
            counted.lock().unwrap_or_else(PoisonError::into_inner).note(due, outcome);
            free = Instant::now();
        }
    }

    async fn send(&mut self, request: &[u8]) -> Result<()> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.target).await?,
        };
        let answer: Answer = connection.send(request).await?;
        if answer.status != 200 {
            let body = String::from_utf8_lossy(connection.body(answer)).into_owned();
            return Err(format!("status {}: {body}", answer.status).into());
        }
        if !self.fresh {
            self.connection = Some(connection);
        }
        Ok(())
    }
}
