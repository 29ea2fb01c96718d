//! Takes connections, and passes each call on to the peer unless it meets a fault.

use super::fault::{Fault, Faults};
use super::peer::Peer;
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1::handshake;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What an endless answer goes on with.
const FILLING: &[u8] = &[b' '; 64 << 10];

/// Serves until this future is dropped, which ends all connections.
pub(super) async fn serve(listener: TcpListener, peer: Peer, faults: Arc<Faults>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(connection(stream, peer.clone(), Arc::clone(&faults)));
    }
}

/// Serves one connection until either side ends it or the wire is cut.
async fn connection(stream: TcpStream, peer: Peer, faults: Arc<Faults>) {
    let service = service_fn(|request| call(request, &peer, &faults));
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        () = faults.cut() => {}
        // A connection that breaks off is part of the game, whoever breaks it.
        _ = served => {}
    }
}

/// Answers one call; an error ends the connection without an answer.
async fn call(request: Request<Incoming>, peer: &Peer, faults: &Arc<Faults>) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let (method, uri, headers) = (&parts.method, &parts.uri, &parts.headers);
    let text = format!("{method} {uri}\n{headers:?}\n{}", String::from_utf8_lossy(&body));
    let mut beginnings = faults.beginnings();
    let met = faults.meet(text);
    let mut answer = pin!(passed(Request::from_parts(parts, Full::new(body)), peer, faults));
    let fault = if let Some(fault) = met {
        fault
    } else {
        // One that waits for its answer meets what begins meanwhile.
        tokio::select! {
            biased;
            fault = beginnings.next() => fault,
            answer = &mut answer => return answer,
        }
    };
    match fault {
        Fault::Delay(time) => {
            tokio::time::sleep(time).await;
            answer.await
        }
        Fault::Cut => Err(io::ErrorKind::ConnectionAborted.into()),
        Fault::Answer { status, headers, body } => Ok(made(status, &headers, body)),
        Fault::Truncate => Ok(answer.await?.map(half)),
        Fault::Garbage => Ok(answer.await?.map(nothing)),
        Fault::Endless(start) => Ok(Response::new(endless(start))),
    }
}

/// Asks the peer over a connection of its own, which ends with the answer or when that is dropped.
async fn passed(
    request: Request<Full<Bytes>>,
    peer: &Peer,
    faults: &Arc<Faults>,
) -> io::Result<Response<Body>> {
    let stream = TokioIo::new(peer.connect().await?);
    let (mut sender, connection) = handshake(stream).await.map_err(io::Error::other)?;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    Ok(answer.map(|body| coming(body, driver, faults)))
}

/// A body as it comes, until its end or a fault that breaks it off.
fn coming(body: Incoming, driver: JoinSet<hyper::Result<()>>, faults: &Faults) -> Body {
    let parts = stream::unfold(Some((body, driver, faults.beginnings())), |state| async move {
        let (mut body, driver, mut beginnings) = state?;
        tokio::select! {
            biased;
            () = beginnings.next_break() => Some((Err(io::ErrorKind::ConnectionAborted.into()), None)),
            frame = body.frame() => {
                Some((frame?.map_err(io::Error::other), Some((body, driver, beginnings))))
            }
        }
    });
    StreamBody::new(parts).boxed_unsync()
}

fn made(status: u16, headers: &[(&'static str, String)], body: String) -> Response<Body> {
    let builder = headers
        .iter()
        .fold(Response::builder().status(status), |builder, (name, value)| builder.header(*name, value));
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
    builder.body(body).expect("an answer")
}

/// The first half of the first part of a body that goes on.
fn half(body: Body) -> Body {
    let parts = stream::unfold(Some(body), |body| async move {
        let mut body = body?;
        let part = body.frame().await?.map(|frame| frame.into_data().unwrap_or_default());
        Some((part.map(|part| Frame::data(part.slice(..part.len() / 2))), None))
    });
    let broken = stream::iter([Err(io::ErrorKind::UnexpectedEof.into())]);
    StreamBody::new(parts.chain(broken)).boxed_unsync()
}

/// A body of the same parts that say nothing.
fn nothing(body: Body) -> Body {
    body.map_frame(|frame| frame.map_data(|part| vec![b'#'; part.len()].into())).boxed_unsync()
}

fn endless(start: &'static str) -> Body {
    let parts = std::iter::once(Bytes::from_static(start.as_bytes()))
        .chain(std::iter::repeat(Bytes::from_static(FILLING)))
        .map(|part| Ok(Frame::data(part)));
    StreamBody::new(stream::iter(parts)).boxed_unsync()
}
