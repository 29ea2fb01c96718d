//! One store behind all four ports.

use crate::beat::Told;
use crate::client::Access;
use crate::conf::Conf;
use crate::deliveries::Acks;
use crate::journal::Journal;
use crate::owed::Owed;
use crate::sentinel::Views;
use crate::session::Session;
use crate::signals::Signals;
use crate::{beat, channels, client, sentinel};
use fred::prelude::{Client, ClientLike};
use netweave_model::port::{Clock, Ids, StoreObserver};
use netweave_model::{ErrorKind, Result};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::task::JoinHandle;
use tracing::warn;

/// How long opening waits for the server.
const OPEN: Duration = Duration::from_secs(3);

/// One store behind all four ports; clones share its connections.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
    /// Ends what runs beside, with the last clone.
    _tasks: Arc<Tasks>,
}

struct Inner {
    client: Client,
    /// For tests: the time to go by, instead of the server's own.
    clock: Option<Arc<dyn Clock>>,
    ids: Arc<dyn Ids>,
    /// Names this process to the others.
    pod: String,
    signals: Arc<Signals>,
    session: Session,
    journal: Journal,
    owed: Owed,
    acks: Arc<Acks>,
    told: Arc<Told>,
    views: Arc<Views>,
    observer: OnceLock<Arc<dyn StoreObserver>>,
    /// Where this process runs, if regions have names.
    region: Option<String>,
    /// Sentinels name the primary, so what is reached is never meant to be a replica.
    watched: bool,
}

/// What runs beside the store, or beside the cache.
pub(crate) struct Tasks(pub(crate) Vec<JoinHandle<()>>);

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// Opens the store. A server that does not answer yet is waited for by what needs it.
///
/// `clock` is for tests; otherwise time is the server's own.
///
/// # Errors
/// `Invalid`: the section names what cannot be used, such as a password file that cannot be read. `Unsupported`: this
/// program may not use what is stored; see `Schema`.
pub async fn open(conf: &Conf, clock: Option<Arc<dyn Clock>>, ids: Arc<dyn Ids>) -> Result<Redis> {
    let (inner, mut tasks) = connected(conf, clock, ids)?;
    // This one owns no task, so that it may live in one.
    let alone = Redis { inner: Arc::clone(&inner), _tasks: Arc::new(Tasks(Vec::new())) };
    match tokio::time::timeout(OPEN, alone.beat()).await {
        Ok(Err(error)) if error.kind() == ErrorKind::Unsupported => return Err(error),
        Ok(Ok(())) => {}
        Ok(Err(_)) | Err(_) if alone.follows() => {}
        Ok(Err(_)) | Err(_) => warn!("the store does not answer yet"),
    }
    tasks.push(tokio::spawn(beat::beat_on(alone)));
    Ok(Redis { inner, _tasks: Arc::new(Tasks(tasks)) })
}

/// Reaches a server without becoming one of the processes that share it: nothing is written by itself.
///
/// # Errors
/// As `open`.
pub fn look_at(conf: &Conf, ids: Arc<dyn Ids>) -> Result<Redis> {
    let (inner, tasks) = connected(conf, None, ids)?;
    Ok(Redis { inner, _tasks: Arc::new(Tasks(tasks)) })
}

/// Makes the connections, which stand when the server answers, and what runs beside them.
fn connected(
    conf: &Conf,
    clock: Option<Arc<dyn Clock>>,
    ids: Arc<dyn Ids>,
) -> Result<(Arc<Inner>, Vec<JoinHandle<()>>)> {
    let access = Access::of(conf)?;
    let (client, listener) = (access.client()?, client::listener(&access.config)?);
    let signals = Arc::new(Signals::default());
    let watched = !access.sentinels.is_empty();
    let clients = vec![client.clone(), listener.to_client()];
    let views = Arc::new(Views::of(&access));
    let tasks = vec![
        tokio::spawn(channels::listen(listener, Arc::clone(&signals))),
        tokio::spawn(sentinel::watch(access, clients, Arc::clone(&views))),
    ];
    client.connect();
    let pod = ids.uuid().to_string();
    let (session, journal, owed) = (Session::default(), Journal::default(), Owed::default());
    let (told, acks) = (Arc::default(), Arc::default());
    let (observer, region) = (OnceLock::new(), conf.region.clone());
    let inner = Inner {
        client,
        clock,
        ids,
        pod,
        signals,
        session,
        journal,
        owed,
        acks,
        told,
        views,
        observer,
        region,
        watched,
    };
    Ok((Arc::new(inner), tasks))
}

impl Redis {
    pub(crate) fn client(&self) -> &Client {
        &self.inner.client
    }

    pub(crate) fn ids(&self) -> &dyn Ids {
        &*self.inner.ids
    }

    pub(crate) fn pod(&self) -> &str {
        &self.inner.pod
    }

    pub(crate) fn signals(&self) -> &Signals {
        &self.inner.signals
    }

    pub(crate) fn session(&self) -> &Session {
        &self.inner.session
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    pub(crate) fn owed(&self) -> &Owed {
        &self.inner.owed
    }

    pub(crate) fn acks(&self) -> &Arc<Acks> {
        &self.inner.acks
    }

    pub(crate) fn region(&self) -> Option<&str> {
        self.inner.region.as_deref()
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.inner.watched
    }

    pub(crate) fn told(&self) -> &Arc<Told> {
        &self.inner.told
    }

    pub(crate) fn views(&self) -> &Views {
        &self.inner.views
    }

    pub(crate) fn observer(&self) -> Option<&dyn StoreObserver> {
        self.inner.observer.get().map(|observer| &**observer)
    }

    /// Names who is told of calls; the first one stays.
    pub(crate) fn set_observer(&self, observer: Arc<dyn StoreObserver>) {
        self.inner.observer.set(observer).ok();
    }

    /// The time argument of scripts: empty for the server's own clock.
    pub(crate) fn now(&self) -> String {
        self.inner.clock.as_ref().map_or_else(String::new, |clock| clock.now().0.to_string())
    }

    /// Returns whether time is the server's own.
    pub(crate) fn is_server_timed(&self) -> bool {
        self.inner.clock.is_none()
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}
