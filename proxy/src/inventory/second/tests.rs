use super::*;
use crate::inventory::cache::{Spelling, Subject};
use crate::inventory::version::Version;
use async_trait::async_trait;
use http::HeaderValue;
use netweave_model::port::CachedBody;
use netweave_model::subscription::Major;
use netweave_model::{Error, Kind};
use tokio::sync::Semaphore;

/// A cache whose look-ups wait for leave.
struct Slow {
    leave: Semaphore,
    kept: Mutex<HashMap<String, CachedBody>>,
    asked: Mutex<u32>,
}

#[async_trait]
impl ResponseCache for Slow {
    async fn get(&self, key: &str) -> Option<CachedBody> {
        *self.asked.lock().unwrap() += 1;
        self.leave.acquire().await.unwrap().forget();
        self.kept.lock().unwrap().get(key).cloned()
    }

    fn put(&self, key: String, answer: CachedBody, lifetime: Duration) {
        assert_eq!(lifetime, Duration::from_mins(11));
        self.kept.lock().unwrap().insert(key, answer);
    }
}

fn second() -> (Arc<Slow>, Second) {
    let slow = Arc::new(Slow { leave: Semaphore::new(0), kept: Mutex::default(), asked: Mutex::default() });
    let second = Second::new(Arc::clone(&slow) as Arc<dyn ResponseCache>, "o");
    (slow, second)
}

fn key(query: &str) -> KeyRef<'_> {
    KeyRef {
        major: Major::V2,
        scope: "all",
        version: Version::of("1", b"{}"),
        subject: Subject::List(Kind::Resource),
        parent: Some("pool"),
        id: None,
        spelling: Spelling::Canonical,
        query,
    }
}

fn answer() -> Answer {
    Answer { etag: HeaderValue::from_static("\"x\""), link: None, body: "[]".into() }
}

async fn ask(second: &Second, count: &Mutex<u32>) -> Origin {
    let make = || {
        *count.lock().unwrap() += 1;
        Ok(answer())
    };
    second.find_or_make(key("a=b"), Duration::from_mins(1), make).await.unwrap().1
}

#[tokio::test]
async fn requests_for_one_answer_wait_for_the_first_of_them() {
    let (slow, second) = second();
    let count = Mutex::new(0);
    let all = futures::future::join_all((0..20).map(|_| ask(&second, &count)));
    let leave = async { slow.leave.add_permits(1) };
    let (origins, ()) = tokio::join!(all, leave);
    assert_eq!((origins[0], *count.lock().unwrap(), *slow.asked.lock().unwrap()), (Origin::Made, 1, 1));
    assert!(origins[1..].iter().all(|origin| *origin == Origin::Neighbour));
    slow.leave.add_permits(1);
    assert_eq!(ask(&second, &count).await, Origin::Shared);
    assert_eq!(*count.lock().unwrap(), 1);
    assert!(second.flights.all().is_empty());
}

#[tokio::test]
async fn who_waited_for_a_request_that_went_away_goes_on_alone() {
    let (_slow, second) = second();
    let count = Mutex::new(0);
    let mut first = Box::pin(ask(&second, &count));
    assert!(futures::poll!(&mut first).is_pending());
    let mut later = Box::pin(ask(&second, &count));
    assert!(futures::poll!(&mut later).is_pending());
    drop(first);
    assert_eq!(later.await, Origin::Made);
    assert!(second.flights.all().is_empty());
}

#[tokio::test]
async fn what_cannot_be_made_is_an_error_and_is_not_stored() {
    let (slow, second) = second();
    slow.leave.add_permits(1);
    let refused = || Err(Error::invalid("nextpage_opaque_marker", "there is no page with this number"));
    assert!(second.find_or_make(key(""), Duration::from_mins(1), refused).await.is_err());
    assert!(slow.kept.lock().unwrap().is_empty() && second.flights.all().is_empty());
}

#[test]
fn a_key_holds_all_that_the_answer_depends_on() {
    let (_slow, second) = second();
    let plain = key("a=b");
    let name = second.name(plain);
    let others = [
        KeyRef { major: Major::V1, ..plain },
        KeyRef { scope: "some", ..plain },
        KeyRef { version: Version::of("2", b"{}"), ..plain },
        KeyRef { subject: Subject::List(Kind::ResourcePool), ..plain },
        KeyRef { parent: Some("poo"), id: Some("l"), ..plain },
        KeyRef { id: Some("1"), ..plain },
        KeyRef { query: "a=c", ..plain },
    ];
    for other in others {
        assert_ne!(second.name(other), name, "{other:?}");
    }
    assert_eq!(second.name(KeyRef { spelling: Spelling::Raw, ..plain }), name);
    let other = Second::new(Arc::clone(&second.cache), "p");
    assert_ne!(other.name(plain), name, "another O-Cloud");
    let long = "x".repeat(8192);
    assert!(second.name(key(&long)).len() < 250, "a client does not choose how long a key is");
}
