//! A collector of OpenTelemetry, reached by OTLP over HTTP or over gRPC: one call after another, for a thread of its own.
//!
//! Source: OpenTelemetry protocol 1.x, OTLP/HTTP and OTLP/gRPC.

use super::grpc;
use bytes::Bytes;
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

/// How documents travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// As the body of a request, in this media type, to the address as it is.
    Http(&'static str),
    /// As the message of a call of gRPC to this method, `/SERVICE/METHOD`.
    Grpc(&'static str),
}

/// The client of one address of a collector.
pub struct Collector {
    api: Api,
    runtime: Runtime,
    url: String,
    carrier: Carrier,
}

impl Collector {
    /// Makes the client; the collector is asked when there is something to send.
    ///
    /// # Errors
    /// `Invalid`: the authorities cannot be read. `Internal`: no client can be made.
    pub fn open(url: &str, ca: Option<&Path>, carrier: Carrier, clock: Arc<dyn Clock>) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| Error::internal("no runtime can be started").with_source(error))?;
        let settings = ApiSettings {
            ca: ca.map(Path::to_owned),
            timeout: TIME,
            max_body: MAX_ANSWER,
            http2_only: matches!(carrier, Carrier::Grpc(_)),
            ..ApiSettings::default()
        };
        let url = match carrier {
            Carrier::Http(_) => url.to_owned(),
            Carrier::Grpc(method) => format!("{}{method}", url.trim_end_matches('/')),
        };
        Ok(Self { api: Api::new(&settings, clock)?, runtime, url, carrier })
    }

    /// Sends a document, and returns what the collector answered; by gRPC, only what is no refusal. Blocks; not for a thread of
    /// a runtime.
    ///
    /// # Errors
    /// There is no answer, or a call of gRPC failed.
    pub fn send(&self, body: impl Into<Bytes>) -> io::Result<ApiAnswer> {
        let request = http::Request::post(&self.url);
        let request = match self.carrier {
            Carrier::Http(media_type) => request.header(CONTENT_TYPE, media_type).body(body.into()),
            Carrier::Grpc(_) => grpc::request(request, TIME).body(grpc::framed(&body.into())?),
        };
        let request = request.map_err(io::Error::other)?;
        let answer = self.runtime.block_on(self.api.call(request)).map_err(io::Error::other)?;
        match self.carrier {
            Carrier::Http(_) => Ok(answer),
            Carrier::Grpc(_) => grpc::outcome(&answer).map(|()| answer),
        }
    }
}
