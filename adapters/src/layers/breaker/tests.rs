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

    async fn call(&self, times: usize) {
        for _ in 0..times {
            drop(self.breaker.list(Kind::Resource).await);
        }
    }

    /// Tells whether the next call reaches the backend.
    async fn passes(&self) -> bool {
        let before = self.fake.calls();
        self.call(1).await;
        self.fake.calls() > before
    }
}

#[tokio::test]
async fn five_failures_in_a_row_open_it_and_the_error_says_for_how_long() {
    let bench = Bench::new(Fake::failing([Unavailable, Timeout, Unavailable, Unavailable, Timeout]));
    bench.call(4).await;
    assert!(bench.passes().await);
    let error = bench.breaker.list(Kind::Resource).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (Unavailable, Retry::After(Duration::from_secs(30))));
    assert!(!bench.passes().await);
}

#[tokio::test]
async fn half_of_twenty_failing_opens_it() {
    let turns = (0..20).map(|turn| {
        if turn % 2 == 0 { Turn::Answer } else { Turn::Fail(Error::new(Unavailable, "prescribed")) }
    });
    let bench = Bench::new(Fake::new(turns));
    bench.call(19).await;
    assert!(bench.passes().await);
    assert!(!bench.passes().await);
}

#[tokio::test]
async fn throttling_and_missing_objects_do_not_count() {
    let bench = Bench::new(Fake::failing([RateLimited, NotFound].into_iter().cycle().take(60)));
    bench.call(60).await;
    assert!(bench.passes().await);
}

#[tokio::test]
async fn refused_credentials_open_it_at_once() {
    let bench = Bench::new(Fake::failing([Forbidden]));
    bench.call(1).await;
    assert!(!bench.passes().await);
}

#[tokio::test]
async fn one_trial_closes_it_or_doubles_the_pause_up_to_ten_minutes() {
    let bench = Bench::new(Fake::failing([Forbidden; 7]));
    bench.call(1).await;
    for pause in [30, 60, 120, 240, 480, 600] {
        bench.clock.turn(Duration::from_millis(1000 * pause - 1));
        assert!(!bench.passes().await, "{pause}");
        bench.clock.turn(Duration::from_millis(1));
        assert!(bench.passes().await, "{pause}");
    }
    bench.clock.turn(Duration::from_mins(10));
    assert!(bench.breaker.list(Kind::Resource).await.is_ok());
    assert!(bench.passes().await);
}

#[tokio::test]
async fn only_one_trial_runs_and_a_dropped_one_makes_room_for_the_next() {
    let refused = Turn::Fail(Error::new(Forbidden, "prescribed"));
    let bench = Bench::new(Fake::new([refused, Turn::Hang]));
    bench.call(1).await;
    bench.clock.turn(Duration::from_secs(30));
    {
        let trial = bench.breaker.list(Kind::Resource);
        tokio::pin!(trial);
        assert!(futures::poll!(&mut trial).is_pending());
        assert!(!bench.passes().await);
    }
    assert!(bench.passes().await);
}

#[tokio::test]
async fn a_probe_is_always_asked_and_never_counted() {
    let bench = Bench::new(Fake::failing([Unavailable; 12]));
    for _ in 0..5 {
        assert_eq!(bench.breaker.probe().await.unwrap_err().kind(), Unavailable);
    }
    assert!(bench.passes().await, "probes did not open it");
    bench.call(4).await;
    assert!(!bench.passes().await);
    let before = bench.fake.calls();
    drop(bench.breaker.probe().await);
    assert_eq!(bench.fake.calls(), before + 1, "an open breaker lets probes through");
}
