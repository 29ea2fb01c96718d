use super::*;
use kube::core::response::StatusDetails;

fn status(code: u16, retry_after_seconds: u32) -> kube::Error {
    let details: StatusDetails =
        serde_json::from_value(serde_json::json!({"retryAfterSeconds": retry_after_seconds})).unwrap();
    // A plain text answer arrives with this reason, so the reason must not matter.
    let status = Status {
        code,
        reason: "Failed to parse error data".to_owned(),
        details: Some(details),
        ..Status::default()
    };
    kube::Error::Api(Box::new(status))
}

fn broken(kind: std::io::ErrorKind) -> kube::Error {
    kube::Error::Service(Box::new(std::io::Error::from(kind)))
}

#[test]
fn every_answer_has_its_kind() {
    use ErrorKind as E;
    let after = |seconds| Retry::After(Duration::from_secs(seconds));
    for (error, kind, retry) in [
        (status(400, 0), E::Internal, Retry::Never),
        (status(401, 0), E::Unauthenticated, Retry::Never),
        (status(403, 0), E::Forbidden, Retry::Never),
        (status(404, 0), E::NotFound, Retry::Never),
        (status(408, 0), E::Timeout, Retry::Later),
        (status(410, 0), E::Unavailable, Retry::Later),
        (status(429, 7), E::RateLimited, after(7)),
        (status(429, 0), E::RateLimited, after(1)),
        (status(500, 0), E::Unavailable, Retry::Later),
        (status(503, 3), E::Unavailable, after(3)),
        (status(504, 0), E::Timeout, Retry::Later),
        (broken(std::io::ErrorKind::ConnectionRefused), E::Unavailable, Retry::Later),
        (broken(std::io::ErrorKind::ConnectionReset), E::Unavailable, Retry::Later),
        (broken(std::io::ErrorKind::TimedOut), E::Timeout, Retry::Later),
        (kube::Error::Service(Box::new(TooLong(1, "bytes"))), E::Unavailable, Retry::Never),
        (kube::Error::ReadEvents(std::io::ErrorKind::UnexpectedEof.into()), E::Unavailable, Retry::Later),
        (kube::Error::LinesCodecMaxLineLengthExceeded, E::Internal, Retry::Never),
    ] {
        let text = error.to_string();
        let mapped = call(error);
        assert_eq!((mapped.kind(), mapped.retry()), (kind, retry), "{text}");
        assert!(mapped.to_string().contains(&text), "the log shows the cause: {mapped}");
    }
}

#[test]
fn a_watch_error_is_mapped_like_the_call_that_failed() {
    for error in [
        watcher::Error::InitialListFailed(status(403, 0)),
        watcher::Error::WatchStartFailed(status(403, 0)),
        watcher::Error::WatchFailed(status(403, 0)),
        watcher::Error::WatchError(Box::new(Status { code: 403, ..Status::default() })),
    ] {
        assert_eq!(code(&error), Some(403));
        assert_eq!(watch(error).kind(), ErrorKind::Forbidden);
    }
    assert_eq!(watch(watcher::Error::NoResourceVersion).kind(), ErrorKind::Internal);
}

#[test]
fn public_texts_name_no_vendor_words() {
    let mapped = call(broken(std::io::ErrorKind::ConnectionRefused));
    assert_eq!(mapped.public(), "the cluster does not answer");
}

#[tokio::test]
async fn a_refused_connection_is_unavailable() {
    rustls_provider();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut config = kube::Config::new(format!("http://{free}").parse().unwrap());
    config.default_retry = false;
    let client = kube::Client::try_from(config).unwrap();
    let error = client.apiserver_version().await.map_err(call).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Later), "{error}");
}

fn rustls_provider() {
    // Another test of this process may have installed it already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}
