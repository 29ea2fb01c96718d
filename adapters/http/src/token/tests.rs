//! Tokens from a server on loopback that answers as it is told.

use super::*;
use crate::settings::Settings;
use crate::{DomainSettings, Outbound};
use async_trait::async_trait;
use http::{HeaderMap, Method};
use netweave_model::Timestamp;
use netweave_model::port::Clock;
use std::collections::VecDeque;
use std::sync::Mutex as StdMutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

struct Never;

#[async_trait]
impl crate::Resolver for Never {
    async fn resolve(&self, _name: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
        Ok(Vec::new())
    }
}

struct Zero;

impl Clock for Zero {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

/// A server of one request per connection: keeps what came, and answers in order, the last answer for ever.
struct Server {
    port: u16,
    seen: Arc<StdMutex<Vec<String>>>,
    answers: Arc<StdMutex<VecDeque<String>>>,
}

impl Server {
    async fn start(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            seen: Arc::default(),
            answers: Arc::new(StdMutex::new(answers.iter().map(|&text| text.to_owned()).collect())),
        };
        let (seen, answers) = (Arc::clone(&server.seen), Arc::clone(&server.answers));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = vec![0; 16 << 10];
                let mut length = 0;
                while !whole(&bytes[..length]) {
                    match stream.read(&mut bytes[length..]).await {
                        Ok(count) if count > 0 => length += count,
                        Ok(_) | Err(_) => break,
                    }
                }
                seen.lock().unwrap().push(String::from_utf8_lossy(&bytes[..length]).into_owned());
                let answer = {
                    let mut left = answers.lock().unwrap();
                    if left.len() > 1 { left.pop_front() } else { left.front().cloned() }
                };
                // A client that has read enough goes away.
                drop(stream.write_all(answer.unwrap().as_bytes()).await);
            }
        });
        server
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn tell(&self, answers: &[&str]) {
        *self.answers.lock().unwrap() = answers.iter().map(|&text| text.to_owned()).collect();
    }

    /// The bearer tokens that came, in order.
    fn bearers(&self) -> Vec<String> {
        let bearer = |text: &String| {
            let line = text.lines().find_map(|line| line.strip_prefix("authorization: Bearer "));
            line.unwrap_or("-").to_owned()
        };
        self.seen().iter().map(bearer).collect()
    }
}

/// Whether a request is complete.
fn whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn token(name: &str, seconds: &str) -> String {
    answer("200", &format!(r#"{{"access_token":"{name}","token_type":"bearer","expires_in":{seconds}}}"#))
}

struct Stage {
    idp: Server,
    callback: Server,
    outbound: Outbound,
    secret: tempfile::NamedTempFile,
}

impl Stage {
    async fn new(tokens: &[&str], answers: &[&str]) -> Self {
        let (idp, callback) = (Server::start(tokens).await, Server::start(answers).await);
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), "p/w +\n").unwrap();
        let oauth2 = OAuth2Settings {
            token_url: idp.url(),
            client_id: "gate way".to_owned(),
            client_secret: SecretSource::File(secret.path().to_owned()),
            scope: Some("o2 notify".to_owned()),
            audience: Some("smo".to_owned()),
            ca: None,
        };
        let domain = DomainSettings {
            name: "smo".to_owned(),
            hosts: vec!["127.0.0.1".to_owned()],
            oauth2: Some(oauth2),
            ..DomainSettings::default()
        };
        let settings = Settings {
            schemes: vec!["http".to_owned()],
            allow: vec!["127.0.0.0/8".to_owned()],
            domains: vec![domain],
            timeout: Duration::from_secs(2),
            ..Settings::default()
        };
        let guard = Arc::new(Guard::new(&settings, Arc::new(Never)).unwrap());
        let outbound = Outbound::new(&settings, guard, Arc::new(Zero)).unwrap();
        Self { idp, callback, outbound, secret }
    }

    async fn post(&self) -> std::result::Result<u16, String> {
        let posted = self.outbound.post(&self.callback.url(), HeaderMap::new(), "{}".into()).await;
        posted.map(|answer| answer.status).map_err(|error| error.public().to_owned())
    }
}

#[tokio::test]
async fn one_fetch_serves_many_deliveries_also_those_that_wait_for_it() {
    let stage = Stage::new(&[&token("one", "3600")], &[&answer("204", "")]).await;
    let all = futures_of(&stage, 20).await;
    assert!(all.iter().all(|status| *status == Ok(204)), "{all:?}");
    assert_eq!(stage.callback.bearers(), vec!["one"; 20]);
    let asked = stage.idp.seen();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with("POST / HTTP/1.1\r\n"), "{asked:?}");
    // Base64 of `gate+way:p%2Fw+%2B`, as RFC 6749, 2.3.1, wants it.
    assert!(asked[0].contains("authorization: Basic Z2F0ZSt3YXk6cCUyRncrJTJC\r\n"), "{asked:?}");
    assert!(
        asked[0].ends_with("\r\n\r\ngrant_type=client_credentials&scope=o2+notify&audience=smo"),
        "{asked:?}"
    );
    assert_eq!(stage.outbound.token_calls(), TokenCalls { fetched: 1, failed: 0 });
}

async fn futures_of(stage: &Stage, count: usize) -> Vec<std::result::Result<u16, String>> {
    let mut all = Vec::new();
    let calls: Vec<_> = (0..count).map(|_| stage.post()).collect();
    let mut calls: Vec<_> = calls.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|context| {
        calls.retain_mut(|call| match call.as_mut().poll(context) {
            std::task::Poll::Ready(outcome) => {
                all.push(outcome);
                false
            }
            std::task::Poll::Pending => true,
        });
        if calls.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    all
}

#[tokio::test]
async fn a_token_that_has_ended_is_replaced_before_it_is_shown() {
    let stage = Stage::new(&[&token("one", "0"), &token("two", "\"3600\"")], &[&answer("204", "")]).await;
    for _ in 0..3 {
        assert_eq!(stage.post().await, Ok(204));
    }
    assert_eq!(stage.callback.bearers(), ["one", "two", "two"]);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_within_the_attempt() {
    let stage = Stage::new(
        &[&token("one", "3600"), &token("two", "3600"), &token("three", "3600")],
        &[&answer("204", ""), &answer("401", ""), &answer("204", ""), &answer("401", "")],
    )
    .await;
    assert_eq!((stage.post().await, stage.post().await), (Ok(204), Ok(204)));
    assert_eq!(stage.callback.bearers(), ["one", "one", "two"]);
    assert_eq!(stage.post().await, Ok(401), "the substitute is refused too, so it is not the token's fault");
    assert_eq!(stage.idp.seen().len(), 2);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_its_server_has_rest() {
    let stage = Stage::new(&[&answer("503", "")], &[&answer("204", "")]).await;
    for _ in 0..5 {
        assert_eq!(stage.post().await, Err(NO_TOKEN.to_owned()));
    }
    assert_eq!((stage.idp.seen().len(), stage.callback.seen().len()), (1, 0));
    assert_eq!(stage.outbound.token_calls(), TokenCalls { fetched: 0, failed: 1 });
    stage.idp.tell(&[&token("one", "3600")]);
    tokio::time::sleep(PAUSES.0).await;
    assert_eq!(stage.post().await, Ok(204), "it works again after its rest");
}

#[tokio::test]
async fn answers_that_grant_nothing_are_failures() {
    let long = format!(r#"{{"access_token":"{}","token_type":"Bearer"}}"#, "x".repeat(MAX_TOKEN + 1));
    let huge = "x".repeat(MAX_ANSWER + 1);
    for body in [
        "",
        "[]",
        "{}",
        r#"{"access_token":"","token_type":"Bearer"}"#,
        r#"{"access_token":"a","token_type":"mac"}"#,
        r#"{"access_token":"a\r\nb: c","token_type":"Bearer"}"#,
        &long,
        &huge,
    ] {
        let stage = Stage::new(&[&answer("200", body)], &[&answer("204", "")]).await;
        assert_eq!(stage.post().await, Err(NO_TOKEN.to_owned()), "{body:.80}");
        assert!(stage.callback.seen().is_empty(), "{body:.80}");
    }
    let redirect = "HTTP/1.1 302 X\r\nLocation: /other\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let stage = Stage::new(&[redirect], &[&answer("204", "")]).await;
    assert_eq!(stage.post().await, Err(NO_TOKEN.to_owned()), "no redirect is followed");
    assert_eq!(stage.idp.seen().len(), 1);
}

#[tokio::test]
async fn a_sign_of_life_needs_no_token() {
    let stage = Stage::new(&[&answer("503", "")], &[&answer("401", "")]).await;
    assert_eq!(stage.outbound.probe(&stage.callback.url()).await.unwrap().status, 401);
    assert!(stage.idp.seen().is_empty());
    assert!(stage.callback.seen()[0].starts_with(Method::HEAD.as_str()));
}

#[tokio::test]
async fn the_rules_for_callbacks_hold_for_the_token_endpoint() {
    let stage = Stage::new(&[&token("one", "3600")], &[&answer("204", "")]).await;
    let settings = Settings { schemes: vec!["http".to_owned()], ..Settings::default() };
    let guard = Arc::new(Guard::new(&settings, Arc::new(Never)).unwrap());
    let oauth2 = OAuth2Settings {
        token_url: stage.idp.url(),
        client_id: "c".to_owned(),
        client_secret: SecretSource::File(stage.secret.path().to_owned()),
        scope: None,
        audience: None,
        ca: None,
    };
    let client = Client::builder().no_proxy().build().unwrap();
    let tokens = Tokens::new(oauth2, guard);
    let error = tokens.get(&client, Instant::now() + Duration::from_secs(2)).await.unwrap_err();
    assert_eq!(error.public(), NO_TOKEN);
    assert!(stage.idp.seen().is_empty(), "loopback is not open");
}

#[test]
fn a_secret_is_read_from_its_place_and_must_be_there() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "s3cret\r\n").unwrap();
    assert_eq!(SecretSource::File(file.path().to_owned()).read().unwrap().expose(), "s3cret");
    std::fs::write(file.path(), "\n").unwrap();
    assert!(SecretSource::File(file.path().to_owned()).read().is_err());
    assert!(SecretSource::File("/none".into()).read().is_err());
    assert!(SecretSource::Variable("NO_SUCH_VARIABLE_OF_NETWEAVE".to_owned()).read().is_err());
    assert!(!SecretSource::Variable("PATH".to_owned()).read().unwrap().expose().is_empty());
}
