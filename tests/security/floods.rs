//! Floods of HTTP/2 frames, each on a raw connection with an honest client beside it: the connection ends, the honest
//! client is served, and the gateway's memory stays within a bound.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::figures::record;
use netweave_tests::harness::h2::{
    BOTH, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, PRIORITY, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, block, frame, request, text,
};
use netweave_tests::harness::memory::Growth;
use netweave_tests::harness::socket::Dialer;
use netweave_tests::harness::{Client, Gateway, Inventory, Setup, soon};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Frames that an attacker would send.
const FRAMES: u32 = 100_000;
/// Frames of one write.
const WRITE: u32 = 100;
/// The longest that a flood may last: two idle times of the gateway under test, and what a busy machine adds.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the gateway may need for a flood, in KiB.
const MEMORY_KIB: usize = 64 << 10;
/// The longest that the honest client may wait.
const WAIT: Duration = Duration::from_secs(5);

/// One kind of flood: what is sent before it, and its frames.
struct Flood {
    name: &'static str,
    before: Vec<u8>,
    one: Box<dyn Fn(u32) -> Vec<u8> + Send>,
}

fn flood(name: &'static str, before: Vec<u8>, one: impl Fn(u32) -> Vec<u8> + Send + 'static) -> Flood {
    Flood { name, before, one: Box::new(one) }
}

fn floods() -> Vec<Flood> {
    let pools = format!("{V2}/resourcePools");
    let get = request("GET", &pools, &[]);
    let post = request("POST", &format!("{V2}/subscriptions"), &[("content-type", "application/json")]);
    let opened = frame(HEADERS, END_HEADERS, 1, &post);
    let begun = frame(HEADERS, END_STREAM, 1, &get);
    let (reset, malformed) = (get.clone(), request("GET", "a", &[]));
    let large = block(&[("x", &"y".repeat(16_000))]);
    // An entry of 4,000 bytes in the dynamic table, named again a thousand times.
    let entry = [vec![0x40], text(b"x"), text(&[b'y'; 4000])].concat();
    let bomb = [&get[..], &entry, &[0xbe; 1000]].concat();
    vec![
        flood("rapid reset", Vec::new(), move |n| {
            [frame(HEADERS, BOTH, 2 * n + 1, &reset), frame(RST_STREAM, 0, 2 * n + 1, &[0, 0, 0, 8])].concat()
        }),
        flood("header blocks in 16 KB pieces", begun.clone(), move |_| frame(CONTINUATION, 0, 1, &large)),
        flood("header blocks in empty pieces", begun, |_| frame(CONTINUATION, 0, 1, &[])),
        flood("data of nothing", opened.clone(), |_| frame(DATA, 0, 1, &[])),
        flood("data of one byte", opened.clone(), |_| frame(DATA, 0, 1, b" ")),
        flood("pings", Vec::new(), |_| frame(PING, 0, 0, &[1; 8])),
        flood("settings", Vec::new(), |n| frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, u8::from(n % 2 == 0)])),
        flood("priorities", Vec::new(), |n| frame(PRIORITY, 0, 2 * n + 1, &[0, 0, 0, 0, 9])),
        flood("window updates", Vec::new(), |_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        flood("window updates of a stream", opened, |_| frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])),
        flood("unknown frames", Vec::new(), |_| frame(99, 0, 0, &[0; 100])),
        flood("malformed requests", Vec::new(), move |n| frame(HEADERS, BOTH, 2 * n + 1, &malformed)),
        flood("header bombs", Vec::new(), move |n| frame(HEADERS, BOTH, 2 * n + 1, &bomb)),
    ]
}

/// Sends a flood and reads nothing meanwhile, or everything; returns how many frames were sent before the end came.
async fn drown(dialer: &Dialer, flood: &Flood, reads: bool) -> (u32, bool) {
    let mut socket = dialer.open().await.expect("a connection");
    let hello = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &flood.before].concat();
    socket.send(&hello, PATIENCE).await;
    let (end, mut sent) = (Instant::now() + PATIENCE, 0);
    while sent < FRAMES && Instant::now() < end {
        let some: Vec<u8> = (sent..sent + WRITE).flat_map(&flood.one).collect();
        let left = end.saturating_duration_since(Instant::now());
        if !socket.send(&some, left).await {
            break;
        }
        sent += WRITE;
        if reads {
            socket
                .read_until(Duration::from_micros(100), |read| {
                    read.clear();
                    None::<()>
                })
                .await;
        }
        if socket.closed {
            break;
        }
    }
    let left = end.saturating_duration_since(Instant::now());
    (sent, socket.ends(left).await)
}

/// An honest client that asks all the time.
struct Honest {
    ends: Arc<AtomicBool>,
    served: Arc<AtomicU32>,
    task: tokio::task::JoinHandle<(Vec<String>, Duration)>,
}

impl Honest {
    fn start(client: Client) -> Self {
        let (ends, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (until, count) = (Arc::clone(&ends), Arc::clone(&served));
        let task = tokio::spawn(async move {
            let (mut faults, mut slowest) = (Vec::new(), Duration::ZERO);
            while !until.load(Ordering::Relaxed) {
                let start = Instant::now();
                let answer = client.ask(http::Method::GET, &format!("{V2}/resourcePools"), &[], "").await;
                slowest = slowest.max(start.elapsed());
                match answer {
                    Ok(answer) if answer.status == 200 => _ = count.fetch_add(1, Ordering::Relaxed),
                    other => faults.push(format!("{other:?}")),
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            (faults, slowest)
        });
        Self { ends, served, task }
    }

    fn served(&self) -> u32 {
        self.served.load(Ordering::Relaxed)
    }

    /// Ends it; returns what was not served, and the longest wait.
    async fn end(self) -> (Vec<String>, Duration) {
        self.ends.store(true, Ordering::Relaxed);
        self.task.await.expect("the honest client does not panic")
    }
}

async fn gateway(inventory: &Inventory) -> Gateway {
    let limits = [("/limits/idle", "3s"), ("/limits/bodyTime", "3s"), ("/limits/writeTime", "3s")];
    let setup = limits.iter().fold(Setup::memory(), |setup, (key, value)| setup.set(key, json!(value)));
    setup.file("lab", inventory).start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_flood_of_frames_ends_its_connection_within_bounds_while_others_are_served() {
    let inventory = Inventory::with_servers(2);
    let gateway = gateway(&inventory).await;
    let dialer = Dialer::new(&gateway, "attacker", "h2");
    let honest = Honest::start(gateway.client("smo"));
    soon("the honest client is served", async || honest.served() > 0).await;
    let growth = Growth::of(gateway.pid());
    let (mut faults, mut checks) = (Vec::new(), 0);
    for flood in floods() {
        for reads in [true, false] {
            let (sent, ended) = drown(&dialer, &flood, reads).await;
            if !ended || sent >= FRAMES {
                faults.push(format!("{} (reading: {reads}): {sent} frames, ended: {ended}", flood.name));
            }
            checks += 1;
        }
    }
    soon("no connection of theirs is left", async || {
        gateway.metric("netweave_connections").await <= Some(1.0)
    })
    .await;
    soon("no request of theirs is left", async || {
        gateway.metric("o2ims_http_requests_in_flight").await <= Some(1.0)
    })
    .await;
    let served = honest.served();
    let (unserved, slowest) = honest.end().await;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(unserved.is_empty(), "{unserved:?}");
    assert!(slowest < WAIT, "the honest client waited {slowest:?}");
    let memory = growth.peak_kib();
    assert!(memory < MEMORY_KIB, "{memory} KiB");
    record(&format!("checks={checks} floods={checks} honest_served={served} flood_memory_kib={memory}"));
}
