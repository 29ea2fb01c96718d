//! One reading for all kinds of a round: a poller lists kind after kind, and each would read everything anew.

use crate::map::inventory::Whole;
use netweave_model::{Kind, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How old a reading may be for the next kind of a round.
const FRESH: Duration = Duration::from_secs(10);

/// The latest reading, until a round is through.
pub(crate) struct Round {
    /// The kinds in the order in which they are listed.
    kinds: &'static [Kind],
    latest: Mutex<Option<Latest>>,
}

struct Latest {
    whole: Arc<Whole>,
    done: Instant,
    /// The place of the kind that a round lists next.
    next: usize,
}

impl Round {
    /// Begins without a reading.
    pub(crate) fn new(kinds: &'static [Kind]) -> Self {
        Self { kinds, latest: Mutex::new(None) }
    }

    /// Returns a reading for a list of a kind: the latest if it is fresh and this kind comes next in a round, else a new
    /// one. So whoever lists one kind alone sees the source as it is. Who comes while another reads waits for that.
    ///
    /// # Cancel safety
    /// A reading that is given up leaves none.
    pub(crate) async fn reading(
        &self,
        kind: Kind,
        read: impl Future<Output = Result<Whole>>,
    ) -> Result<Arc<Whole>> {
        let mut latest = self.latest.lock().await;
        let is_next = |latest: &Latest| self.kinds.get(latest.next) == Some(&kind);
        let mut reading =
            match latest.take().filter(|latest| is_next(latest) && latest.done.elapsed() < FRESH) {
                Some(reading) => reading,
                None => Latest { whole: Arc::new(read.await?), done: Instant::now(), next: 0 },
            };
        reading.next = self.kinds.iter().position(|known| *known == kind).map_or(0, |place| place + 1);
        let whole = Arc::clone(&reading.whole);
        *latest = Some(reading).filter(|reading| reading.next < self.kinds.len());
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_model::{Error, ErrorKind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    const KINDS: [Kind; 3] = [Kind::Location, Kind::ResourcePool, Kind::Resource];

    async fn list(round: &Round, kind: Kind, reads: &AtomicUsize) {
        let read = async {
            reads.fetch_add(1, Ordering::SeqCst);
            Ok(Whole::default())
        };
        round.reading(kind, read).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_reads_once_and_the_next_one_anew() {
        let (round, reads) = (Round::new(&KINDS), AtomicUsize::new(0));
        for expected in 1..4 {
            for kind in KINDS {
                list(&round, kind, &reads).await;
            }
            assert_eq!(reads.load(Ordering::SeqCst), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_kind_alone_is_read_anew_each_time() {
        let (round, reads) = (Round::new(&KINDS), AtomicUsize::new(0));
        list(&round, Kind::Location, &reads).await;
        for expected in 2..4 {
            list(&round, Kind::Resource, &reads).await;
            assert_eq!(reads.load(Ordering::SeqCst), expected, "it does not come after locations");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_reading_serves_nobody() {
        let (round, reads) = (Round::new(&KINDS), AtomicUsize::new(0));
        list(&round, Kind::Location, &reads).await;
        tokio::time::advance(FRESH).await;
        list(&round, Kind::ResourcePool, &reads).await;
        assert_eq!(reads.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_failed_reading_is_no_reading() {
        let (round, reads) = (Round::new(&KINDS), AtomicUsize::new(0));
        list(&round, Kind::Location, &reads).await;
        let failing = async { Err(Error::new(ErrorKind::Unavailable, "away")) };
        assert!(round.reading(Kind::Location, failing).await.is_err());
        list(&round, Kind::ResourcePool, &reads).await;
        assert_eq!(
            reads.load(Ordering::SeqCst),
            2,
            "what was known before the failure is not served after it"
        );
    }
}
