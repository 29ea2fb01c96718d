use super::*;
use bytes::Bytes;
use futures::stream;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use reqwest::Client;
use std::convert::Infallible;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(50);

/// A peer that answers with what it is sent, and a wire to it.
async fn wire() -> (FaultProxy, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let peer = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service_fn(echo)));
        }
    });
    (FaultProxy::to(peer).await, server)
}

async fn echo(request: Request<Incoming>) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, Infallible> {
    if request.uri().path() == "/never" {
        std::future::pending::<()>().await;
    }
    if request.uri().path() == "/drops" {
        let drops = stream::unfold((), async |()| {
            tokio::time::sleep(PAUSE).await;
            Some((Ok(Frame::data(Bytes::from_static(b"drop"))), ()))
        });
        return Ok(Response::new(StreamBody::new(drops).boxed_unsync()));
    }
    let host = request.headers().get("host").cloned().unwrap();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    Ok(Response::builder().header("x-host", host).body(Full::new(body).boxed_unsync()).unwrap())
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

async fn post(wire: &FaultProxy, body: &'static str) -> reqwest::Result<(StatusCode, String)> {
    let answer = client().post(format!("{}/path", wire.url())).body(body).send().await?;
    Ok((answer.status(), answer.text().await?))
}

#[tokio::test]
async fn calls_pass_with_their_host_and_body_and_are_counted() {
    let (wire, _peer) = wire().await;
    let answer = client().post(format!("{}/path?a=1", wire.url())).body("one").send().await.unwrap();
    assert_eq!(
        answer.headers()["x-host"],
        wire.address().to_string(),
        "a signature over the host still fits"
    );
    assert_eq!(answer.text().await.unwrap(), "one");
    assert_eq!(post(&wire, "two").await.unwrap(), (StatusCode::OK, "two".to_owned()));
    assert_eq!((wire.calls().len(), wire.count("two"), wire.count("a=1"), wire.count("")), (2, 1, 1, 2));
    wire.forget();
    assert_eq!(wire.count(""), 0);
}

#[tokio::test]
async fn a_delay_comes_before_the_answer() {
    let (wire, _peer) = wire().await;
    wire.all(Fault::Delay(PAUSE));
    let start = Instant::now();
    assert_eq!(post(&wire, "late").await.unwrap().1, "late");
    assert!(start.elapsed() >= PAUSE);
}

#[tokio::test]
async fn an_answer_of_its_own_keeps_the_call_from_the_peer() {
    let (wire, _peer) = wire().await;
    wire.all(Fault::too_many(Duration::from_secs(7)));
    let answer = client().get(wire.url()).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    wire.all(Fault::answer(403, "quota"));
    assert_eq!(post(&wire, "x").await.unwrap(), (StatusCode::FORBIDDEN, "quota".to_owned()));
}

#[tokio::test]
async fn a_cut_ends_what_is_under_way_and_refuses_what_comes() {
    let (wire, _peer) = wire().await;
    let url = format!("{}/never", wire.url());
    let hanging = tokio::spawn(async move { client().get(url).send().await });
    crate::harness::soon("the call is under way", async || wire.count("/never") == 1).await;
    wire.all(Fault::Cut);
    assert!(hanging.await.unwrap().is_err());
    assert!(post(&wire, "x").await.is_err());
    wire.pass();
    assert_eq!(post(&wire, "back").await.unwrap().1, "back");
}

#[tokio::test]
async fn a_call_that_waits_meets_what_begins_meanwhile() {
    let (wire, _peer) = wire().await;
    let url = format!("{}/never", wire.url());
    let hanging = tokio::spawn(async move { client().get(url).send().await });
    crate::harness::soon("the call is under way", async || wire.count("/never") == 1).await;
    wire.all(Fault::answer(503, "busy"));
    assert_eq!(hanging.await.unwrap().unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn an_answer_passes_as_it_comes_and_breaks_off_when_a_fault_begins() {
    let (wire, _peer) = wire().await;
    let mut answer = client().get(format!("{}/drops", wire.url())).send().await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "drop");
    wire.all(Fault::Delay(PAUSE));
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "drop", "a delay is for what comes");
    wire.all(Fault::answer(503, ""));
    let end = loop {
        match answer.chunk().await {
            Ok(Some(_)) => {}
            end => break end,
        }
    };
    assert!(end.is_err(), "{end:?}");
}

#[tokio::test]
async fn a_truncated_body_is_an_error_and_garbage_is_none() {
    let (wire, _peer) = wire().await;
    wire.all(Fault::Truncate);
    assert!(post(&wire, "a body that is cut").await.is_err());
    wire.all(Fault::Garbage);
    assert_eq!(post(&wire, "four").await.unwrap(), (StatusCode::OK, "####".to_owned()));
}

#[tokio::test]
async fn an_endless_body_goes_on() {
    let (wire, _peer) = wire().await;
    wire.all(Fault::Endless("<start>"));
    let mut answer = client().get(wire.url()).send().await.unwrap();
    let (mut length, mut start) = (0, None);
    while length < 1 << 20 {
        let chunk = answer.chunk().await.unwrap().expect("it does not end");
        length += chunk.len();
        start.get_or_insert(chunk);
    }
    assert!(start.unwrap().starts_with(b"<start>"));
}

#[tokio::test]
async fn faults_meet_only_the_calls_that_they_are_for() {
    let (wire, _peer) = wire().await;
    wire.next_with(2, "Action=Some", Fault::answer(503, "busy"));
    wire.calls_with("Action=Other", Fault::Cut);
    assert_eq!(post(&wire, "Action=Fine").await.unwrap().0, StatusCode::OK);
    for status in [503, 503, 200] {
        assert_eq!(post(&wire, "Action=Some").await.unwrap().0.as_u16(), status);
    }
    assert!(post(&wire, "Action=Other").await.is_err());
    wire.pass();
    assert_eq!(post(&wire, "Action=Other").await.unwrap().0, StatusCode::OK);
}

#[tokio::test]
async fn a_peer_that_is_not_there_is_a_connection_that_ends() {
    let (wire, peer) = wire().await;
    peer.abort();
    assert!(peer.await.unwrap_err().is_cancelled());
    assert!(post(&wire, "x").await.is_err());
    assert_eq!(wire.count(""), 1);
}
