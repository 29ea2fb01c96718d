//! The parts of a lab that are no program of their own: what changes the inventory, and who asks the gateways.

use super::conf::INVENTORY;
use super::load::Load;
use super::state::{Kind, Lab, Part, write};
use super::{pki, trouble};
use crate::cli::Failure;
use crate::cli::client::identified;
use netweave_adapters::sample;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// How often the load is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Steps in which a second's requests are spread.
const STEP: Duration = Duration::from_millis(20);
/// Requests at the same time; what is more is left out.
const AT_ONCE: usize = 256;
/// How long a connection that asks for nothing is held.
const IDLE: Duration = Duration::from_secs(4);
/// Time for one request.
const TIME: Duration = Duration::from_secs(10);
/// What is read.
const PATHS: [&str; 5] = ["resourcePools", "resourceTypes", "deploymentManagers", "locations", "oCloudSites"];
/// How many subscriptions stay.
const STAYING: usize = 5;

/// Which part.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// `source`, `client`, `drag` or `age`
    #[arg(value_parser = ["source", "client", "drag", "age"])]
    name: String,
    /// With `drag`: how long each write to Redis is held back at most
    #[arg(long, value_name = "N", default_value_t = 800)]
    millis: u64,
}

/// Runs until the process is ended.
pub(super) async fn run(args: &Args, dir: &Path) -> Result<(), Failure> {
    match args.name.as_str() {
        "source" => source(dir).await,
        "drag" => trouble::drag(dir, args.millis).await,
        "age" => trouble::age(dir).await,
        _ => client(dir).await,
    }
}

/// Something that happens so many times a second, however long the steps take.
#[derive(Debug, Default)]
struct Rate {
    due: f64,
}

impl Rate {
    /// Returns how often it happens now.
    fn next(&mut self, per_second: f64, passed: Duration) -> u32 {
        self.due = (self.due + per_second * passed.as_secs_f64()).min(1000.0);
        let mut count = 0;
        while self.due >= 1.0 {
            self.due -= 1.0;
            count += 1;
        }
        count
    }
}

async fn source(dir: &Path) -> Result<(), Failure> {
    let path = dir.join(INVENTORY);
    let (mut rate, mut step) = (Rate::default(), 0);
    loop {
        tokio::time::sleep(LOOK / 5).await;
        for _ in 0..rate.next(Load::of(dir).changes, LOOK / 5) {
            // A file that a fault has broken is left as it is: its text has nothing to change.
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            step += 1;
            let next = sample::step(&text, step);
            if next.trim_end() != text.trim_end() {
                write(&path, &next)?;
            }
        }
    }
}

/// Who asks the gateways.
struct Asker {
    dir: PathBuf,
    gateways: Vec<String>,
    smo: String,
    turn: AtomicU64,
    http: Mutex<Option<(SystemTime, Client)>>,
    room: Arc<Semaphore>,
    /// Subscriptions that could not be deleted yet.
    left: Mutex<VecDeque<String>>,
}

async fn client(dir: &Path) -> Result<(), Failure> {
    let lab = Lab::load(dir)?;
    let base = |part: &Part| format!("https://127.0.0.1:{}/o2ims-infrastructureInventory/v2", part.port);
    let smo = lab.all(Kind::Smo).next().map_or(0, |part| part.port);
    let asker = Arc::new(Asker {
        dir: dir.to_owned(),
        gateways: lab.all(Kind::Gateway).map(base).collect(),
        smo: format!("http://127.0.0.1:{smo}/"),
        turn: AtomicU64::new(0),
        http: Mutex::default(),
        room: Arc::new(Semaphore::new(AT_ONCE)),
        left: Mutex::default(),
    });
    let first = lab.all(Kind::Gateway).next().map_or(0, |part| part.port);
    for number in 1..=STAYING {
        tokio::spawn(Arc::clone(&asker).subscribe(format!("lab-{number}")));
    }
    let (mut reads, mut writes, mut connections) = (Rate::default(), Rate::default(), Rate::default());
    let (mut load, mut looked, mut last) = (Load::of(dir), Instant::now(), Instant::now());
    loop {
        tokio::time::sleep(STEP).await;
        let passed = last.elapsed();
        last = Instant::now();
        if looked.elapsed() >= LOOK {
            (load, looked) = (Load::of(dir), last);
        }
        for _ in 0..reads.next(load.reads, passed) {
            tokio::spawn(Arc::clone(&asker).read(load.distinct));
        }
        for _ in 0..writes.next(load.writes, passed) {
            tokio::spawn(Arc::clone(&asker).write());
        }
        for _ in 0..connections.next(load.connections, passed) {
            tokio::spawn(async move {
                if let Ok(stream) = TcpStream::connect(("127.0.0.1", first)).await {
                    tokio::time::sleep(IDLE).await;
                    drop(stream);
                }
            });
        }
    }
}

impl Asker {
    /// Returns a client with the certificate that is in the folder now.
    fn http(&self) -> Option<Client> {
        let file = |name: &str| self.dir.join(name);
        let written = std::fs::metadata(file("smo.crt")).and_then(|meta| meta.modified()).ok()?;
        let mut kept = self.http.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, http)) = kept.as_ref()
            && *at == written
        {
            return Some(http.clone());
        }
        let builder = identified(&file(pki::CA), &file("smo.crt"), &file("smo.key")).ok()?;
        let http = builder.no_proxy().timeout(TIME).build().ok()?;
        *kept = Some((written, http.clone()));
        Some(http)
    }

    /// Asks the next gateway; `None` if it does not answer.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Option<(StatusCode, Value)> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let index = usize::try_from(turn).ok()?.checked_rem(self.gateways.len())?;
        let request = self.http()?.request(method, format!("{}/{path}", self.gateways.get(index)?));
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        let answer = request.send().await.ok()?;
        let status = answer.status();
        let text = answer.bytes().await.ok()?;
        Some((status, serde_json::from_slice(&text).unwrap_or_default()))
    }

    async fn read(self: Arc<Self>, distinct: bool) {
        let Ok(_room) = self.room.try_acquire() else { return };
        let turn = self.turn.load(Ordering::Relaxed);
        let index = usize::try_from(turn / 3).unwrap_or_default() % PATHS.len();
        let path = PATHS.get(index).copied().unwrap_or_default();
        let path = if distinct { format!("{path}?filter=(neq,name,{turn})") } else { path.to_owned() };
        self.ask(Method::GET, &path, None).await;
    }

    /// Makes a subscription and deletes it.
    async fn write(self: Arc<Self>) {
        let Ok(_room) = self.room.try_acquire() else { return };
        let forgotten = self.left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let id = match forgotten {
            Some(id) => id,
            None => match self.create(&format!("write-{}", self.turn.load(Ordering::Relaxed))).await {
                Some(id) => id,
                None => return,
            },
        };
        let deleted = self.ask(Method::DELETE, &format!("subscriptions/{id}"), None).await;
        if !deleted.is_some_and(|(status, _)| status.is_success() || status == StatusCode::NOT_FOUND) {
            self.left.lock().unwrap_or_else(PoisonError::into_inner).push_back(id);
        }
    }

    async fn create(&self, consumer: &str) -> Option<String> {
        let body =
            json!({ "callback": format!("{}{consumer}", self.smo), "consumerSubscriptionId": consumer });
        let (status, made) = self.ask(Method::POST, "subscriptions", Some(body)).await?;
        status.is_success().then(|| made.get("subscriptionId")?.as_str().map(str::to_owned)).flatten()
    }

    /// Makes a subscription that stays.
    async fn subscribe(self: Arc<Self>, consumer: String) {
        while self.create(&consumer).await.is_none() {
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_over_steps_of_any_length() {
        let mut rate = Rate::default();
        let count: u32 = (0..100).map(|_| rate.next(10.0, Duration::from_millis(25))).sum();
        assert_eq!(count, 25);
        assert_eq!(rate.next(0.0, Duration::from_secs(9)), 0);
        assert_eq!(rate.next(2.0, Duration::from_secs(3)), 6);
    }
}
