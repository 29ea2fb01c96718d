//! Watching the Sentinels: when they name another primary, all connections move there at once.
//!
//! The client asks a Sentinel only when its connection breaks. After a planned change the old primary stays writable for
//! about ten seconds, and what it takes in that time is lost. So every Sentinel is listened to, and asked once a second
//! too: a connection goes where more than half of those that answer say that the primary is.

use crate::client::{self, Access};
use fred::clients::SubscriberClient;
use fred::prelude::{Client, ClientLike, EventInterface, PubsubInterface, Value};
use fred::types::config::{Config, Server};
use fred::types::{ClusterHash, CustomCommand};
use futures::future::join_all;
use netweave_model::port::Watcher;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

/// How often the Sentinels are asked.
const ASK: Duration = Duration::from_secs(1);
/// How long one may take to answer.
const ANSWER: Duration = Duration::from_millis(500);
/// Time between a message and the question, so that the others have heard it too, and the next questions after it.
const SOON: Duration = Duration::from_millis(50);
/// How often they are asked so soon.
const SOON_ASKS: u32 = 20;
/// How long one may take to be connected and asked for the first time.
const FIRST: Duration = Duration::from_secs(3);
/// What a Sentinel says when it has followed a change of primaries.
const SWITCH: &str = "+switch-master";

/// What each Sentinel said when it was asked last, in the order of the configuration.
pub(crate) struct Views {
    began: Instant,
    watchers: Mutex<Vec<Watcher>>,
}

impl Views {
    /// Nobody has been asked yet.
    pub(crate) fn of(access: &Access) -> Self {
        let address =
            |config: &Config| config.server.hosts().first().map_or_else(String::new, Server::to_string);
        let unasked = |config| Watcher { address: address(config), primary: None };
        let watchers = Mutex::new(access.sentinels.iter().map(unasked).collect());
        Self { began: Instant::now(), watchers }
    }

    pub(crate) fn all(&self) -> Vec<Watcher> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns whether each has answered, or has had its time to.
    pub(crate) fn are_settled(&self) -> bool {
        self.began.elapsed() > FIRST || self.all().iter().all(|watcher| watcher.primary.is_some())
    }

    fn note(&self, answers: &[Option<(String, u16)>]) {
        let mut views = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        for (view, answer) in views.iter_mut().zip(answers) {
            view.primary = answer.as_ref().map(|(host, port)| format!("{host}:{port}"));
        }
    }
}

/// Keeps the clients at the primary, for ever; does nothing if there are no Sentinels.
pub(crate) async fn watch(access: Access, clients: Vec<Client>, views: Arc<Views>) {
    let sentinels: Vec<SubscriberClient> =
        access.sentinels.iter().filter_map(|config| client::listener(config).ok()).collect();
    if sentinels.is_empty() {
        return;
    }
    let news = Notify::new();
    let listening = join_all(sentinels.iter().map(|sentinel| listen(sentinel, &news)));
    let asking = ask_on(&sentinels, &access.service, &clients, (&news, &views));
    tokio::join!(listening, asking);
}

async fn listen(sentinel: &SubscriberClient, news: &Notify) {
    let (mut messages, mut connections) = (sentinel.message_rx(), sentinel.reconnect_rx());
    let _connection = sentinel.connect();
    loop {
        tokio::select! {
            Ok(_) = connections.recv() => {
                if let Err(error) = sentinel.subscribe(SWITCH).await {
                    warn!(%error, "a Sentinel cannot be listened to; it is only asked");
                }
            }
            Ok(_) = messages.recv() => news.notify_one(),
            else => return,
        }
    }
}

async fn ask_on(
    sentinels: &[SubscriberClient],
    service: &str,
    clients: &[Client],
    (news, views): (&Notify, &Views),
) {
    let mut soon = 0;
    loop {
        let pause = if soon > 0 { SOON } else { ASK };
        soon = if timeout(pause, news.notified()).await.is_ok() { SOON_ASKS } else { soon.max(1) - 1 };
        if soon == SOON_ASKS {
            sleep(SOON).await;
        }
        let answers = join_all(sentinels.iter().map(|sentinel| ask(sentinel, service))).await;
        views.note(&answers);
        let Some(primary) = majority(answers.into_iter().flatten()) else { continue };
        for client in clients {
            move_to(&primary, client).await;
        }
    }
}

/// Asks one Sentinel where the primary is.
async fn ask(sentinel: &SubscriberClient, service: &str) -> Option<(String, u16)> {
    if !sentinel.is_connected() {
        return None;
    }
    let command = CustomCommand::new_static("SENTINEL", ClusterHash::FirstKey, false);
    let question = sentinel.custom(command, vec!["get-master-addr-by-name", service]);
    let answer: Value = timeout(ANSWER, question).await.ok()?.ok()?;
    let mut parts = answer.into_array().into_iter();
    let (host, port) = (parts.next()?, parts.next()?);
    Some((host.as_str()?.into_owned(), port.as_str()?.parse().ok()?))
}

/// Returns what more than half of those say that answered.
fn majority(answers: impl Iterator<Item = (String, u16)>) -> Option<(String, u16)> {
    let mut votes: HashMap<(String, u16), usize> = HashMap::new();
    let mut all = 0;
    for answer in answers {
        *votes.entry(answer).or_default() += 1;
        all += 1;
    }
    votes.into_iter().find(|(_, votes)| votes * 2 > all).map(|(primary, _)| primary)
}

async fn move_to((host, port): &(String, u16), client: &Client) {
    let elsewhere = |server: &Server| &*server.host != host.as_str() || server.port != *port;
    let connections = client.active_connections();
    if connections.iter().any(elsewhere) {
        let moved = client.force_reconnection().await;
        info!(
            host,
            port,
            error = moved.err().map(tracing::field::display),
            "the Sentinels name another primary"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_half_of_those_that_answer_decide() {
        let of = |ports: &[u16]| majority(ports.iter().map(|port| ("h".to_owned(), *port))).map(|at| at.1);
        assert_eq!(of(&[1, 1, 2]), Some(1));
        assert_eq!(of(&[1, 2]), None);
        assert_eq!(of(&[2]), Some(2));
        assert_eq!(of(&[]), None);
    }
}
