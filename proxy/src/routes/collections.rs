//! Reads of the O2-IMS inventory: the O-Cloud, its collections and objects, and the documents about the interface.
//!
//! [`Collections::cached`] is the synchronous way for answers that are in the first cache; [`Collections::serve`] does
//! the rest. `collections/asked.rs` says what a call asks for, `collections/render.rs` makes bodies of views.

mod asked;
mod render;
mod serve;

use crate::conf::tree::Compatibility;
use crate::inventory::cache::{Answer, Answers, Spelling};
use crate::inventory::catalog::Catalog;
use crate::inventory::class::Class;
use crate::inventory::fill::Fills;
use crate::inventory::second::Second;
use crate::present::{etag, openapi, spelling};
use crate::reply::{JSON, Reply};
use crate::routes::{Call, Operation};
use crate::telemetry::metrics::Metrics;
use asked::Asked;
use http::header::{AGE, CACHE_CONTROL, CONTENT_TYPE, ETAG, LINK};
use http::{HeaderName, HeaderValue, StatusCode};
use netweave_model::domain::CloudInfo;
use netweave_model::port::InventoryLog;
use netweave_model::subscription::Major;
use netweave_model::{Error, Result};
use prometheus::{IntCounter, IntCounterVec};
use std::sync::Arc;

/// How an answer came about.
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
/// The version of the interface that answers.
const VERSION: HeaderName = HeaderName::from_static("version");
/// What the client's caches may do with an answer that is older than it should be.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("private, no-cache");

/// What the configuration says about reads.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The O-Cloud.
    pub cloud: CloudInfo,
    /// The majors that are served.
    pub majors: Vec<Major>,
    /// The dialect of v1.
    pub compatibility: Compatibility,
    /// Depth of attribute paths in a filter, at most.
    pub filter_depth: usize,
    /// Memory for rendered answers; 0 switches the first cache off.
    pub cache_bytes: u64,
}

/// What reads are made from.
pub struct Parts {
    /// The views.
    pub catalog: Arc<Catalog>,
    /// The sources.
    pub fills: Arc<Fills>,
    /// The change log, to catch up with.
    pub log: Arc<dyn InventoryLog>,
    /// The second-level cache, if there is one.
    pub second: Option<Second>,
    /// Where hits and misses are counted.
    pub metrics: Arc<Metrics>,
}

/// The reads of the inventory.
pub struct Collections {
    parts: Parts,
    settings: Settings,
    answers: Answers,
    counters: [ClassCounters; 4],
    openapi: Answer,
    versions: Vec<(Option<Major>, Answer)>,
}

/// Counters and headers of one class, ready to use.
struct ClassCounters {
    class: Class,
    hits: IntCounter,
    misses: IntCounter,
    stale: IntCounter,
    cache_control: HeaderValue,
}

/// Whether an answer was in a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// This process had it.
    Hit,
    /// Another pod had made it.
    Shared,
    /// It was made.
    Miss,
}

impl Found {
    /// Returns the value of `X-Cache` for it, unless the answer is stale.
    const fn label(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Hit => "HIT",
            Self::Shared => "HIT-SHARED",
            Self::Miss => "MISS",
        })
    }
}

impl Collections {
    /// Makes the reads; documents that never change are rendered here.
    ///
    /// # Errors
    /// `Internal`: a document cannot be rendered.
    pub fn new(parts: Parts, settings: Settings) -> Result<Self> {
        let document = |body: Vec<u8>| Ok(Answer { etag: etag::of(&body)?, link: None, body: body.into() });
        let versions = [None, Some(Major::V1), Some(Major::V2)].into_iter().map(|of| {
            let body = spelling::versions(&settings.cloud.service_uri, &settings.majors, of)?;
            Ok((of, document(body)?))
        });
        Ok(Self {
            versions: versions.collect::<Result<_>>()?,
            openapi: document(openapi::document(
                &settings.cloud.service_uri,
                &settings.majors,
                settings.compatibility,
            )?)?,
            answers: Answers::new(settings.cache_bytes),
            counters: Class::ALL.map(|class| ClassCounters::new(class, &parts)),
            parts,
            settings,
        })
    }

    /// Returns the OpenAPI document.
    pub fn openapi(&self) -> bytes::Bytes {
        self.openapi.body.clone()
    }

    /// Answers a read whose answer is in the first cache; `None` if it is not, or if the call is no read of ours.
    ///
    /// Waits for nothing and allocates nothing but the answer's headers.
    pub fn cached(&self, call: &Call<'_>) -> Option<Reply> {
        if let Some(document) = self.document(call) {
            return call.query.is_empty().then(|| self.fixed(call, document));
        }
        let asked = Asked::of(&call.route.operation, call.route.major)?;
        if asks_past_caches(call) || self.parts.catalog.is_behind() {
            return None;
        }
        let version = self.parts.catalog.views().version(&asked.part())?;
        let answer = self.answers.get(&asked.key(call, version, Spelling::Raw, call.query))?;
        Some(self.reply(call, &asked, &answer, Found::Hit))
    }

    /// Answers a read.
    ///
    /// # Errors
    /// `Invalid`: the query. `NotFound`: no such object. `Unavailable`: what is asked for was never read from its
    /// source. `Unsupported`: the call is no read of ours.
    pub async fn serve(&self, call: &Call<'_>) -> Result<Reply> {
        if let Some(document) = self.document(call) {
            call.without_parameters()?;
            return Ok(self.fixed(call, document));
        }
        let asked = Asked::of(&call.route.operation, call.route.major).ok_or_else(not_a_read)?;
        if asks_past_caches(call) || self.parts.catalog.is_behind() {
            self.parts.catalog.catch_up(&*self.parts.log).await;
        }
        let (answer, found) = self.answer(call, &asked).await?;
        Ok(self.reply(call, &asked, &answer, found))
    }

    /// Returns a document that does not depend on the inventory.
    fn document(&self, call: &Call<'_>) -> Option<&Answer> {
        match &call.route.operation {
            Operation::OpenApi => Some(&self.openapi),
            Operation::ApiVersions(of) => {
                self.versions.iter().find(|(known, _)| known == of).map(|(_, document)| document)
            }
            Operation::Cloud
            | Operation::List(..)
            | Operation::Get(..)
            | Operation::TypeDictionary(..)
            | Operation::Subscriptions
            | Operation::Subscription(_)
            | Operation::Caller
            | Operation::Sources
            | Operation::Refresh(_)
            | Operation::Lease(_)
            | Operation::Act(..)
            | Operation::DryRun
            | Operation::Health(_) => None,
        }
    }

    fn fixed(&self, call: &Call<'_>, document: &Answer) -> Reply {
        let [_, _, _, capabilities] = &self.counters;
        let reply = conditional(call, document).with(CACHE_CONTROL, capabilities.cache_control.clone());
        reply.with(VERSION, spelling::version_header(call.route.major))
    }

    /// Puts an answer on the wire: 304 if the client has it, and how fresh it is either way.
    fn reply(&self, call: &Call<'_>, asked: &Asked<'_>, answer: &Answer, found: Found) -> Reply {
        let freshness = self.parts.fills.freshness(&call.grant.scope, asked.kinds, asked.class);
        let mut reply = conditional(call, answer);
        let mut x_cache = found.label();
        let mut cache_control = ASK_AGAIN;
        if let Some(counters) = self.counters.iter().find(|counters| counters.class == asked.class) {
            if found == Found::Miss { &counters.misses } else { &counters.hits }.inc();
            if freshness.stale {
                counters.stale.inc();
                x_cache = HeaderValue::from_static("STALE");
            } else {
                cache_control = counters.cache_control.clone();
            }
        }
        reply.headers.push((CACHE_CONTROL, cache_control));
        if let Some(age) = freshness.age {
            reply.headers.push((AGE, HeaderValue::from(age.as_secs())));
        }
        reply.headers.push((X_CACHE, x_cache));
        reply.headers.push((VERSION, spelling::version_header(call.route.major)));
        reply
    }
}

impl ClassCounters {
    fn new(class: Class, parts: &Parts) -> Self {
        let of = |family: &IntCounterVec| family.with_label_values(&[class.label()]);
        let lifetime = parts.fills.lifetime(class).as_secs();
        Self {
            class,
            hits: of(&parts.metrics.cache_hits),
            misses: of(&parts.metrics.cache_misses),
            stale: of(&parts.metrics.cache_stale),
            cache_control: HeaderValue::try_from(format!("private, max-age={lifetime}")).unwrap_or(ASK_AGAIN),
        }
    }
}

/// Makes the answer's 200, or its 304 if the client has it already.
fn conditional(call: &Call<'_>, answer: &Answer) -> Reply {
    let mut headers = Vec::with_capacity(10);
    headers.push((ETAG, answer.etag.clone()));
    if let Some(link) = &answer.link {
        headers.push((LINK, link.clone()));
    }
    if etag::has_it(call.headers, &answer.etag) {
        return Reply { headers, ..Reply::empty(StatusCode::NOT_MODIFIED) };
    }
    headers.push((CONTENT_TYPE, JSON));
    Reply { status: StatusCode::OK, headers, body: answer.body.clone() }
}

/// Returns whether the client wants an answer that is not older than its question.
fn asks_past_caches(call: &Call<'_>) -> bool {
    let directives = call.headers.get_all(CACHE_CONTROL);
    directives.iter().any(|value| {
        value
            .as_bytes()
            .split(|byte| *byte == b',')
            .any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"no-cache"))
    })
}

fn not_a_read() -> Error {
    Error::internal("a call that is no read of the inventory came to its route")
}

#[cfg(test)]
mod tests;
