//! The sign of life that this process gives every second, the server's time that comes back with it, and what is to be
//! done about others that give none.
//!
//! What the store stamps is compared with the store's time only: the clock of this machine may be minutes off.

use crate::queue_scripts::queue_lua;
use crate::reply;
use crate::scripts::lua;
use crate::store::Redis;
use netweave_model::port::Clock;
use netweave_model::{Result, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, info};

lua!(BEAT, "sys_pods.lua", "sys_beat.lua");
queue_lua!(REAP, "q_reap.lua", "sys_pods.lua");

/// Time between two signs of life; see `lua/sys_beat.lua` for how many may be missed.
const PAUSE: Duration = Duration::from_secs(1);
/// An answer that took longer says too little about when it was given.
const PROMPT: Duration = Duration::from_millis(500);
/// Nothing was told yet.
const UNKNOWN: i64 = i64::MIN;

/// The server's time as this process was told it.
#[derive(Debug)]
pub(crate) struct Told {
    start: Instant,
    /// The server's time at `start`, in milliseconds, by the latest prompt answer.
    began_at: AtomicI64,
}

/// The server's time, or another clock's until the server was heard.
struct StoreClock {
    told: Arc<Told>,
    before: Arc<dyn Clock>,
}

impl Default for Told {
    fn default() -> Self {
        Self { start: Instant::now(), began_at: AtomicI64::new(UNKNOWN) }
    }
}

impl Told {
    /// Notes an answer to a question of that moment.
    fn note(&self, at: Timestamp, asked: Instant) {
        let took = asked.elapsed();
        if took > PROMPT && self.now().is_some() {
            return;
        }
        let given = asked.duration_since(self.start) + took / 2;
        self.began_at.store(at.minus(given).0, Ordering::Relaxed);
    }

    fn now(&self) -> Option<Timestamp> {
        let began_at = self.began_at.load(Ordering::Relaxed);
        (began_at != UNKNOWN).then(|| Timestamp(began_at).plus(self.start.elapsed()))
    }
}

impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        self.told.now().unwrap_or_else(|| self.before.now())
    }
}

impl Redis {
    /// Returns a clock that goes by the server's time, to within half of what an answer takes.
    ///
    /// `before` is asked until the server has answered for the first time.
    pub fn clock(&self, before: Arc<dyn Clock>) -> Arc<dyn Clock> {
        Arc::new(StoreClock { told: Arc::clone(self.told()), before })
    }

    /// Says that this process lives, learns the server's time, makes good what is owed, and gives on what dead processes
    /// held; enters the server if need be.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(crate) async fn beat(&self) -> Result<()> {
        let asked = Instant::now();
        let [at, silent] = reply::list(self.run(&BEAT, Vec::new(), vec![self.pod().into()]).await?)?;
        self.told().note(Timestamp(reply::number(&at)?), asked);
        self.make_good().await?;
        if reply::number::<u64>(&silent)? == 0 {
            return Ok(());
        }
        let claims: u64 = reply::number(&self.tell(&REAP, Vec::new()).await?)?;
        if claims > 0 {
            info!(claims, "another gateway was silent for too long, what it held is given on");
        }
        Ok(())
    }
}

/// Gives signs of life, for ever.
pub(crate) async fn beat_on(redis: Redis) {
    let mut ticks = interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = redis.beat().await {
            debug!(%error, "the store did not hear that this process lives");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLERANCE: Duration = Duration::from_secs(1);

    #[test]
    fn the_time_goes_on_from_what_was_told_and_late_answers_change_nothing() {
        let told = Told::default();
        assert_eq!(told.now(), None);
        told.note(Timestamp(5_000_000), Instant::now());
        let now = told.now().unwrap();
        assert!(now >= Timestamp(5_000_000) && now.since(Timestamp(5_000_000)) < TOLERANCE, "{now:?}");
        let Some(long_ago) = Instant::now().checked_sub(PROMPT * 2) else { return };
        told.note(Timestamp(9_000_000), long_ago);
        assert!(told.now().unwrap() < Timestamp(9_000_000));
        told.note(Timestamp(1_000_000), Instant::now());
        assert!(told.now().unwrap().since(Timestamp(1_000_000)) < TOLERANCE, "another server may be behind");
    }
}
