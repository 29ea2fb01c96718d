//! A gateway over small files, its store, and the SMOs that have subscribed.

use crate::{Bench, folder};
use netweave_benches::cgroup::Ceiling;
use netweave_benches::connection::{Connection, Target, post};
use netweave_benches::consumers::{Consumers, Manner};
use netweave_benches::drive::{Kind, Sends, Watch};
use netweave_benches::due;
use netweave_benches::process::own_cpu;
use netweave_benches::redis::{Redis, Role};
use netweave_benches::server::{self, Conf, Server};
use netweave_benches::stock::Stock;
use netweave_benches::{Result, pki};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

const SUBSCRIPTIONS: &str = "/o2ims-infrastructureInventory/v2/subscriptions";
/// Connections over which subscriptions are made.
const CONNECTIONS: usize = 16;
/// Files, which change in turns: the gateway reads one when it has stayed the same for 40 ms.
const FILES: u32 = 20;
/// Servers of a file, which change in turns, so that none changes twice before the file was read.
const SERVERS: u32 = 5;
/// Subscriptions that may exist beside those of the callbacks.
const SPARE: u32 = 10;

/// Where the state is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Redis,
    Embedded,
}

impl Store {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Embedded => "embedded",
        }
    }
}

/// CPU time so far, or of a while.
#[derive(Clone, Copy)]
pub(crate) struct Spent {
    pub(crate) gateway: Duration,
    pub(crate) store: Duration,
    pub(crate) own: Duration,
}

impl Spent {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            gateway: self.gateway.saturating_sub(before.gateway),
            store: self.store.saturating_sub(before.store),
            own: self.own.saturating_sub(before.own),
        }
    }
}

/// What a scene is set up with.
pub(crate) struct Plan<'a> {
    /// Its folder.
    pub(crate) name: String,
    pub(crate) store: Store,
    /// The program of a Redis.
    pub(crate) redis: &'a Path,
    pub(crate) manners: &'a [Manner],
    /// How many subscriptions.
    pub(crate) callbacks: u32,
    /// Files beside the small ones, which change only as a whole.
    pub(crate) large: Vec<Stock>,
    /// Each subscription is told of the changes of one of the small files; of all of them otherwise.
    pub(crate) shared_out: bool,
    /// What holds the gateway.
    pub(crate) ceiling: Option<&'a Ceiling>,
    /// Further keys of the configuration, and further arguments of the Redis.
    pub(crate) conf: Value,
    pub(crate) arguments: &'a [&'a str],
}

impl<'a> Plan<'a> {
    /// Plans a scene that has nothing but its subscriptions, one for each callback.
    pub(crate) fn new(
        name: String,
        (store, redis): (Store, &'a Path),
        manners: &'a [Manner],
        callbacks: u32,
    ) -> Self {
        let (large, ceiling, conf) = (Vec::new(), None, Value::Null);
        Self {
            name,
            store,
            redis,
            manners,
            callbacks,
            large,
            shared_out: false,
            ceiling,
            conf,
            arguments: &[],
        }
    }

    fn conf(&self, stocks: &[Stock], redis: Option<&Redis>) -> Result<Conf> {
        let backends = stocks.iter().chain(&self.large).map(|Stock { name, .. }| {
            json!({ "name": name, "kind": "file", "path": format!("{name}/{name}.yaml") })
        });
        let mut conf = server::conf(&[])?;
        conf.set("backends", backends.collect());
        if let Some(redis) = redis {
            conf.set("state", json!({ "kind": "redis", "url": redis.url() }));
        }
        let most = self.callbacks + SPARE;
        let callback = json!({ "schemes": ["https"], "allow": ["127.0.0.0/8"], "ca": "ca.crt" });
        conf.set("subscriptions", json!({ "perOwner": most, "total": most, "callback": callback }));
        if self.conf.is_object() {
            conf.put(self.conf.clone());
        }
        Ok(conf)
    }
}

/// Everything that one scene needs. The gateway ends before its store.
pub(crate) struct Stage {
    pub(crate) store: Store,
    pub(crate) consumers: Consumers,
    pub(crate) gateway: Server,
    /// Where the gateway's metrics are.
    pub(crate) ops: Target,
    pub(crate) redis: Option<Redis>,
    home: PathBuf,
    stocks: Vec<Stock>,
    large: Vec<Stock>,
    shared_out: bool,
    made: u64,
}

impl Stage {
    /// Sets up a gateway with an empty store and `callbacks` subscriptions.
    pub(crate) async fn set(
        bench: &Bench,
        store: Store,
        redis: &Path,
        manners: &[Manner],
        callbacks: u32,
    ) -> Result<Self> {
        let dead = manners.iter().filter(|manner| **manner != Manner::Living).count();
        let name = format!("delivery-{}-{callbacks}-{dead}", store.name());
        Self::of(bench, Plan::new(name, (store, redis), manners, callbacks)).await
    }

    /// Sets up what is planned; waits until every file is served.
    pub(crate) async fn of(bench: &Bench, plan: Plan<'_>) -> Result<Self> {
        let home = folder(bench, &plan.name)?;
        let tls = pki::set_up(&home)?;
        let stocks: Vec<_> = (0..FILES).map(|n| Stock::new(format!("few-{n}"), SERVERS as usize)).collect();
        // A folder each: the gateway watches folders.
        for stock in stocks.iter().chain(&plan.large) {
            stock.write(&folder(bench, &format!("{}/{}", plan.name, stock.name))?)?;
        }
        let redis = match plan.store {
            Store::Redis => Some(Redis::start_with(plan.redis, &home, Role::State, plan.arguments).await?),
            Store::Embedded => None,
        };
        let conf = plan.conf(&stocks, redis.as_ref())?;
        let mut gateway = server::start_in(plan.ceiling, (&bench.netweave, &home), tls, &conf)?;
        for stock in stocks.iter().chain(&plan.large) {
            gateway.answers(&stock.first(), |_| true).await?;
        }
        let consumers = Consumers::start(&home, plan.manners, plan.callbacks as usize).await?;
        let file = |number: usize| stocks.get(number % stocks.len()).filter(|_| plan.shared_out);
        let bodies = consumers.urls().into_iter().enumerate();
        let bodies = bodies.map(|(number, callback)| body(&callback, file(number))).collect();
        subscribe(&gateway.api, bodies).await?;
        let ops = Target { address: conf.ops, tls: None };
        Ok(Self {
            store: plan.store,
            consumers,
            gateway,
            ops,
            redis,
            home,
            stocks,
            large: plan.large,
            shared_out: plan.shared_out,
            made: 0,
        })
    }

    /// Returns the files that change only as a whole.
    pub(crate) fn large(&self) -> &[Stock] {
        &self.large
    }

    /// Changes the next server of the next file.
    pub(crate) fn change(&mut self) -> Result<()> {
        let (file, server) =
            (self.made % u64::from(FILES), self.made / u64::from(FILES) % u64::from(SERVERS));
        self.made += 1;
        let stock = self.stocks.get_mut(usize::try_from(file)?).ok_or("no such file")?;
        stock.marks.insert(usize::try_from(server)?, format!("change {}", self.made));
        stock.write(&self.home.join(&stock.name))
    }

    /// Changes every server of the large file at once; returns what they are described as now.
    pub(crate) fn change_large(&mut self) -> Result<String> {
        let stock = self.large.first_mut().ok_or("no large file")?;
        let text = format!("change {}", self.made + 1);
        stock.marks = (0..stock.servers).map(|server| (server, text.clone())).collect();
        self.made += u64::try_from(stock.servers)?;
        stock.write(&self.home.join(&stock.name))?;
        Ok(text)
    }

    /// Makes changes at a constant pace; the report learns whether it was kept.
    pub(crate) async fn changes(&mut self, step: Duration, length: Duration) -> Result<()> {
        let (watch, mut sends, start) = (Watch::start(Kind::Open)?, Sends::new()?, Instant::now());
        let (mut due, mut free) = (start, start);
        while due < start + length {
            due::wait(due).await;
            sends.leaves(due, free);
            self.change()?;
            free = Instant::now();
            due += step;
        }
        watch.end(None, Some(&sends))
    }

    /// Waits until each living SMO was told all changes so far that it asked for, once and in order.
    pub(crate) async fn settle(&mut self, patience: Duration) -> Result<()> {
        self.gateway.process.alive()?;
        let (made, files) = (self.made, u64::from(FILES));
        // Files take turns: those up to the latest one have changed once more than the others.
        let of_file = |file: u64| made / files + u64::from(file < made % files);
        let count = |number: usize| if self.shared_out { of_file(number as u64 % files) } else { made };
        self.consumers.all_got(count, patience).await
    }

    /// Returns the CPU time of everybody so far.
    pub(crate) fn spent(&self) -> Result<Spent> {
        let store = self.redis.as_ref().map(|redis| redis.process.cpu()).transpose()?;
        Ok(Spent { gateway: self.gateway.process.cpu()?, store: store.unwrap_or_default(), own: own_cpu()? })
    }
}

/// Writes a subscription of a callback to all changes, or to those of a file: a filter says what is not sent.
fn body(callback: &str, file: Option<&Stock>) -> String {
    let all = json!({ "callback": callback });
    let some = |file: &Stock| json!({ "callback": callback, "filter": format!("(neq,resourcePoolId,{})", file.name) });
    file.map_or(all, some).to_string()
}

/// Makes subscriptions, over several connections.
async fn subscribe(api: &Target, bodies: Vec<String>) -> Result<()> {
    let share = bodies.len().div_ceil(CONNECTIONS).max(1);
    let mut tasks = Vec::new();
    for some in bodies.chunks(share) {
        tasks.push(tokio::spawn(subscribe_some(api.clone(), some.to_vec())));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

async fn subscribe_some(api: Target, bodies: Vec<String>) -> Result<()> {
    let mut connection = Connection::open(&api).await?;
    for body in bodies {
        let answer = connection.send(&post(SUBSCRIPTIONS, &body)).await?;
        if answer.status != 201 {
            let body = String::from_utf8_lossy(connection.body(answer)).into_owned();
            return Err(format!("a subscription is answered by {}: {body}", answer.status).into());
        }
    }
    Ok(())
}
