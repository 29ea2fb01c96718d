//! A line to a server on which an answer can be lost: the server did what it was asked, and nobody hears of it.
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
use tokio::task::JoinHandle;

/// The answer to what contains this text is lost, once.
type Doomed = Arc<Mutex<Option<String>>>;

/// The line; it is cut when this is dropped.
pub(crate) struct Line {
    address: SocketAddr,
    doomed: Doomed,
    task: JoinHandle<()>,
}

impl Line {
    pub(crate) async fn to(server: &RedisServer) -> Self {
        let end = server.url().trim_start_matches("redis://").parse().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, doomed) = (listener.local_addr().unwrap(), Doomed::default());
        let task = tokio::spawn(accept(listener, end, Arc::clone(&doomed)));
        Self { address, doomed, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Cuts the connection on which a question with this text is asked, as soon as it is answered.
    pub(crate) fn lose_answer_to(&self, text: &str) {
        *self.doomed.lock().unwrap() = Some(text.to_owned());
    }

    /// Whether the answer was lost.
    pub(crate) fn has_lost(&self) -> bool {
        self.doomed.lock().unwrap().is_none()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, doomed: Doomed) {
    while let Ok((client, _)) = listener.accept().await {
        let doomed = Arc::clone(&doomed);
        tokio::spawn(async move {
            let server = TcpStream::connect(server).await?;
            carry(client, server, &doomed).await
        });
    }
}

/// Carries both ways until one end closes, or an answer is lost.
async fn carry(mut client: TcpStream, mut server: TcpStream, doomed: &Doomed) -> io::Result<()> {
    let (mut question, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut question) => {
                let asked = &question[..read?];
                if asked.is_empty() {
                    return Ok(());
                }
                server.write_all(asked).await?;
                if is_doomed(asked, doomed) {
                    server.readable().await?;
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

fn is_doomed(asked: &[u8], doomed: &Doomed) -> bool {
    let contains = |text: &mut String| asked.windows(text.len()).any(|part| part == text.as_bytes());
    doomed.lock().unwrap().take_if(contains).is_some()
}
