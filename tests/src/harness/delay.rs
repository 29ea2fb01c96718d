//! How long it takes from a change in a source until a subscriber is told of it.

use super::callbacks::Callbacks;
use super::client::{Client, V2};
use super::figures::{full, record};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How long one notification is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns how many changes are measured.
pub fn changes() -> u32 {
    if full() { 200 } else { 20 }
}

/// A subscriber with a watch in its hand.
pub struct Delays {
    told: UnboundedReceiver<(Value, Instant)>,
    times: Vec<Duration>,
    _callbacks: Callbacks,
}

impl Delays {
    /// Subscribes to everything.
    pub async fn subscribe(smo: &Client) -> Self {
        let (sender, told) = unbounded_channel();
        // Whoever is told after the end of the measurement is of no interest.
        let sink = Box::new(move |_: &str, body: Value| drop(sender.send((body, Instant::now()))));
        let callbacks = Callbacks::passing_on(sink).await;
        let body = json!({ "callback": callbacks.url("/smo") });
        smo.post(&format!("{V2}/subscriptions"), &body).await.expect(201);
        Self { told, times: Vec::new(), _callbacks: callbacks }
    }

    /// Makes a change, and waits for the notification whose new state it is. The time runs from before the change is
    /// asked for until the notification was read.
    pub async fn measure(&mut self, change: impl Future<Output = ()>, is_it: impl Fn(&Value) -> bool) {
        let start = Instant::now();
        change.await;
        let told = async {
            loop {
                let (body, at) = self.told.recv().await.expect("the callbacks run");
                if is_it(&body["postObjectState"]) {
                    return at;
                }
            }
        };
        let at = tokio::time::timeout(PATIENCE, told).await.expect("a notification of the change");
        self.times.push(at - start);
    }

    /// Records the figures under a name, and holds the 99th percentile against a bound.
    pub fn hold(mut self, name: &str, bound: Duration) {
        self.times.sort_unstable();
        let (last, of) = (self.times.len() - 1, |part: usize| self.times[self.times.len() * part / 100]);
        let (p50, p99, slowest) = (of(50), of(99), self.times[last]);
        record(&format!(
            "{name}_changes={} {name}_told_p50_ms={} {name}_told_p99_ms={} {name}_told_slowest_ms={}",
            self.times.len(),
            p50.as_millis(),
            p99.as_millis(),
            slowest.as_millis()
        ));
        assert!(p99 < bound, "{name}: the 99th percentile is {p99:?}, the bound {bound:?}");
    }
}

/// Returns the bound of a source that is asked every so often: the pause and a second.
///
/// When only a few changes are measured, others may be at work on the machine, and stand-ins in Python are slow then.
pub fn polled(pause: Duration) -> Duration {
    pause + Duration::from_secs(if full() { 1 } else { 10 })
}
