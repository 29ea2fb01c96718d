//! What the client does with servers that behave, and with those that do not.

use super::*;
use netweave_model::Trace;
use netweave_model::port::CallObserver;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp(self.0)
    }
}

fn api(max_body: usize) -> Api {
    let settings = ApiSettings { max_body, timeout: Duration::from_millis(300), ..ApiSettings::default() };
    Api::new(&settings, Arc::new(At(0))).unwrap()
}

/// Answers the first connection with a text, then closes it, or keeps it open for ever.
async fn server(answer: String, end: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        assert!(stream.read(&mut head).await.unwrap() > 0);
        stream.write_all(answer.as_bytes()).await.unwrap();
        if !end {
            std::future::pending::<()>().await;
        }
    });
    url
}

async fn call(api: &Api, url: &str) -> Result<ApiAnswer> {
    api.call(Request::get(url).body(Bytes::new()).unwrap()).await
}

fn text(status: &str, fields: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{fields}\r\n{body}", body.len())
}

#[tokio::test]
async fn any_status_is_an_answer_with_its_body() {
    for status in ["200 OK", "302 Found", "403 Forbidden", "503 Service Unavailable"] {
        let url =
            server(text(status, "location: http://127.0.0.1:1/\r\nretry-after: 7\r\n", "{}"), true).await;
        let answer = call(&api(100), &url).await.unwrap();
        assert!(status.starts_with(&answer.status.to_string()), "{status}");
        assert_eq!((&answer.body[..], answer.retry_after), (&b"{}"[..], Some(Duration::from_secs(7))));
    }
}

#[tokio::test]
async fn a_body_at_its_bound_is_read_and_a_longer_one_is_an_error() {
    let url = server(text("200 OK", "", "12345"), true).await;
    assert_eq!(call(&api(5), &url).await.unwrap().body.len(), 5);
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n123\r\n3\r\n456\r\n0\r\n\r\n";
    for long in [text("200 OK", "", "123456"), chunked.to_owned()] {
        let error = call(&api(5), &server(long, true).await).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Never), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let short = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345";
    let error = call(&api(100), &server(short.to_owned(), true).await).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Later), "{error}");
    let error = call(&api(100), &server(short.to_owned(), false).await).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

#[tokio::test]
async fn a_call_that_falls_silent_is_given_up_before_its_time() {
    let settings = ApiSettings { silence: Some(Duration::from_millis(100)), ..ApiSettings::default() };
    let api = Api::new(&settings, Arc::new(At(0))).unwrap();
    for begun in ["", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345"] {
        let error = call(&api, &server(begun.to_owned(), false).await).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_unavailable_and_the_text_names_no_address() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = call(&api(100), &format!("http://{free}/secret")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.public()),
        (ErrorKind::Unavailable, "the infrastructure does not answer")
    );
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let read = |text: &'static str, now: i64| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
        retry_after(&headers, Timestamp(now))
    };
    assert_eq!(read("90", 0), Some(Duration::from_secs(90)));
    assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777_000 - 5000), Some(Duration::from_secs(5)));
    assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777_000 + 5000), Some(Duration::ZERO));
    assert_eq!(read("soon", 0), None);
    assert_eq!(read("-3", 0), None);
}

/// Notes what it is told of calls.
#[derive(Default)]
struct Notes(std::sync::Mutex<Vec<(String, std::result::Result<u16, ErrorKind>)>>);

impl CallObserver for Notes {
    fn begin(&self, parent: Option<Trace>) -> Option<Trace> {
        parent.map(|parent| Trace { span: std::num::NonZeroU64::MIN, ..parent })
    }

    fn called(&self, call: &InfrastructureCall<'_>) {
        let server = call.server.map_or("", |(host, _)| host);
        let text =
            format!("{} {} {server} {:?}", call.method, call.endpoint, call.spans.1.map(|own| own.span));
        self.0.lock().unwrap().push((text, call.outcome));
    }
}

#[tokio::test]
async fn a_call_is_told_with_its_endpoint_and_its_server_is_told_the_span() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x/secret-id", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        let length = stream.read(&mut head).await.unwrap();
        stream.write_all(text("503 Busy", "", "").as_bytes()).await.unwrap();
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let notes = Arc::new(Notes::default());
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().ok();
    let context = Context { trace, calls: Some(Arc::clone(&notes) as Arc<dyn CallObserver>), causes: None };
    let api = api(100);
    let request = Request::get(&url).extension(Endpoint("things")).body(Bytes::new()).unwrap();
    assert_eq!(context.clone().within(api.call(request)).await.unwrap().status, 503);
    let head = server.await.unwrap().to_lowercase();
    let own = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000001-01\r\n";
    assert!(head.contains(own), "{head}");
    assert!(context.within(call(&api, &url)).await.is_err(), "nobody listens any more");
    let notes = notes.0.lock().unwrap();
    assert_eq!(notes[0], ("GET things 127.0.0.1 Some(1)".to_owned(), Ok(503)));
    assert_eq!(notes[1], ("GET other 127.0.0.1 Some(1)".to_owned(), Err(ErrorKind::Unavailable)));
}
