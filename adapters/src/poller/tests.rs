use super::*;
use netweave_model::port::Gap;
use netweave_model::{ErrorKind, Retry};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::Instant;

const EVERY: Duration = Duration::from_secs(30);

/// Lists what the test put there; `None` fails.
#[derive(Default)]
struct Shelf {
    capabilities: Capabilities,
    ids: Mutex<Option<Vec<(&'static str, &'static str)>>>,
    /// Every look is refused for this long.
    throttled: Mutex<Option<Duration>>,
    /// A part cannot be read; whether it was before.
    gap: Mutex<Option<bool>>,
    looks: AtomicUsize,
}

impl Shelf {
    fn set(&self, ids: &[(&'static str, &'static str)]) {
        *self.ids.lock().unwrap() = Some(ids.to_vec());
    }

    fn fail(&self) {
        *self.ids.lock().unwrap() = None;
    }
}

#[async_trait]
impl Backend for Shelf {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn probe(&self) -> Result<()> {
        Ok(())
    }

    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        if let Some(pause) = *self.throttled.lock().unwrap() {
            let error = Error::new(ErrorKind::RateLimited, "prescribed");
            return Err(error.with_retry(Retry::After(pause)));
        }
        let ids = self.ids.lock().unwrap().clone();
        let ids = ids.ok_or_else(|| Error::new(ErrorKind::Unavailable, "prescribed"))?;
        let object = |(id, json): (&'static str, &'static str)| Object {
            key: ObjectKey { kind: kinds[0], id: id.into() },
            parent: None,
            json: json.as_bytes().into(),
        };
        let gap = |bridged| Gap { error: Error::new(ErrorKind::Forbidden, "a part"), bridged };
        Ok(Look::of(kinds, ids.into_iter().map(object)).with_gap(self.gap.lock().unwrap().map(gap)))
    }

    async fn get(&self, _: &ObjectKey) -> Result<Object> {
        Err(Error::new(ErrorKind::NotFound, "not here"))
    }

    fn changes(&self, _: &[Kind]) -> Changes {
        stream::pending().boxed()
    }
}

fn poller() -> (Arc<Shelf>, Poller) {
    let shelf = Arc::new(Shelf::default());
    (Arc::clone(&shelf), Poller::new(shelf, EVERY))
}

/// Reads one round: `+id` for an upsert, `-id` for a delete, `!` for a failure.
async fn round(changes: &mut Changes) -> String {
    let mut text = String::new();
    loop {
        match changes.next().await.unwrap() {
            Ok(Change::Heartbeat) => return text,
            Ok(Change::Reset(_)) => text.push('['),
            Ok(Change::Synced(_)) => text.push(']'),
            Ok(Change::Upsert(object)) => text.extend(["+", object.key.id.as_str()]),
            Ok(Change::Delete(key)) => text.extend(["-", key.id.as_str()]),
            Err(_) => return text + "!",
        }
    }
}

/// Has the stream wait for its next round; returns whether it does.
async fn waits(changes: &mut Changes) -> bool {
    futures::poll!(changes.next()).is_pending()
}

#[tokio::test(start_paused = true)]
async fn only_differences_follow_the_first_round() {
    let (shelf, poller) = poller();
    shelf.set(&[("a", "1"), ("b", "1")]);
    let mut changes = poller.changes(&[Kind::Resource]);
    assert_eq!(round(&mut changes).await, "[+a+b]");
    assert_eq!(round(&mut changes).await, "");
    shelf.set(&[("a", "1"), ("b", "2"), ("c", "1")]);
    assert_eq!(round(&mut changes).await, "+b+c");
}

#[tokio::test(start_paused = true)]
async fn an_object_is_deleted_after_two_complete_absences_in_a_row() {
    let (shelf, poller) = poller();
    shelf.set(&[("a", "1"), ("b", "1")]);
    let mut changes = poller.changes(&[Kind::Resource]);
    assert_eq!(round(&mut changes).await, "[+a+b]");
    shelf.set(&[("a", "1")]);
    assert_eq!(round(&mut changes).await, "");
    shelf.set(&[("a", "1"), ("b", "1")]);
    assert_eq!(round(&mut changes).await, "");
    shelf.set(&[("a", "1")]);
    assert_eq!(round(&mut changes).await, "");
    shelf.fail();
    assert_eq!(round(&mut changes).await, "!");
    shelf.set(&[("a", "1")]);
    assert_eq!(round(&mut changes).await, "-b");
    assert_eq!(round(&mut changes).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_failed_first_round_names_nothing_and_pauses_grow() {
    let (shelf, poller) = poller();
    let mut changes = poller.changes(&[Kind::Resource]);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let began = Instant::now();
        assert_eq!(round(&mut changes).await, "!");
        pauses.push(began.elapsed().as_secs());
    }
    assert!(pauses[0] == 0 && (27..=33).contains(&pauses[1]) && (54..=66).contains(&pauses[2]), "{pauses:?}");
    assert!((540..=660).contains(&pauses[7]), "{pauses:?}");
    shelf.set(&[("a", "1")]);
    assert_eq!(round(&mut changes).await, "[+a]");
}

#[tokio::test(start_paused = true)]
async fn a_nudge_ends_the_pause() {
    let (shelf, poller) = poller();
    shelf.set(&[]);
    let mut changes = poller.changes(&[Kind::Resource]);
    assert_eq!(round(&mut changes).await, "[]");
    shelf.set(&[("a", "1")]);
    let began = Instant::now();
    poller.nudge();
    assert_eq!(round(&mut changes).await, "+a");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_stream_outlives_the_poller() {
    let (shelf, poller) = poller();
    shelf.set(&[("a", "1")]);
    let mut changes = poller.changes(&[Kind::Resource]);
    drop(poller);
    assert_eq!(round(&mut changes).await, "[+a]");
    assert_eq!(round(&mut changes).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_asked_too_often_is_asked_once_and_not_before_its_pause() {
    let (shelf, poller) = poller();
    *shelf.throttled.lock().unwrap() = Some(Duration::from_mins(5));
    let mut changes = poller.changes(&Kind::ALL);
    assert_eq!(round(&mut changes).await, "!");
    let began = Instant::now();
    assert_eq!(round(&mut changes).await, "!");
    let waited = began.elapsed().as_secs();
    assert!((270..=330).contains(&waited), "{waited}");
    assert_eq!(
        shelf.looks.load(Ordering::Relaxed),
        2,
        "one look in each round, whatever the number of kinds"
    );
}

#[tokio::test(start_paused = true)]
async fn beside_a_part_that_fails_the_others_change_and_nothing_of_it_is_gone() {
    let (shelf, poller) = poller();
    shelf.set(&[("a", "1"), ("b", "1"), ("c", "1")]);
    let mut changes = poller.changes(&[Kind::Resource]);
    assert_eq!(round(&mut changes).await, "[+a+b+c]");
    *shelf.gap.lock().unwrap() = Some(false);
    shelf.set(&[("a", "2")]);
    let began = Instant::now();
    assert_eq!(round(&mut changes).await, "+a!");
    for _ in 0..3 {
        assert_eq!(round(&mut changes).await, "!", "what is not named may exist");
    }
    assert!(began.elapsed() < 5 * EVERY, "the others are read as ever");
    // What was read before stands in for it: what is not named now is gone from the others.
    *shelf.gap.lock().unwrap() = Some(true);
    shelf.set(&[("a", "2"), ("c", "1")]);
    assert_eq!(round(&mut changes).await, "!");
    assert_eq!(round(&mut changes).await, "-b!");
    *shelf.gap.lock().unwrap() = None;
    assert_eq!(round(&mut changes).await, "");
}

#[tokio::test(start_paused = true)]
async fn what_can_be_read_is_told_before_the_whole_is_known() {
    let (shelf, poller) = poller();
    *shelf.gap.lock().unwrap() = Some(false);
    shelf.set(&[("a", "1")]);
    let mut changes = poller.changes(&[Kind::Resource]);
    assert_eq!(round(&mut changes).await, "+a!");
    assert_eq!(round(&mut changes).await, "!");
    *shelf.gap.lock().unwrap() = None;
    shelf.set(&[("a", "1"), ("b", "1")]);
    assert_eq!(round(&mut changes).await, "[+a+b]");
}

#[tokio::test(start_paused = true)]
async fn while_a_part_fails_only_the_rounds_ask() {
    let (shelf, poller) = poller();
    *shelf.gap.lock().unwrap() = Some(true);
    shelf.set(&[("a", "1")]);
    let mut changes = poller.changes(&[Kind::Resource]);
    assert_eq!(round(&mut changes).await, "[+a]!");
    let error = poller.list(Kind::Resource).await.unwrap_err();
    assert_eq!((error.kind(), shelf.looks.load(Ordering::Relaxed)), (ErrorKind::Forbidden, 1));
    *shelf.gap.lock().unwrap() = None;
    assert_eq!(round(&mut changes).await, "");
    assert_eq!(poller.list(Kind::Resource).await.unwrap().objects.len(), 1);
    *shelf.gap.lock().unwrap() = Some(true);
    assert_eq!(round(&mut changes).await, "!");
    drop(changes);
    assert!(poller.list(Kind::Resource).await.is_err());
    assert_eq!(shelf.looks.load(Ordering::Relaxed), 5, "without a stream it is asked");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_begins_a_round_unless_the_source_fails() {
    let (shelf, poller) = poller();
    shelf.set(&[]);
    let mut changes = poller.changes(&[Kind::Resource]);
    assert_eq!(round(&mut changes).await, "[]");
    shelf.set(&[("a", "1")]);
    let began = Instant::now();
    poller.refresh();
    assert!(waits(&mut changes).await, "what was said before all was told is answered by it");
    poller.refresh();
    assert_eq!(round(&mut changes).await, "+a");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    shelf.fail();
    assert!(waits(&mut changes).await);
    poller.refresh();
    assert_eq!(round(&mut changes).await, "!");
    assert!(waits(&mut changes).await);
    poller.refresh();
    let began = Instant::now();
    assert_eq!(round(&mut changes).await, "!");
    assert!(began.elapsed() >= EVERY.mul_f64(0.9), "{:?}", began.elapsed());
}
