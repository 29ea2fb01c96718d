//! The second level of the response cache: answers under keys that hold the version of their data.
//!
//! It shares nothing with the store but the way to reach a server. A look-up has 40 ms; after one that failed nobody
//! waits for this server again before it has shown in the background that it answers. Answers are stored by one task
//! with a short queue, and what does not fit is left out. The client comes to life where it is first used.

mod health;
mod server;
mod value;

use crate::client::Access;
use crate::conf::Conf;
use crate::sentinel;
use crate::store::Tasks;
use async_trait::async_trait;
use fred::error::ErrorKind;
use fred::prelude::{Client, ClientLike, Expiration, KeysInterface};
use futures::StreamExt;
use health::Health;
use netweave_model::Result;
use netweave_model::port::{CacheFill, CacheObserver, CacheRead, CachedBody, Ids, ResponseCache};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

pub use server::CacheServer;

/// How long a look-up may take. With what follows it the miss of a slow server stays within 50 ms.
const PATIENCE: Duration = Duration::from_millis(40);
/// How long storing an answer may take; nobody waits for it.
const STORING: Duration = Duration::from_secs(1);
/// Answers that wait to be stored, at most.
const QUEUE: usize = 64;
/// Answers that are stored at the same time.
const AT_ONCE: usize = 8;

/// The second level of the response cache on a Redis.
pub struct Cache {
    inner: Arc<Inner>,
    queue: mpsc::Sender<Fill>,
    /// Taken by the task that stores, when it starts.
    fills: Mutex<Option<mpsc::Receiver<Fill>>>,
    tasks: OnceLock<Tasks>,
}

struct Inner {
    client: Client,
    access: Access,
    observer: Arc<dyn CacheObserver>,
    ids: Arc<dyn Ids>,
    health: Health,
}

/// An answer to be stored.
struct Fill {
    key: String,
    answer: CachedBody,
    lifetime: Duration,
}

impl Cache {
    /// Reads the section; connects when it is first used.
    ///
    /// # Errors
    /// `Invalid`: the section names what cannot be used, such as a password file that cannot be read.
    pub fn new(conf: &Conf, observer: Arc<dyn CacheObserver>, ids: Arc<dyn Ids>) -> Result<Self> {
        let access = Access::of(conf)?;
        let client = access.client()?;
        let (queue, fills) = mpsc::channel(QUEUE);
        let inner = Arc::new(Inner { client, access, observer, ids, health: Health::default() });
        Ok(Self { inner, queue, fills: Mutex::new(Some(fills)), tasks: OnceLock::new() })
    }

    /// Connects, unless that was done before.
    fn begin(&self) {
        self.tasks.get_or_init(|| {
            let inner = &self.inner;
            let views = Arc::new(sentinel::Views::of(&inner.access));
            inner.client.connect();
            let mut tasks = vec![
                tokio::spawn(sentinel::watch(inner.access.clone(), vec![inner.client.clone()], views)),
                tokio::spawn(health::attend(Arc::clone(inner))),
            ];
            let fills = self.fills.lock().unwrap_or_else(PoisonError::into_inner).take();
            tasks.extend(fills.map(|fills| tokio::spawn(store(Arc::clone(inner), fills))));
            Tasks(tasks)
        });
    }
}

#[async_trait]
impl ResponseCache for Cache {
    async fn get(&self, key: &str) -> Option<CachedBody> {
        self.begin();
        let began = Instant::now();
        let (outcome, found) = self.inner.read(key).await;
        self.inner.observer.read(outcome, began.elapsed());
        found
    }

    fn put(&self, key: String, answer: CachedBody, lifetime: Duration) {
        self.begin();
        let refused = if self.inner.health.rests() {
            CacheFill::Resting
        } else if self.inner.health.is_full() {
            CacheFill::Full
        } else if answer.body.len() > value::LARGEST {
            CacheFill::TooLarge
        } else if self.queue.try_send(Fill { key, answer, lifetime }).is_err() {
            CacheFill::Busy
        } else {
            return;
        };
        self.inner.observer.fill(refused);
    }
}

impl Inner {
    async fn read(&self, key: &str) -> (CacheRead, Option<CachedBody>) {
        if self.health.rests() {
            return (CacheRead::Resting, None);
        }
        let asked = async {
            if !self.client.is_connected() && !self.health.was_well() {
                self.client.wait_for_connect().await?;
            }
            self.client.get::<Option<bytes::Bytes>, _>(key).await
        };
        match timeout(PATIENCE, asked).await {
            Ok(Ok(Some(value))) => match value::read(&value) {
                Some(answer) => (CacheRead::Hit, Some(answer)),
                None => (CacheRead::Damaged, None),
            },
            Ok(Ok(None)) => (CacheRead::Absent, None),
            Ok(Err(_)) => {
                self.health.rest();
                (CacheRead::Failed, None)
            }
            Err(_) => {
                self.health.rest();
                (CacheRead::Late, None)
            }
        }
    }

    async fn store(&self, fill: Fill) -> CacheFill {
        if self.health.rests() {
            return CacheFill::Resting;
        }
        let Some(value) = value::write(&fill.answer) else { return CacheFill::TooLarge };
        let lifetime = Expiration::PX(millis(jittered(fill.lifetime, &*self.ids)));
        let set = self.client.set::<(), _, _>(fill.key, value, Some(lifetime), None, false);
        match timeout(STORING, set).await {
            Ok(Ok(())) => CacheFill::Stored,
            // A server that refuses, because it is full or the user may not write, may still be read.
            Ok(Err(error)) if !matches!(error.kind(), ErrorKind::IO | ErrorKind::Timeout) => {
                CacheFill::Failed
            }
            Ok(Err(_)) | Err(_) => {
                self.health.rest();
                CacheFill::Failed
            }
        }
    }
}

/// Stores what comes, for ever.
async fn store(inner: Arc<Inner>, mut fills: mpsc::Receiver<Fill>) {
    let all = futures::stream::poll_fn(|context| fills.poll_recv(context));
    all.for_each_concurrent(AT_ONCE, async |fill| {
        let outcome = inner.store(fill).await;
        inner.observer.fill(outcome);
    })
    .await;
}

/// Stretches a lifetime by up to a tenth either way, so that what was stored together is not missed together.
fn jittered(lifetime: Duration, ids: &dyn Ids) -> Duration {
    let thousandths = u32::try_from(900 + ids.uuid().as_u128() % 201).unwrap_or(1000);
    lifetime.saturating_mul(thousandths) / 1000
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(1)
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}
