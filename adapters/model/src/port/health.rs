//! The ports through which a server of a store or of the response cache tells how it fares, and what became of calls.

use crate::error::Result;
use crate::object::Id;
use async_trait::async_trait;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// How bad a finding is, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// It works, but something should be changed.
    Warning,
    /// It does not take what it is given, at present.
    Unusable,
    /// It may lose what it acknowledged without a word; production does not start on it.
    Forbidden,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Names the kind of finding, however its numbers change.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub what: String,
    /// What to change.
    pub change: &'static str,
}

/// A copy that follows the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replica {
    /// Where it is.
    pub address: String,
    /// Whether it has all that it needs to follow.
    pub online: bool,
    /// Seconds since it was last heard of.
    pub lag_seconds: u64,
    /// Bytes of changes that it has not confirmed yet.
    pub behind_bytes: u64,
}

/// One of those who decide which server is the primary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Watcher {
    /// Where it is.
    pub address: String,
    /// The primary that it named when it was asked last; `None` if it did not answer.
    pub primary: Option<String>,
}

/// How a server fares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreReport {
    /// Product and version, such as `redis 7.0.15`.
    pub version: String,
    /// Whether it is the primary, which takes writes.
    pub primary: bool,
    /// The copies that follow it.
    pub replicas: Vec<Replica>,
    /// Those who watch it; empty if nobody is configured to.
    pub watchers: Vec<Watcher>,
    /// Memory in use, in bytes.
    pub used_bytes: u64,
    /// The most memory that it may use, in bytes; 0 is no limit.
    pub max_bytes: u64,
    /// What it drops when memory is full, in its own words.
    pub eviction: String,
    /// Keys that it has dropped since it started because memory was full.
    pub evicted: u64,
    /// Whether each change is written to its disk.
    pub append_only: bool,
    /// Subscriptions that this process could tell a server that lost them.
    pub journal_subscriptions: u64,
    /// Log entries that this process could tell a server that lacks them.
    pub journal_entries: u64,
    /// What is not as it should be, the worst first.
    pub findings: Vec<Finding>,
}

/// How much a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreLoad {
    /// Subscriptions.
    pub subscriptions: u64,
    /// Notifications that wait, of all subscriptions.
    pub queued: u64,
    /// The subscription with the longest queue, and its length; `None` if nothing waits.
    pub longest: Option<(Id, u64)>,
    /// Dead letters, of all subscriptions.
    pub dead: u64,
}

/// How a call to a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallOutcome {
    /// It was answered, be it by a refusal.
    Answered,
    /// There was no answer in time; it may have been done.
    TimedOut,
    /// The connection broke, or the server could not do it.
    Failed,
    /// The server refused, as the user has not the right.
    Denied,
}

/// Who is told what became of calls.
pub trait StoreObserver: Send + Sync {
    /// A server was called once.
    fn called(&self, command: &'static str, outcome: CallOutcome, took: Duration);

    /// Another server took over, or one lost its data; this process told it so many things that it lacked.
    fn switched(&self, told: u64);
}

/// How a server fares.
#[async_trait]
pub trait ServerHealth: Send + Sync {
    /// Asks the server how it fares, and judges what it says by what it is used for.
    ///
    /// # Errors
    /// `Unavailable` (retryable): it does not answer.
    async fn report(&self) -> Result<StoreReport>;
}

/// How a store on servers fares.
#[async_trait]
pub trait StoreHealth: ServerHealth {
    /// Counts what is stored; reads each queue's length, so it is for people and not for each round of a service.
    ///
    /// # Errors
    /// As `ServerHealth::report`.
    async fn load(&self) -> Result<StoreLoad>;

    /// Compares what this process knows of subscriptions with what is stored, and puts back what vanished there.
    ///
    /// Returns how many subscriptions had vanished, whole or in part.
    ///
    /// # Errors
    /// As `ServerHealth::report`.
    async fn mend(&self) -> Result<u64>;

    /// Has the configured region send the notifications from now on, when another one has done so until now; returns it.
    ///
    /// # Errors
    /// `Invalid`: no region is configured. `Conflict`: the server is a replica. `Unavailable` (retryable).
    async fn take_over(&self) -> Result<String>;

    /// Has somebody told of calls from now on; the first one stays.
    fn observed_by(&self, observer: Arc<dyn StoreObserver>);
}
