//! More callers than there are places: what was let in is answered as before, and what is too much is told so at once.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::figures::record;
use netweave_tests::harness::{Client, Gateway, Setup};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Requests that may be in flight.
const PLACES: usize = 8;
/// Callers at once in the storm: eight for each place.
const STORM: usize = 64;
/// How long a callback thinks about whether it is one: that long a request holds its place.
const WORK: Duration = Duration::from_millis(200);
/// How long each phase is measured.
const PHASE: Duration = Duration::from_secs(5);
/// The pause of a caller that was refused; impatient, for it was told to wait for a second.
const PAUSE: Duration = Duration::from_millis(200);
/// The share of the goodput at the limit that must be left in the storm.
const GOODPUT: f64 = 0.6;
/// How many times longer the slowest admitted requests may take in the storm than at the limit, p99: less than if all
/// callers stood in a line.
const SLOWER: f64 = 8.0;

/// Answers every GET with 204 after some time.
async fn callback() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(think(stream));
        }
    });
    address
}

async fn think(mut stream: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if !stream.read_buf(&mut head).await.is_ok_and(|count| count > 0) {
            return;
        }
    }
    tokio::time::sleep(WORK).await;
    // Who asked may be gone.
    stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await.ok();
}

/// What callers met.
#[derive(Default)]
struct Met {
    admitted: Vec<Duration>,
    shed: Vec<Duration>,
    odd: Vec<String>,
}

impl Met {
    fn goodput(&self) -> f64 {
        f64::from(u32::try_from(self.admitted.len()).expect("a count")) / PHASE.as_secs_f64()
    }
}

/// Returns the time within which 99 of 100 were.
fn p99(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[(times.len() * 99).div_ceil(100) - 1]
}

async fn call(client: Client, body: serde_json::Value, ends: Arc<AtomicBool>) -> Met {
    let (mut met, mut number) = (Met::default(), 0);
    while !ends.load(Ordering::Relaxed) {
        number += 1;
        let mut body = body.clone();
        body["consumerSubscriptionId"] = number.to_string().into();
        let start = Instant::now();
        let answer = client.post(&format!("{V2}/subscriptions"), &body).await;
        let took = start.elapsed();
        match (answer.status, answer.header("retry-after")) {
            (201, _) => met.admitted.push(took),
            (503, "1") => {
                answer.problem(503);
                met.shed.push(took);
                tokio::time::sleep(PAUSE).await;
            }
            _ => met.odd.push(format!("{answer:?}")),
        }
    }
    met
}

/// Lets so many callers of different identities ask for the time of a phase.
async fn phase(gateway: &Gateway, callback: SocketAddr, callers: usize) -> Met {
    let ends = Arc::new(AtomicBool::new(false));
    let body = |caller| json!({ "callback": format!("http://{callback}/{callers}/{caller}") });
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            tokio::spawn(call(gateway.client(&format!("smo-{caller}")), body(caller), Arc::clone(&ends)))
        })
        .collect();
    tokio::time::sleep(PHASE).await;
    ends.store(true, Ordering::Relaxed);
    let mut all = Met::default();
    for task in tasks {
        let met = task.await.expect("a caller does not panic");
        all.admitted.extend(met.admitted);
        all.shed.extend(met.shed);
        all.odd.extend(met.odd);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn above_the_requests_in_flight_goodput_stays_and_the_admitted_are_as_quick_as_before() {
    let gateway = Setup::memory()
        .set("/limits/inFlight", json!(PLACES))
        .set("/subscriptions/callback/verify", json!("get204"))
        .set("/subscriptions/perOwner", json!(10_000))
        .start()
        .await;
    let callback = callback().await;
    let mut full = phase(&gateway, callback, PLACES).await;
    let mut storm = phase(&gateway, callback, STORM).await;
    assert!(full.odd.is_empty() && storm.odd.is_empty(), "{:?} {:?}", full.odd, storm.odd);
    let (before, after) = (p99(&mut full.admitted), p99(&mut storm.admitted));
    let goodput = storm.goodput() / full.goodput();
    let slower = after.as_secs_f64() / before.as_secs_f64();
    let shed = p99(&mut storm.shed);
    assert!(storm.shed.len() > STORM, "only {} were shed", storm.shed.len());
    assert!(goodput >= GOODPUT, "{goodput:.2} of the goodput is left");
    assert!(slower < SLOWER, "p99 is {slower:.1} times as long");
    // A refusal that takes as long as the work is no relief.
    assert!(shed < after, "a refusal takes {shed:?}");
    let limited = gateway.metric("netweave_requests_limited_total{limit=\"in-flight\"}").await;
    assert!(limited >= Some(f64::from(u32::try_from(storm.shed.len()).expect("a count"))), "{limited:?}");
    let refused = storm.shed.len();
    record(&format!("checks=4 goodput_left={goodput:.2} p99_ratio={slower:.2} shed={refused}"));
}
