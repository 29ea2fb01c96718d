//! A small HTTP server that receives notifications, for `webhook listen`, `serve --dev` and tests.
//!
//! `POST` anywhere is a delivery, `GET /` shows what came, any other `GET` answers 204 (which verifies a callback). It is
//! no part of the gateway's surface: it listens where its caller binds it, which is loopback.

use super::notification::{EVENT_TYPE, NOTIFICATION_ID, SEQUENCE, SUBSCRIPTION_ID};
use super::signature::Secret;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use netweave_model::Timestamp;
use netweave_model::port::Clock;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// How many deliveries are kept.
pub const KEPT: usize = 1000;
/// Largest body that is read.
const MAX_BODY: usize = 1 << 20;
/// Open connections.
const CONNECTIONS: usize = 256;
/// Time for a request's head.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// What a delivery is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status; a redirect leads to `/`.
    pub status: StatusCode,
    /// How long the answer is held back.
    pub delay: Duration,
    /// The pause to ask for, in seconds.
    pub retry_after: Option<u32>,
}

/// One delivery.
#[derive(Clone, Debug)]
pub struct Received {
    /// Counts the deliveries from 1.
    pub number: u64,
    /// When it came.
    pub at: Timestamp,
    /// The path it was posted to.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// Whether its signature fits; `None` if the secret is not known.
    pub verified: Option<bool>,
}

/// Chooses the answer to a delivery.
pub type Answerer = Box<dyn Fn(&Received) -> Answer + Send + Sync>;

/// How an inbox behaves.
pub struct Options {
    /// The secrets to verify signatures with: one that fits is enough.
    pub secrets: Vec<Secret>,
    /// Chooses the answers.
    pub answer: Answerer,
}

/// What came in, newest last.
pub struct Inbox {
    options: Options,
    clock: Arc<dyn Clock>,
    kept: Mutex<VecDeque<Arc<Received>>>,
    count: watch::Sender<u64>,
}

/// A delivery as `GET /` shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    number: u64,
    at: String,
    path: &'a str,
    verified: Option<bool>,
    event_type: Option<&'a str>,
    notification_id: Option<&'a str>,
    subscription_id: Option<&'a str>,
    sequence: Option<&'a str>,
    body: Option<&'a RawValue>,
}

impl Answer {
    /// Answers at once with a status.
    pub const fn status(status: StatusCode) -> Self {
        Self { status, delay: Duration::ZERO, retry_after: None }
    }
}

impl Default for Options {
    /// Knows no secret and answers 204 at once.
    fn default() -> Self {
        Self { secrets: Vec::new(), answer: Box::new(|_| Answer::status(StatusCode::NO_CONTENT)) }
    }
}

impl Received {
    /// Returns a header's text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn shown(&self) -> Shown<'_> {
        Shown {
            number: self.number,
            at: self.at.to_string(),
            path: &self.path,
            verified: self.verified,
            event_type: self.header(&EVENT_TYPE),
            notification_id: self.header(&NOTIFICATION_ID),
            subscription_id: self.header(&SUBSCRIPTION_ID),
            sequence: self.header(&SEQUENCE),
            body: serde_json::from_slice(&self.body).ok(),
        }
    }
}

impl Inbox {
    /// Starts empty.
    pub fn new(options: Options, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { options, clock, kept: Mutex::default(), count: watch::Sender::new(0) })
    }

    /// Returns the kept deliveries with a number above `after`, oldest first.
    pub fn received(&self, after: u64) -> Vec<Arc<Received>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().filter(|received| received.number > after).cloned().collect()
    }

    /// Returns the number of deliveries so far, as a value that can be waited on.
    pub fn count(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }

    fn keep(&self, path: &str, headers: HeaderMap, body: Bytes) -> Arc<Received> {
        let at = self.clock.now();
        let fits = |secret: &Secret| secret.verify(&headers, &body, at).is_ok();
        let secrets = &self.options.secrets;
        let verified = (!secrets.is_empty()).then(|| secrets.iter().any(fits));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *self.count.borrow() + 1;
        let received = Arc::new(Received { number, at, path: path.to_owned(), headers, body, verified });
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(Arc::clone(&received));
        self.count.send_replace(number);
        received
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        match head.method {
            Method::POST => {}
            Method::GET if head.uri.path() == "/" => return self.list(),
            Method::GET | Method::HEAD => return empty(StatusCode::NO_CONTENT),
            _ => return empty(StatusCode::METHOD_NOT_ALLOWED),
        }
        let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
            return empty(StatusCode::PAYLOAD_TOO_LARGE);
        };
        let received = self.keep(head.uri.path(), head.headers, body.to_bytes());
        let answer = (self.options.answer)(&received);
        tokio::time::sleep(answer.delay).await;
        let mut response = empty(answer.status);
        if let Some(pause) = answer.retry_after {
            response.headers_mut().insert(RETRY_AFTER, pause.into());
        }
        if answer.status.is_redirection() {
            response.headers_mut().insert(LOCATION, http::HeaderValue::from_static("/"));
        }
        response
    }

    fn list(&self) -> Response<Full<Bytes>> {
        let kept = self.received(0);
        let shown: Vec<Shown<'_>> = kept.iter().map(|received| received.shown()).collect();
        let Ok(body) = serde_json::to_vec(&shown) else {
            return empty(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let mut response = Response::new(Full::from(body));
        response.headers_mut().insert(CONTENT_TYPE, crate::reply::JSON);
        response
    }
}

/// Serves an inbox until the future is dropped, which closes all connections.
pub async fn serve(listener: TcpListener, inbox: Arc<Inbox>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let inbox = Arc::clone(&inbox);
                connections.spawn(async move {
                    connection(stream, inbox).await;
                    drop(permit);
                });
            }
            // Out of file descriptors or the like: the next accept may work when a connection has ended.
            Err(error) => {
                tracing::warn!(%error, "the webhook inbox could not accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, inbox: Arc<Inbox>) {
    let service = service_fn(move |request| {
        let inbox = Arc::clone(&inbox);
        async move { Ok::<_, Infallible>(inbox.answer(request).await) }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection to the webhook inbox broke");
    }
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_http::{Guard, Outbound, Settings, System};

    struct At(Timestamp);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    fn client() -> Outbound {
        let settings = Settings {
            schemes: vec!["http".to_owned()],
            allow: vec!["127.0.0.0/8".to_owned()],
            ..Settings::default()
        };
        let guard = Arc::new(Guard::new(&settings, Arc::new(System)).unwrap());
        Outbound::new(&settings, guard, Arc::new(At(Timestamp(0)))).unwrap()
    }

    async fn started(options: Options) -> (Arc<Inbox>, String) {
        let inbox = Inbox::new(options, Arc::new(At(Timestamp(1_700_000_000_000))));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, Arc::clone(&inbox)));
        (inbox, url)
    }

    #[tokio::test]
    async fn deliveries_are_kept_answered_as_told_and_verified() {
        let secret = Secret::parse("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        let answer = Box::new(|received: &Received| Answer {
            status: if received.number == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK },
            delay: Duration::ZERO,
            retry_after: Some(3),
        });
        let (inbox, url) = started(Options { secrets: vec![secret.clone()], answer }).await;
        let mut headers = HeaderMap::new();
        headers.insert("x-o2ims-timestamp", "1700000000".parse().unwrap());
        headers.insert("x-o2ims-signature", secret.sign("", 1_700_000_000, b"{}").hex.parse().unwrap());
        let client = client();
        let url = format!("{url}/hook");
        let first = client.post(&url, headers, Bytes::from_static(b"{}")).await.unwrap();
        assert_eq!((first.status, first.retry_after), (503, Some(Duration::from_secs(3))));
        assert_eq!(client.post(&url, HeaderMap::new(), Bytes::from_static(b"{}")).await.unwrap().status, 200);
        let received = inbox.received(0);
        assert_eq!(received.iter().map(|one| one.verified).collect::<Vec<_>>(), [Some(true), Some(false)]);
        assert_eq!((received[0].path.as_str(), received[0].number), ("/hook", 1));
        assert_eq!(inbox.received(1).len(), 1);
        assert_eq!(*inbox.count().borrow(), 2);
    }

    #[tokio::test]
    async fn a_get_verifies_a_callback_and_a_huge_body_is_refused() {
        let (inbox, url) = started(Options::default()).await;
        client().get204(&format!("{url}/hook")).await.unwrap();
        let huge = Bytes::from(vec![b'x'; MAX_BODY + 1]);
        let answer = client().post(&url, HeaderMap::new(), huge).await;
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status == 413));
        assert!(inbox.received(0).is_empty());
    }

    #[test]
    fn only_the_latest_are_kept() {
        let inbox = Inbox::new(Options::default(), Arc::new(At(Timestamp(0))));
        for _ in 0..KEPT + 5 {
            inbox.keep("/", HeaderMap::new(), Bytes::new());
        }
        let kept = inbox.received(0);
        assert_eq!((kept.len(), kept[0].number), (KEPT, 6));
    }
}
