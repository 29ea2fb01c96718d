//! A collector of OpenTelemetry, reached by OTLP over HTTP: one call after another, for a thread of its own.
//!
//! Source: OpenTelemetry protocol 1.x, OTLP/HTTP.

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use netweave_http::{Api, ApiAnswer, ApiSettings};
use netweave_model::port::Clock;
use netweave_model::{Error, Result};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// Time for one call.
const TIME: Duration = Duration::from_secs(10);
/// Largest answer that is read.
const MAX_ANSWER: usize = 64 << 10;

/// The client of one address of a collector.
pub struct Collector {
    api: Api,
    runtime: Runtime,
    url: String,
    media_type: HeaderValue,
}

impl Collector {
    /// Makes the client; the collector is asked when there is something to send, in documents of the media type.
    ///
    /// # Errors
    /// `Invalid`: the authorities cannot be read. `Internal`: no client can be made.
    pub fn open(
        url: &str,
        ca: Option<&Path>,
        media_type: &'static str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| Error::internal("no runtime can be started").with_source(error))?;
        let settings = ApiSettings {
            ca: ca.map(Path::to_owned),
            timeout: TIME,
            max_body: MAX_ANSWER,
            ..ApiSettings::default()
        };
        let media_type = HeaderValue::from_static(media_type);
        Ok(Self { api: Api::new(&settings, clock)?, runtime, url: url.to_owned(), media_type })
    }

    /// Sends a document, and returns what the collector answered. Blocks; not for a thread of a runtime.
    ///
    /// # Errors
    /// There is no answer.
    pub fn send(&self, body: impl Into<Bytes>) -> io::Result<ApiAnswer> {
        let request = http::Request::post(&self.url)
            .header(CONTENT_TYPE, &self.media_type)
            .body(body.into())
            .map_err(io::Error::other)?;
        self.runtime.block_on(self.api.call(request)).map_err(io::Error::other)
    }
}
