//! Listening to what other processes did: they say it on channels, which carry no data that counts.
//!
//! What is said while the connection is away is missed, so whoever waits looks now and then by itself as well.

use crate::signals::Signals;
use fred::clients::SubscriberClient;
use fred::prelude::{ClientLike, EventInterface, PubsubInterface};
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;
use tracing::debug;

/// Something was committed to the log; see `lua/log_commit.lua`.
const LOG: &str = "netweave:log";
/// A queue may have become due; see `lua/q_fan_out.lua`.
const WORK: &str = "netweave:work";
/// A lease was given back; see `lua/lease_release.lua`.
const LEASE: &str = "netweave:lease";

/// Asks to be told, and catches up with what was said meanwhile.
async fn subscribe(client: &SubscriberClient, signals: &Signals) {
    if let Err(error) = client.subscribe(vec![LOG, WORK, LEASE]).await {
        debug!(%error, "the store's channels cannot be listened to");
    }
    missed(signals);
}

/// Looks at everything: who knows what was said.
fn missed(signals: &Signals) {
    signals.committed();
    signals.work();
    signals.released();
}

/// Passes on what is said, for ever.
pub(crate) async fn listen(client: SubscriberClient, signals: Arc<Signals>) {
    let (mut messages, mut connections) = (client.message_rx(), client.reconnect_rx());
    let _connection = client.connect();
    loop {
        tokio::select! {
            connected = connections.recv() => match connected {
                Ok(_) | Err(RecvError::Lagged(_)) => subscribe(&client, &signals).await,
                Err(RecvError::Closed) => return,
            },
            message = messages.recv() => match message {
                Ok(message) if &*message.channel == LOG => signals.committed(),
                Ok(message) if &*message.channel == LEASE => signals.released(),
                Ok(_) => signals.work(),
                Err(RecvError::Lagged(_)) => missed(&signals),
                Err(RecvError::Closed) => return,
            },
        }
    }
}
