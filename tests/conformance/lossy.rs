//! A line to a server on which an answer can be lost, and which can break: the server did what it was asked, and nobody
//! hears of it.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "code of tests: a panic says what is not as it must be"
)]

use netweave_tests::harness::RedisServer;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::io::{self, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The line; it is cut when this is dropped.
pub(crate) struct Line {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    /// The answer to what contains this text is lost, once; and whether the line breaks then.
    doomed: Mutex<Option<(String, bool)>>,
    /// Whether the line stands.
    stands: watch::Sender<bool>,
}

impl Line {
    pub(crate) async fn to_server(server: &RedisServer) -> Self {
        Self::to(server.url().trim_start_matches("redis://").parse().unwrap()).await
    }

    pub(crate) async fn to(end: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State { doomed: Mutex::default(), stands: watch::Sender::new(true) });
        let task = tokio::spawn(accept(listener, end, Arc::clone(&state)));
        Self { address, state, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Cuts the connection on which a question with this text is asked, as soon as it is answered.
    pub(crate) fn lose_answer_to(&self, text: &str) {
        *self.state.doomed.lock().unwrap() = Some((text.to_owned(), false));
    }

    /// Cuts all connections as soon as a question with this text is answered, and takes no more.
    pub(crate) fn break_after(&self, text: &str) {
        *self.state.doomed.lock().unwrap() = Some((text.to_owned(), true));
    }

    /// Cuts all connections and takes no more.
    pub(crate) fn cut(&self) {
        self.state.stands.send_replace(false);
    }

    /// Takes connections again.
    pub(crate) fn mend(&self) {
        self.state.stands.send_replace(true);
    }

    /// Whether the answer was lost.
    pub(crate) fn has_lost(&self) -> bool {
        self.state.doomed.lock().unwrap().is_none()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let mut stands = state.stands.subscribe();
            tokio::select! {
                biased;
                _ = stands.wait_for(|stands| !stands) => Ok(()),
                ended = carry(client, server, &state) => ended,
            }
        });
    }
}

/// Carries both ways until one end closes, or an answer is lost.
async fn carry(mut client: TcpStream, server: SocketAddr, state: &State) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    let (mut question, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut question) => {
                let asked = &question[..read?];
                if asked.is_empty() {
                    return Ok(());
                }
                server.write_all(asked).await?;
                if let Some(breaks) = state.dooms(asked) {
                    until_answered(&mut client, &mut server).await?;
                    state.stands.send_replace(!breaks);
                    return Ok(());
                }
            }
            read = server.read(&mut answer) => match read? {
                0 => return Ok(()),
                read => client.write_all(&answer[..read]).await?,
            },
        }
    }
}

/// Carries the rest of a question, if there is any, until its answer begins.
async fn until_answered(client: &mut TcpStream, server: &mut TcpStream) -> io::Result<()> {
    let mut question = vec![0; 1 << 16];
    loop {
        tokio::select! {
            answered = server.readable() => return answered,
            read = client.read(&mut question) => match read? {
                0 => return Ok(()),
                read => server.write_all(&question[..read]).await?,
            },
        }
    }
}

impl State {
    /// Says whether the line breaks, if the answer is to be lost.
    fn dooms(&self, asked: &[u8]) -> Option<bool> {
        let contains = |text: &str| asked.windows(text.len()).any(|part| part == text.as_bytes());
        let doomed = self.doomed.lock().unwrap().take_if(|(text, _)| contains(text));
        doomed.map(|(_, breaks)| breaks)
    }
}
