//! Takes connections, and passes each call on to the peer unless it meets a fault.

use super::fault::{Fault, Faults};
use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What an endless answer goes on with.
const FILLING: &[u8] = &[b' '; 64 << 10];

/// Serves until this future is dropped, which ends all connections.
pub(super) async fn serve(listener: TcpListener, peer: SocketAddr, faults: Arc<Faults>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(connection(stream, peer, Arc::clone(&faults)));
    }
}

/// Serves one connection until either side ends it or the wire is cut.
async fn connection(stream: TcpStream, peer: SocketAddr, faults: Arc<Faults>) {
    let mut cuts = faults.cuts();
    let service = service_fn(move |request| call(request, peer, Arc::clone(&faults)));
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        _ = cuts.wait_for(|is_cut| *is_cut) => {}
        // A connection that breaks off is part of the game, whoever breaks it.
        _ = served => {}
    }
}

/// Answers one call; an error ends the connection without an answer.
async fn call(
    request: Request<Incoming>,
    peer: SocketAddr,
    faults: Arc<Faults>,
) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let (method, uri, headers) = (&parts.method, &parts.uri, &parts.headers);
    let text = format!("{method} {uri}\n{headers:?}\n{}", String::from_utf8_lossy(&body));
    let fault = faults.meet(text);
    let pass = async || passed(Request::from_parts(parts, Full::new(body)), peer).await;
    match fault {
        None => Ok(pass().await?.map(whole)),
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            Ok(pass().await?.map(whole))
        }
        Some(Fault::Cut) => Err(io::ErrorKind::ConnectionAborted.into()),
        Some(Fault::Answer { status, headers, body }) => Ok(made(status, &headers, body)),
        Some(Fault::Truncate) => Ok(pass().await?.map(half)),
        Some(Fault::Garbage) => Ok(pass().await?.map(|body| whole(vec![b'#'; body.len()].into()))),
        Some(Fault::Endless(start)) => Ok(Response::new(endless(start))),
    }
}

/// Asks the peer over a connection of its own.
async fn passed(request: Request<Full<Bytes>>, peer: SocketAddr) -> io::Result<Response<Bytes>> {
    let stream = TcpStream::connect(peer).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let asked = async {
        let (mut parts, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        parts.headers.remove(TRANSFER_ENCODING);
        parts.headers.insert(CONTENT_LENGTH, body.len().into());
        Ok::<_, hyper::Error>(Response::from_parts(parts, body))
    };
    tokio::pin!(asked);
    tokio::pin!(connection);
    // The connection is driven here, so that it ends when the caller breaks off.
    tokio::select! {
        biased;
        answer = &mut asked => return answer.map_err(io::Error::other),
        ended = &mut connection => ended.map_err(io::Error::other)?,
    }
    asked.await.map_err(io::Error::other)
}

fn made(status: u16, headers: &[(&'static str, String)], body: String) -> Response<Body> {
    let builder = headers
        .iter()
        .fold(Response::builder().status(status), |builder, (name, value)| builder.header(*name, value));
    builder.body(whole(body.into())).expect("an answer")
}

fn whole(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

/// The first half of a body whose length says more.
fn half(mut body: Bytes) -> Body {
    body.truncate(body.len() / 2);
    let parts = [Ok(Frame::data(body)), Err(io::ErrorKind::UnexpectedEof.into())];
    StreamBody::new(stream::iter(parts)).boxed_unsync()
}

fn endless(start: &'static str) -> Body {
    let parts = std::iter::once(Bytes::from_static(start.as_bytes()))
        .chain(std::iter::repeat(Bytes::from_static(FILLING)))
        .map(|part| Ok(Frame::data(part)));
    StreamBody::new(stream::iter(parts)).boxed_unsync()
}
