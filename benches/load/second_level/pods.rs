//! Gateways over the same files, the Redis of their state, and the Redis of the answers that they share.

use crate::{Bench, folder};
use netweave_benches::connection::{Connection, Target, get};
use netweave_benches::metrics::sum;
use netweave_benches::redis::{Redis, Role};
use netweave_benches::server::{self, Server};
use netweave_benches::stock::Stock;
use netweave_benches::{Result, pki};
use serde_json::{Value, json};
use std::ops::AddAssign;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Gateways.
pub(crate) const PODS: usize = 3;
/// Files of one pool each.
pub(crate) const POOLS: usize = 40;
/// Servers of each pool.
const SERVERS: usize = 100;
const RACKS: usize = 40;
const SIZES: usize = 13;
/// Until the start is over: a server of answers that was late once is left alone for a moment.
const SETTLE: Duration = Duration::from_secs(5);
/// How long it may take until everything that was made is stored.
const STORING: Duration = Duration::from_secs(10);

/// Everything, with the gateways ending before their servers.
pub(crate) struct Pods {
    /// The gateways, and where their metrics are.
    gateways: Vec<(Server, Target)>,
    pub(crate) state: Redis,
    pub(crate) answers: Redis,
    home: PathBuf,
    /// Where folders of gateways are made.
    name: &'static str,
    pub(crate) stocks: Vec<Stock>,
    /// What the first gateway had stored when it was last looked at.
    stored: u64,
}

/// Where answers came from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// The gateway's memory.
    pub(crate) own: u64,
    /// Redis.
    pub(crate) shared: u64,
    /// The views.
    pub(crate) made: u64,
}

impl Counts {
    /// Counts an answer by its `X-Cache`.
    pub(crate) fn count(&mut self, word: &str) -> Result<()> {
        let which = match word {
            "hit" => &mut self.own,
            "hit-shared" => &mut self.shared,
            "miss" => &mut self.made,
            other => return Err(format!("an answer with X-Cache {other}").into()),
        };
        *which += 1;
        Ok(())
    }

    /// Returns how many answers there were.
    pub(crate) fn all(&self) -> u64 {
        self.own + self.shared + self.made
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.own += other.own;
        self.shared += other.shared;
        self.made += other.made;
    }
}

impl Pods {
    /// Starts so many gateways with everything they need, in folders under a name.
    pub(crate) async fn set(bench: &Bench, redis: &Path, name: &'static str, count: usize) -> Result<Self> {
        let home = folder(bench, name)?;
        let stocks: Vec<_> = (0..POOLS).map(|n| Stock::new(format!("pool-{n}"), SERVERS)).collect();
        for stock in &stocks {
            stock.write(&home)?;
        }
        let state = Redis::start(redis, &folder(bench, &format!("{name}/state"))?, Role::State).await?;
        let answers = Redis::start(redis, &folder(bench, &format!("{name}/answers"))?, Role::Cache).await?;
        let mut all = Self { gateways: Vec::new(), state, answers, home, name, stocks, stored: 0 };
        for _ in 0..count {
            all.launch(bench)?;
        }
        all.settle().await?;
        Ok(all)
    }

    /// Starts one more gateway, which has nothing in its memory.
    pub(crate) async fn add(&mut self, bench: &Bench) -> Result<()> {
        self.launch(bench)?;
        self.settle().await
    }

    fn launch(&mut self, bench: &Bench) -> Result<()> {
        let folder = folder(bench, &format!("{}/pod-{}", self.name, self.gateways.len()))?;
        let tls = pki::set_up(&folder)?;
        let mut conf = server::conf(&[])?;
        conf.set("backends", self.stocks.iter().map(backend).collect());
        conf.set("state", json!({ "kind": "redis", "url": self.state.url() }));
        conf.set("cache", json!({ "maxBytes": "256MiB", "redis": { "url": self.answers.url() } }));
        let gateway = server::start(&bench.netweave, &folder, tls, &conf)?;
        self.gateways.push((gateway, Target { address: conf.ops, tls: None }));
        Ok(())
    }

    /// Waits until each gateway serves all pools and has met the server of answers; what it is asked for is no key.
    async fn settle(&mut self) -> Result<()> {
        for (gateway, _) in &mut self.gateways {
            for stock in &self.stocks {
                gateway.answers(&format!("{}?limit=1", stock.list()), |body| body.len() > 2).await?;
            }
        }
        tokio::time::sleep(SETTLE).await;
        let (_, ops) = self.gateways.first().ok_or("no gateway")?;
        self.stored = sum(ops, "netweave_cache_second_fills_total").await?;
        Ok(())
    }

    /// Returns a gateway.
    pub(crate) fn gateway(&self, pod: usize) -> Result<&Server> {
        Ok(&self.gateways.get(pod).ok_or("no such gateway")?.0)
    }

    /// Returns the sum of a family of a gateway's metrics.
    pub(crate) async fn told(&self, pod: usize, family: &str) -> Result<u64> {
        sum(&self.gateways.get(pod).ok_or("no such gateway")?.1, family).await
    }

    /// Returns the paths of filtered pages with one server each: few and small, so that a gateway keeps them all.
    pub(crate) fn small(&self) -> Vec<String> {
        self.stocks.iter().take(POOLS / 2).flat_map(serials).collect()
    }

    /// Returns the paths of all lists and filtered pages.
    pub(crate) fn lists(&self) -> Vec<String> {
        let of_one = |stock: &Stock| {
            let list = stock.list();
            let racks = (0..RACKS).map(|n| format!("{list}?filter=(eq,extensions/rack,{n})"));
            let sizes = (0..SIZES).map(|n| format!("{list}?filter=(gte,extensions/cores,{})", 16 + n));
            serials(stock).into_iter().chain(racks).chain(sizes).collect::<Vec<_>>()
        };
        self.stocks.iter().flat_map(of_one).collect()
    }

    /// Returns the paths of everything that is asked for: lists, filtered pages and single objects.
    pub(crate) fn keys(&self) -> Vec<String> {
        let of_one = |stock: &Stock| {
            let (list, name) = (stock.list(), &stock.name);
            (0..SERVERS).map(|n| format!("{list}/{name}-{n:06}")).collect::<Vec<_>>()
        };
        let mut keys = self.lists();
        keys.extend(self.stocks.iter().flat_map(of_one));
        keys
    }

    /// Changes the first server of a pool.
    pub(crate) fn change(&mut self, pool: usize, text: &str) -> Result<()> {
        let stock = self.stocks.get_mut(pool).ok_or("no such pool")?;
        stock.marks.insert(0, text.to_owned());
        stock.write(&self.home)
    }

    /// Returns where the gateways answer.
    pub(crate) fn targets(&self) -> Vec<Target> {
        self.gateways.iter().map(|(gateway, _)| gateway.api.clone()).collect()
    }

    /// Asks one gateway once for each path, as fast as it answers; returns where the answers came from and its CPU time for
    /// one, in us.
    pub(crate) async fn ask(
        &self,
        pod: usize,
        paths: &[String],
        connections: usize,
    ) -> Result<(Counts, f64)> {
        let gateway = self.gateway(pod)?;
        let before = gateway.process.cpu()?;
        let mut tasks = Vec::new();
        for some in paths.chunks(paths.len().div_ceil(connections)) {
            tasks.push(tokio::spawn(ask_for(gateway.api.clone(), some.to_vec())));
        }
        let mut counts = Counts::default();
        for task in tasks {
            counts += task.await??;
        }
        let spent = gateway.process.cpu()?.saturating_sub(before);
        Ok((counts, spent.as_secs_f64() * 1e6 / f64::from(u32::try_from(counts.all())?)))
    }

    /// Waits until the first gateway has stored so many answers more.
    pub(crate) async fn stored(&mut self, more: u64) -> Result<()> {
        let (_, ops) = self.gateways.first().ok_or("no gateway")?;
        let (end, wanted) = (Instant::now() + STORING, self.stored + more);
        loop {
            let stored = sum(ops, "netweave_cache_second_fills_total").await?;
            if stored >= wanted || Instant::now() > end {
                self.stored = stored;
                // What is missing shows as misses of the next gateway.
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Returns how often the answers' Redis was asked for one.
    pub(crate) async fn look_ups(&self) -> Result<u64> {
        self.answers.calls("get").await
    }

    /// Returns how often the gateways have evaluated views for an answer.
    pub(crate) async fn evaluated(&self) -> Result<u64> {
        let mut all = 0;
        for (_, ops) in &self.gateways {
            all += sum(ops, "o2ims_adapter_cache_misses_total").await?;
        }
        Ok(all)
    }
}

/// Returns the paths of filtered pages with one server of a pool each.
fn serials(stock: &Stock) -> Vec<String> {
    let list = stock.list();
    (0..SERVERS).map(|n| format!("{list}?filter=(eq,extensions/serial,SN{n:08})")).collect()
}

fn backend(stock: &Stock) -> Value {
    json!({ "name": stock.name, "kind": "file", "path": format!("../{}.yaml", stock.name) })
}

async fn ask_for(target: Target, paths: Vec<String>) -> Result<Counts> {
    let mut connection = Connection::open(&target).await?;
    let mut counts = Counts::default();
    for path in paths {
        let answer = connection.send(&get(&path)).await?;
        if answer.status != 200 {
            return Err(format!("{path} is answered by {}", answer.status).into());
        }
        counts.count(&connection.cache(answer))?;
    }
    Ok(counts)
}
