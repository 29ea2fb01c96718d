//! Three Redis servers, of which one is the primary, and three Sentinels that watch them, for one test.
//!
//! They run with the files of `deploy/redis`, but notice a dead primary after one second, so that another one replaces
//! it after about two. What a test does to them is undone by `settled`, so one lab serves many scenarios.

mod region;

pub use region::Region;

use super::pki::Pki;
use super::ports::Port;
use super::redis::{Access, Files, Process, SERVICE, program};
use super::wait;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// How many servers there are, and how many Sentinels.
pub const SIZE: usize = 3;

/// How long it may take until replicas have what the primary has.
const JOIN: Duration = Duration::from_secs(15);
/// How long it may take until another primary is named: three attempts that do not come about at once.
const REPLACE: Duration = Duration::from_secs(20);
/// How long it may take until all agree again; a failover may have to come first.
const SETTLE: Duration = Duration::from_secs(40);

/// Labs of one process take turns: Sentinels take a server that is short of processor time for a dead one.
static TURN: LazyLock<Arc<Mutex<()>>> = LazyLock::new(Arc::default);

/// The servers and their Sentinels; all are killed by their own ids when this is dropped.
pub struct RedisLab {
    servers: Vec<Process>,
    sentinels: Vec<Process>,
    files: Files,
    _ports: Vec<Port>,
    _turn: OwnedMutexGuard<()>,
}

impl RedisLab {
    /// Starts all six; returns when both replicas are online and every Sentinel knows all others.
    ///
    /// `None` if there is no redis-server and `NETWEAVE_REQUIRE_PEERS` does not ask for one.
    pub async fn start() -> Option<Self> {
        Self::launch(None).await
    }

    /// Starts all six with mutual TLS on every port.
    pub async fn start_tls(pki: &Pki) -> Option<Self> {
        Self::launch(Some(pki)).await
    }

    /// Returns the section `state` of a gateway's configuration, for `Setup::state`.
    pub fn state(&self) -> Value {
        let mut section = self.files.section();
        section["kind"] = json!("redis");
        let addresses: Vec<_> = self.sentinels.iter().map(|sentinel| sentinel.access().address).collect();
        section["sentinels"] = json!(addresses);
        section["service"] = json!(SERVICE);
        section["sentinelUsername"] = section["username"].clone();
        section["sentinelPasswordFile"] = section["passwordFile"].clone();
        section
    }

    /// Returns the index of the server that a majority of the Sentinels that run names.
    pub fn primary(&self) -> usize {
        self.named().expect("a primary that a majority names")
    }

    /// Returns how an administrator reaches a server.
    pub fn server(&self, n: usize) -> &Access {
        self.servers[n].access()
    }

    /// Returns how an administrator reaches a Sentinel.
    pub fn sentinel(&self, n: usize) -> &Access {
        self.sentinels[n].access()
    }

    /// Sends a command to a server as an administrator; returns all texts of the answer in their order.
    pub fn ask(&self, n: usize, words: &[&str]) -> Vec<String> {
        self.server(n).ask(words).unwrap_or_else(|error| panic!("server {n}: {words:?}: {error}"))
    }

    /// Kills a server at once, as a power cut does.
    pub fn kill9(&mut self, n: usize) {
        self.servers[n].kill9();
    }

    /// Starts a server again, if it does not run, with the port and the data that it had; returns when it answers.
    ///
    /// A former primary takes itself for one until the Sentinels notice, after about ten seconds.
    pub async fn start_again(&mut self, n: usize) {
        self.begin_again(n);
        self.servers[n].answers().await;
    }

    /// As [`Self::start_again`], but it may still have to load its data.
    pub fn begin_again(&mut self, n: usize) {
        self.servers[n].start_again();
    }

    /// Stops a server where it is, so that its connections stay open and nothing is answered.
    pub fn pause(&self, n: usize) {
        self.servers[n].signal(Signal::STOP);
    }

    /// Lets a paused server go on.
    pub fn resume(&self, n: usize) {
        self.servers[n].signal(Signal::CONT);
    }

    /// Kills a Sentinel at once.
    pub fn kill_sentinel(&mut self, n: usize) {
        self.sentinels[n].kill9();
    }

    /// Starts a Sentinel again with what it knew; returns when it answers.
    pub async fn start_sentinel(&mut self, n: usize) {
        self.sentinels[n].start_again();
        self.sentinels[n].answers().await;
    }

    /// Has the Sentinels put another server in the primary's place; returns that one.
    ///
    /// The former primary takes itself for one for about ten seconds more.
    pub async fn failover(&self) -> usize {
        let former = self.begin_failover();
        self.replaced(former).await.0
    }

    /// Has a Sentinel begin to put another server in the primary's place; returns the former one.
    pub fn begin_failover(&self) -> usize {
        let former = self.primary();
        let start = |sentinel: &Process| sentinel.access().ask(&["SENTINEL", "FAILOVER", SERVICE]).ok();
        self.sentinels.iter().find_map(start).expect("a Sentinel that begins a failover");
        former
    }

    /// Waits until a majority of the Sentinels that run names another primary; returns it with the time that took.
    pub async fn replaced(&self, former: usize) -> (usize, Duration) {
        let another = async || self.named().filter(|named| *named != former);
        wait::until(REPLACE, "another primary", another).await
    }

    /// Undoes what was done: starts what is dead, resumes what is paused, and waits until all agree.
    ///
    /// A server that follows the wrong primary, or takes itself for one, is put right at once; Sentinels would do it
    /// after about ten seconds.
    pub async fn settled(&mut self) {
        for process in self.servers.iter_mut().chain(&mut self.sentinels) {
            process.start_again();
            process.signal(Signal::CONT);
        }
        for process in self.servers.iter_mut().chain(&mut self.sentinels) {
            process.answers().await;
        }
        let all_is_well = async || {
            let primary = self.agreed()?;
            self.put_right(primary);
            self.is_complete(primary).then_some(())
        };
        wait::until(SETTLE, "the lab to settle", all_is_well).await;
    }

    async fn launch(pki: Option<&Pki>) -> Option<Self> {
        let program = program()?;
        let turn = Arc::clone(&TURN).lock_owned().await;
        let files = Files::new(pki);
        let ports: Vec<_> = std::iter::repeat_with(Port::reserve).take(2 * SIZE).collect();
        let primary = ports[0].number();
        let (mut servers, mut sentinels) = (Vec::new(), Vec::new());
        for (n, port) in ports.iter().take(SIZE).enumerate() {
            let home = files.home(&format!("server{n}"));
            let mut command = Command::new(&program);
            command.arg(files.state(&home, port.number(), (n > 0).then_some(primary)));
            servers.push(Process::start(command, &home, files.access(port.address())));
        }
        for server in &mut servers {
            server.answers().await;
        }
        // A Sentinel that found the replicas already there would otherwise look again only after ten seconds.
        let joined = async || has_replicas(servers[0].access()).then_some(());
        wait::until(JOIN, "both replicas", joined).await;
        for (n, port) in ports.iter().skip(SIZE).enumerate() {
            let home = files.home(&format!("sentinel{n}"));
            let mut command = Command::new(&program);
            command.arg(files.sentinel(&home, port.number(), primary)).arg("--sentinel");
            sentinels.push(Process::start(command, &home, files.access(port.address())));
        }
        let mut lab = Self { servers, sentinels, files, _ports: ports, _turn: turn };
        lab.settled().await;
        Some(lab)
    }

    /// The server that a majority of the Sentinels that run names; none while they do not agree.
    fn named(&self) -> Option<usize> {
        let ask = |sentinel: &Process| {
            let answer = sentinel.access().ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE]).ok()?;
            self.at_port(answer.get(1)?)
        };
        let named: Vec<_> = self.sentinels.iter().filter_map(ask).collect();
        (0..SIZE).find(|n| named.iter().filter(|named| *named == n).count() * 2 > named.len())
    }

    /// The server that all Sentinels name in the same epoch, while no failover is going on.
    fn agreed(&self) -> Option<usize> {
        let ask = |sentinel: &Process| {
            let answer = sentinel.access().ask(&["SENTINEL", "MASTER", SERVICE]).ok()?;
            let fields = pairs(&answer);
            (fields["flags"] == "master")
                .then(|| [fields["port"].to_owned(), fields["config-epoch"].to_owned()])
        };
        let mut named = self.sentinels.iter().map(ask).collect::<Option<Vec<_>>>()?;
        named.dedup();
        let [[port, _]] = named.as_slice() else { return None };
        self.at_port(port)
    }

    /// Has all others follow the primary, once it knows that it is one.
    fn put_right(&self, primary: usize) {
        let role = |n: usize| self.server(n).ask(&["ROLE"]).unwrap_or_default();
        if role(primary).first().is_none_or(|role| role != "master") {
            return;
        }
        let port = self.server(primary).address.port().to_string();
        for n in (0..SIZE).filter(|n| *n != primary) {
            let now = role(n);
            if !now.is_empty() && now.get(2) != Some(&port) {
                self.server(n).ask(&["REPLICAOF", "127.0.0.1", &port]).ok();
            }
        }
    }

    /// Whether both replicas are online and every Sentinel reaches all others.
    fn is_complete(&self, primary: usize) -> bool {
        let reaches = |sentinel: &Process, what: &str, well: &[&str]| {
            let answer = sentinel.access().ask(&["SENTINEL", what, SERVICE]).unwrap_or_default();
            let known: Vec<_> = answer.chunks_exact(2).filter(|pair| pair[0] == "flags").collect();
            known.len() == SIZE - 1 && known.iter().all(|pair| well.contains(&pair[1].as_str()))
        };
        // What another Sentinel said of the former primary is remembered for five seconds and means nothing any more.
        let sentinels = ["sentinel", "sentinel,master_down"];
        has_replicas(self.server(primary))
            && self.sentinels.iter().all(|sentinel| {
                reaches(sentinel, "REPLICAS", &["slave"]) && reaches(sentinel, "SENTINELS", &sentinels)
            })
    }

    fn at_port(&self, port: &str) -> Option<usize> {
        self.servers.iter().position(|server| server.access().address.port().to_string() == *port)
    }
}

/// Whether a primary has both replicas, and neither lags so much that it would refuse writes.
fn has_replicas(primary: &Access) -> bool {
    let Ok(info) = primary.ask(&["INFO", "replication"]) else { return false };
    let info = info.concat();
    info.matches("state=online").count() == SIZE - 1
        && info.contains(&format!("min_slaves_good_slaves:{}", SIZE - 1))
}

/// Reads an answer that names its fields.
fn pairs(texts: &[String]) -> BTreeMap<&str, &str> {
    texts.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect()
}
