//! The watches of one cluster, and a regular sign of life, merged into one stream.

use crate::error;
use crate::read;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::DynamicObject;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, ExponentialBackoff};
use kube::{Api, Client};
use netweave_model::{Error, Result};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::time::Duration;

/// Pause between two signs of life.
const BEAT: Duration = Duration::from_secs(10);
/// Time for the answer that is the sign of life.
const BEAT_TIME: Duration = Duration::from_secs(3);
/// An API that is not there is looked for at every so many signs of life.
const LOOK_EVERY: u32 = 5;
/// Pauses between attempts of a failing watch.
const FIRST_PAUSE: Duration = Duration::from_millis(400);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A watch that fails fails again within this time: the longest pause with its jitter, and time to connect.
pub(crate) const FAILS_AGAIN: Duration = Duration::from_secs(14);

/// Which watch something came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Nodes,
    Classes,
    Hosts,
}

/// What was seen of the cluster.
#[derive(Debug)]
pub(crate) enum Seen {
    Node(Box<Event<Node>>),
    Class(Event<StorageClass>),
    Host(Event<DynamicObject>),
    /// The server answers, and this is its version.
    Beat(String),
    /// An API that was not there is there now.
    Appeared,
}

/// What failed.
pub(crate) enum Failure {
    Watch(Origin, watcher::Error),
    Beat(Error),
}

/// Everything that is seen of one cluster; never ends.
pub(crate) type Events = BoxStream<'static, std::result::Result<Seen, Failure>>;

/// Which optional APIs can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Readable {
    pub(crate) classes: bool,
    pub(crate) hosts: bool,
}

impl Readable {
    /// Asks the server.
    pub(crate) async fn look(client: &Client) -> Result<Self> {
        let classes = read::readable(&Api::<StorageClass>::all(client.clone())).await?;
        Ok(Self { classes, hosts: read::readable(&read::hosts(client)).await? })
    }

    /// Returns the watches that are run.
    pub(crate) fn origins(self) -> impl Iterator<Item = Origin> {
        let optional = [(self.classes, Origin::Classes), (self.hosts, Origin::Hosts)];
        std::iter::once(Origin::Nodes)
            .chain(optional.into_iter().filter_map(|(is, origin)| is.then_some(origin)))
    }
}

/// Starts all watches. `streaming` asks for the first list as a stream, which spares the server.
pub(crate) fn events(client: &Client, readable: Readable, streaming: bool) -> Events {
    let nodes =
        watch(Api::all(client.clone()), streaming, Origin::Nodes, |event| Seen::Node(Box::new(event)));
    let mut all = vec![nodes, beats(client.clone(), readable)];
    if readable.classes {
        all.push(watch(Api::all(client.clone()), streaming, Origin::Classes, Seen::Class));
    }
    if readable.hosts {
        all.push(watch(read::hosts(client), streaming, Origin::Hosts, Seen::Host));
    }
    stream::select_all(all).boxed()
}

fn watch<K>(api: Api<K>, streaming: bool, origin: Origin, seen: fn(Event<K>) -> Seen) -> Events
where
    K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let config = watcher::Config::default();
    let config = if streaming { config.streaming_lists() } else { config };
    let pauses = backon::ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_jitter()
        .without_max_times();
    watcher::watcher(api, config)
        .backoff(ExponentialBackoff::from(pauses))
        .map(move |item| item.map(seen).map_err(|error| Failure::Watch(origin, error)))
        .boxed()
}

/// Asks the server for its version now and then, and whether an API that was missing has appeared.
fn beats(client: Client, readable: Readable) -> Events {
    stream::unfold(1_u32, move |round| {
        let client = client.clone();
        async move {
            tokio::time::sleep(BEAT).await;
            let seen = beat(&client, readable, round).await.map_err(Failure::Beat);
            Some((seen, round.wrapping_add(1)))
        }
    })
    .boxed()
}

async fn beat(client: &Client, readable: Readable, round: u32) -> Result<Seen> {
    let version = read::version(client, BEAT_TIME).await?;
    let missing = !(readable.classes && readable.hosts);
    if missing && round.is_multiple_of(LOOK_EVERY) && Readable::look(client).await? != readable {
        return Ok(Seen::Appeared);
    }
    Ok(Seen::Beat(version))
}

/// Tells whether a server refused to stream the first list: an old one that does not know how, or one over an old etcd,
/// which says so within the stream.
pub(crate) fn refuses_streaming(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::WatchStartFailed(_) => matches!(error::code(error), Some(400 | 405 | 415 | 422)),
        watcher::Error::WatchError(status) => status.code != 410,
        watcher::Error::InitialListFailed(_)
        | watcher::Error::WatchFailed(_)
        | watcher::Error::NoResourceVersion => false,
    }
}
