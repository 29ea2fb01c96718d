//! A vCenter in this process, for what the simulator cannot do: versions that are forgotten, sessions that end, values of
//! no use.
//!
//! It holds virtual machines in one pool and nothing else, and answers in pieces of any size.
//! It keeps the rules of the API that the gateway has to keep, too: whoever breaks one is counted.

mod session;
mod soap;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use session::Session;
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Who may log in.
pub const USER: &str = "netweave@vsphere.local";

/// The vCenter; it ends with all its connections when this is dropped.
pub struct Vcenter {
    state: Arc<Shared>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

/// What the connections share.
struct Shared {
    state: Mutex<State>,
    /// Wakes those who wait for a change.
    changed: watch::Sender<u64>,
}

/// What it holds and what it saw.
struct State {
    password: String,
    /// Objects in one answer.
    page: usize,
    machines: BTreeMap<String, u32>,
    sessions: HashMap<String, Session>,
    /// The number of the next session.
    next: u64,
    /// Calls by operation.
    calls: BTreeMap<String, usize>,
    /// Rules that were broken.
    broken: Vec<String>,
    /// Texts that go out in the place of the next answers to an operation.
    instead: Vec<(String, String)>,
}

impl Vcenter {
    /// Starts on a free port, with so many objects in one answer.
    pub async fn start(page: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = State {
            password: "secret".to_owned(),
            page,
            machines: BTreeMap::new(),
            sessions: HashMap::new(),
            next: 1,
            calls: BTreeMap::new(),
            broken: Vec::new(),
            instead: Vec::new(),
        };
        let state = Arc::new(Shared { state: Mutex::new(state), changed: watch::Sender::new(0) });
        let server = tokio::spawn(serve(listener, Arc::clone(&state)));
        Self { state, address, server }
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes it hold exactly these virtual machines, named with their processors.
    pub fn set(&self, machines: &BTreeMap<String, u32>) {
        self.state.lock().machines.clone_from(machines);
        self.wake();
    }

    /// Ends all sessions, as a restart of its services does.
    pub fn end_sessions(&self) {
        self.state.lock().sessions.clear();
        self.wake();
    }

    /// Forgets what it told whom.
    pub fn forget_versions(&self) {
        self.state.lock().sessions.values_mut().for_each(Session::forget_version);
        self.wake();
    }

    /// Takes another password from now on; sessions stay.
    pub fn set_password(&self, password: &str) {
        password.clone_into(&mut self.state.lock().password);
    }

    /// Sends a text in the place of the next answer to an operation; one that waits is answered at once.
    pub fn answer_next(&self, operation: &str, text: &str) {
        self.state.lock().instead.push((operation.to_owned(), text.to_owned()));
        self.wake();
    }

    /// Returns how often an operation was called.
    pub fn calls(&self, operation: &str) -> usize {
        self.state.lock().calls.get(operation).copied().unwrap_or_default()
    }

    /// Returns how often any operation was called.
    pub fn all_calls(&self) -> usize {
        self.state.lock().calls.values().sum()
    }

    /// Returns how many sessions are open.
    pub fn sessions(&self) -> usize {
        self.state.lock().sessions.len()
    }

    /// Returns the rules that were broken.
    pub fn broken(&self) -> Vec<String> {
        self.state.lock().broken.clone()
    }

    fn wake(&self) {
        self.state.changed.send_modify(|count| *count += 1);
    }
}

impl Drop for Vcenter {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: TcpListener, state: Arc<Shared>) {
    // Aborts all of them when this future is dropped.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(|request| answer(request, Arc::clone(&state)));
            let http = hyper::server::conn::http1::Builder::new();
            // A connection that breaks is the gateway's business: it will connect again.
            http.serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

async fn answer(request: Request<Incoming>, state: Arc<Shared>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    let cookie = head.headers.get("cookie").and_then(|value| value.to_str().ok());
    let cookie = cookie.and_then(|cookie| cookie.strip_prefix("vmware_soap_session=")).map(str::to_owned);
    let reply = soap::call(&state, cookie, &body).await;
    let mut response = Response::builder().status(reply.status).header("content-type", "text/xml");
    if let Some(session) = reply.session {
        response = response.header("set-cookie", format!("vmware_soap_session={session}; Path=/; HttpOnly"));
    }
    Ok(response.body(Full::new(reply.text.into())).expect("a response"))
}
