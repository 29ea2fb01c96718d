//! Running gateways, as their operations listeners tell.

use super::exposition::Samples;
use super::plain::{self, Plain};
use crate::ops;
use futures::future::join_all;
use serde::Deserialize;
use std::time::Duration;
use url::Url;

/// How long a listener has to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// What one gateway told.
#[derive(Debug)]
pub(super) struct Told {
    /// Its operations listener.
    pub(super) url: Url,
    /// What `/readyz?verbose` answers, or why nothing does.
    pub(super) ready: Result<Plain, String>,
    /// What `/metrics` answers.
    pub(super) metrics: Result<Plain, String>,
}

#[derive(Deserialize)]
struct Ready {
    #[serde(default)]
    checks: Vec<ops::Check>,
}

/// Asks all of them at once; one that does not answer says so in what it told.
pub(super) async fn ask_all(urls: &[Url]) -> Vec<Told> {
    join_all(urls.iter().map(ask)).await
}

async fn ask(url: &Url) -> Told {
    let get = async |path: &str| plain::get(url, path, ANSWER).await.map_err(|failure| failure.message);
    let (ready, metrics) = tokio::join!(get("/readyz?verbose"), get("/metrics"));
    Told { url: url.clone(), ready, metrics }
}

impl Told {
    /// Returns the checks of readiness, if it is ready.
    pub(super) fn checks(&self) -> Vec<ops::Check> {
        let body = self.ready.as_ref().ok().filter(|answer| answer.status == 200);
        let ready = body.and_then(|answer| serde_json::from_str::<Ready>(&answer.text).ok());
        ready.map(|ready| ready.checks).unwrap_or_default()
    }

    /// Returns what it measures, if it says so.
    pub(super) fn samples(&self) -> Option<Samples> {
        let answer = self.metrics.as_ref().ok().filter(|answer| answer.status == 200)?;
        Some(Samples::parse(&answer.text))
    }
}
