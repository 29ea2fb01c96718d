//! A small TCP balancer, as a Service of Kubernetes is one: new connections go in turn to the pods that say they are ready.
//!
//! It looks at `/readyz` of each pod on its own; connections that stand are left alone, also those to a pod that is no
//! longer ready.

use super::client::Client;
use super::gateway::Gateway;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How often a pod is asked whether it is ready.
const LOOK: Duration = Duration::from_millis(200);
/// How long it may take to say so.
const ANSWER: Duration = Duration::from_secs(1);

struct Backend {
    api: SocketAddr,
    is_ready: AtomicBool,
}

/// The balancer; it ends when this is dropped.
pub struct Balancer {
    address: SocketAddr,
    backends: Arc<Vec<Backend>>,
    _tasks: JoinSet<()>,
}

impl Balancer {
    /// Starts before some gateways; those that are not ready yet get connections once they are.
    pub async fn start(gateways: &[Gateway]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let backend = |gateway: &Gateway| Backend { api: gateway.api_address(), is_ready: false.into() };
        let backends: Arc<Vec<_>> = Arc::new(gateways.iter().map(backend).collect());
        let mut tasks = JoinSet::new();
        for (n, gateway) in gateways.iter().enumerate() {
            let ops = Client::plain(format!("http://{}", gateway.ops_address()));
            tasks.spawn(look(Arc::clone(&backends), n, ops));
        }
        tasks.spawn(accept(listener, Arc::clone(&backends)));
        Self { address, backends, _tasks: tasks }
    }

    /// Returns the base of the API, as clients reach it.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Whether a pod gets new connections.
    pub fn is_ready(&self, pod: usize) -> bool {
        self.backends[pod].is_ready.load(Ordering::SeqCst)
    }
}

async fn look(backends: Arc<Vec<Backend>>, n: usize, ops: Client) {
    loop {
        let asked = timeout(ANSWER, ops.ask(http::Method::GET, "/readyz", &[], "")).await;
        let is_ready = asked.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status == 200));
        backends[n].is_ready.store(is_ready, Ordering::SeqCst);
        tokio::time::sleep(LOOK).await;
    }
}

async fn accept(listener: TcpListener, backends: Arc<Vec<Backend>>) {
    let (turn, mut connections) = (AtomicUsize::new(0), JoinSet::new());
    while let Ok((mut client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let ready: Vec<_> =
            backends.iter().filter(|backend| backend.is_ready.load(Ordering::SeqCst)).collect();
        let Some(backend) = ready.get(turn.fetch_add(1, Ordering::Relaxed) % ready.len().max(1)) else {
            continue;
        };
        let api = backend.api;
        connections.spawn(async move {
            // Who breaks off shows it to the other side by the end of the connection.
            if let Ok(mut pod) = TcpStream::connect(api).await {
                copy_bidirectional(&mut client, &mut pod).await.ok();
            }
        });
    }
}
