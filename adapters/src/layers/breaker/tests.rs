use super::*;
use crate::layers::fake::{Fake, Hands, Turn};
use ErrorKind::{Forbidden, NotFound, RateLimited, Timeout, Unavailable};

struct Bench {
    fake: Arc<Fake>,
    clock: Arc<Hands>,
    breaker: Breaker,
}

impl Bench {
    fn new(fake: Arc<Fake>) -> Self {
        let clock = Arc::new(Hands::default());
        let breaker = Breaker::new(
            Arc::clone(&fake) as Arc<dyn Backend>,
            Arc::clone(&clock) as Arc<dyn Clock>,
            Trip::default(),
        );
        Self { fake, clock, breaker }
    }

    async fn probe(&self, times: usize) {
        for _ in 0..times {
            drop(self.breaker.probe().await);
        }
    }

    /// Tells whether the next call reaches the backend.
    async fn passes(&self) -> bool {
        let before = self.fake.calls();
        self.probe(1).await;
        self.fake.calls() > before
    }
}

#[tokio::test]
async fn five_failures_in_a_row_open_it_and_the_error_says_for_how_long() {
    let bench = Bench::new(Fake::failing([Unavailable, Timeout, Unavailable, Unavailable, Timeout]));
    bench.probe(4).await;
    assert!(bench.passes().await);
    let error = bench.breaker.probe().await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (Unavailable, Retry::After(Duration::from_secs(30))));
    assert!(!bench.passes().await);
}

#[tokio::test]
async fn half_of_twenty_failing_opens_it() {
    let turns = (0..20).map(|turn| {
        if turn % 2 == 0 { Turn::Answer } else { Turn::Fail(Error::new(Unavailable, "prescribed")) }
    });
    let bench = Bench::new(Fake::new(turns));
    bench.probe(19).await;
    assert!(bench.passes().await);
    assert!(!bench.passes().await);
}

#[tokio::test]
async fn throttling_and_missing_objects_do_not_count() {
    let bench = Bench::new(Fake::failing([RateLimited, NotFound].into_iter().cycle().take(60)));
    bench.probe(60).await;
    assert!(bench.passes().await);
}

#[tokio::test]
async fn refused_credentials_open_it_at_once() {
    let bench = Bench::new(Fake::failing([Forbidden]));
    bench.probe(1).await;
    assert!(!bench.passes().await);
}

#[tokio::test]
async fn one_trial_closes_it_or_doubles_the_pause_up_to_ten_minutes() {
    let bench = Bench::new(Fake::failing([Forbidden; 7]));
    bench.probe(1).await;
    for pause in [30, 60, 120, 240, 480, 600] {
        bench.clock.turn(Duration::from_millis(1000 * pause - 1));
        assert!(!bench.passes().await, "{pause}");
        bench.clock.turn(Duration::from_millis(1));
        assert!(bench.passes().await, "{pause}");
    }
    bench.clock.turn(Duration::from_mins(10));
    assert!(bench.breaker.probe().await.is_ok());
    assert!(bench.passes().await);
}

#[tokio::test]
async fn only_one_trial_runs_and_a_dropped_one_makes_room_for_the_next() {
    let refused = Turn::Fail(Error::new(Forbidden, "prescribed"));
    let bench = Bench::new(Fake::new([refused, Turn::Hang]));
    bench.probe(1).await;
    bench.clock.turn(Duration::from_secs(30));
    {
        let trial = bench.breaker.probe();
        tokio::pin!(trial);
        assert!(futures::poll!(&mut trial).is_pending());
        assert!(!bench.passes().await);
    }
    assert!(bench.passes().await);
}
