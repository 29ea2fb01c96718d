//! When requests of an open loop are due.
//!
//! A thread's sleep is exact to some 50 us, while the timers of the runtime wake by the millisecond: they would add one to every
//! latency, and send at once what is due within one.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// One who waits, and until when.
struct Alarm {
    due: Instant,
    wake: oneshot::Sender<()>,
}

/// The thread that wakes everybody.
static CLOCK: LazyLock<Mutex<Sender<Alarm>>> = LazyLock::new(|| {
    let (ask, asked) = channel();
    std::thread::spawn(move || keep(&asked));
    Mutex::new(ask)
});

/// Waits until then; not at all if that is past.
pub async fn wait(due: Instant) {
    if Instant::now() >= due {
        return;
    }
    let (wake, woken) = oneshot::channel();
    let asked = CLOCK.lock().unwrap_or_else(PoisonError::into_inner).send(Alarm { due, wake }).is_ok();
    if !asked || woken.await.is_err() {
        tokio::time::sleep_until(due).await;
    }
}

/// Wakes each at its time, as long as anybody may ask.
fn keep(asked: &Receiver<Alarm>) {
    let (mut waiting, mut number) = (BTreeMap::new(), 0_u64);
    loop {
        let next = match waiting.first_key_value() {
            Some(((due, _), _)) => {
                asked.recv_timeout(Instant::saturating_duration_since(due, Instant::now()))
            }
            None => asked.recv().map_err(|_gone| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(Alarm { due, wake }) => {
                number += 1;
                waiting.insert((due, number), wake);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while let Some(first) = waiting.first_entry().filter(|first| first.key().0 <= Instant::now()) {
            // Who does not wait any more is not missed.
            first.remove().send(()).ok();
        }
    }
}

/// When the requests of one of several connections that share a rate are due, one after the other without end.
#[derive(Clone, Debug)]
pub struct Dues {
    start: Instant,
    rate: u32,
    number: u64,
    connections: u32,
}

impl Dues {
    /// Begins with the first request of a connection, by its number.
    pub fn new(start: Instant, rate: u32, (connection, connections): (u32, u32)) -> Self {
        Self { start, rate, number: connection.into(), connections }
    }

    /// Returns when the next one is due.
    pub fn next(&self) -> Instant {
        self.start + offset(self.number, self.rate)
    }

    /// Waits until the next one is due; returns when that is.
    pub async fn come(&mut self) -> Instant {
        let due = self.next();
        self.number += u64::from(self.connections);
        wait(due).await;
        due
    }
}

/// Returns when the request of that number is due after the first one.
fn offset(number: u64, rate: u32) -> Duration {
    let rate = u64::from(rate.max(1));
    Duration::from_secs(number / rate) + Duration::from_nanos(number % rate * 1_000_000_000 / rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_divides_no_second_is_kept_over_an_hour() {
        assert_eq!(offset(3 * 3600, 3), Duration::from_hours(1));
        assert_eq!(offset(1, 3), Duration::from_nanos(333_333_333));
    }

    #[tokio::test]
    async fn every_connection_has_its_share_and_no_request_is_left_out() {
        // Begun long ago: all are due at once, and none is dropped for it.
        let start = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
        let mut all = Vec::new();
        for connection in 0..4 {
            let mut dues = Dues::new(start, 1000, (connection, 4));
            while dues.next() < start + Duration::from_secs(2) {
                all.push(dues.come().await);
            }
        }
        all.sort();
        let wanted = (0..2000).map(|number| start + Duration::from_millis(number));
        assert_eq!(all, wanted.collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn who_waits_is_woken_in_the_order_of_the_times_and_not_before() {
        let start = Instant::now();
        let of = |millis| async move {
            wait(start + Duration::from_millis(millis)).await;
            (millis, start.elapsed())
        };
        let (late, early, gone) = (of(40), of(20), of(30));
        drop(gone);
        let woken = <[_; 2]>::from(tokio::join!(late, early));
        for (millis, after) in woken {
            assert!(after >= Duration::from_millis(millis), "{millis}: {after:?}");
        }
    }
}
