use super::*;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

const RATE: u32 = 500;
const LENGTH: Duration = Duration::from_secs(2);
/// How long the server stands still, once.
const STALL: Duration = Duration::from_millis(500);

/// Starts a server in a thread of its own, so that whatever holds up the generator does not hold up the server.
fn server() -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let (gate, count) = (Arc::new(Mutex::new(())), Arc::new(AtomicU64::new(0)));
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream, Arc::clone(&gate), Arc::clone(&count)));
            }
        });
    });
    told.recv().unwrap()
}

async fn answer(mut stream: TcpStream, gate: Arc<Mutex<()>>, count: Arc<AtomicU64>) {
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {
        // The first to come after half a second's worth of requests stands still, and all others behind it.
        let held = gate.lock().await;
        if count.fetch_add(1, Ordering::Relaxed) == u64::from(RATE / 2) {
            tokio::time::sleep(STALL).await;
        }
        drop(held);
        if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.is_err() {
            return;
        }
    }
}

fn target(address: SocketAddr) -> Target {
    Target { address, tls: None }
}

async fn paced_at(address: SocketAddr) -> (Run, Sends) {
    let all = connected(&target(address), || get("/")).await.unwrap();
    paced(all, (LENGTH, RATE)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_shows_in_every_request_that_was_due_meanwhile() {
    let address = server();
    let (run, sends) = paced_at(address).await;
    // A quarter of the run: requests that were due in it waited 250 ms on average, though most could not be sent.
    assert_eq!(run.requests, u64::from(RATE) * LENGTH.as_secs());
    assert_eq!((sends.intended, sends.unsent), (run.requests, 0));
    assert!(run.micros(0.99) > 400_000.0, "{}", run.micros(0.99));
    assert!(run.micros(0.85) > 100_000.0, "{}", run.micros(0.85));

    // A closed loop sends nothing meanwhile: the same server stands still in sixteen requests alone.
    let run = closed(&target(server()), "/", LENGTH).await.unwrap();
    assert!(run.micros(0.85) < 100_000.0, "{}", run.micros(0.85));
}

#[tokio::test(flavor = "current_thread")]
async fn a_generator_that_is_held_up_itself_is_told_apart_from_a_slow_server() {
    let address = server();
    let hold = tokio::spawn(async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        // The only thread of this generator.
        std::thread::sleep(Duration::from_millis(300));
    });
    let watch = Watch::start(Kind::Open).unwrap();
    let (run, sends) = paced_at(address).await;
    hold.await.unwrap();
    assert!(run.micros(0.99) > 200_000.0, "what was due counts all the same: {}", run.micros(0.99));
    watch.end(Some(&run.latency), Some(&sends)).unwrap();
    let faults = crate::session::pending_faults();
    assert!(faults.iter().any(|fault| fault.contains("late on a free connection")), "{faults:?}");
}
