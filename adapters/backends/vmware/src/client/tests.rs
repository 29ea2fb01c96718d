use super::*;
use netweave_model::Timestamp;
use proptest::prelude::*;

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

fn envelope(body: &str) -> String {
    format!("<Envelope><Body>{body}</Body></Envelope>")
}

fn outcome(status: u16, body: &str) -> String {
    match read("Login", status, body.as_bytes()) {
        Ok(answer) => answer.name.to_string(),
        Err(Unusable::Fault(fault)) => format!("fault {}", fault.name),
        Err(Unusable::Status) => "status".to_owned(),
        Err(Unusable::Answer(_)) => "odd".to_owned(),
    }
}

#[test]
fn an_answer_is_what_was_asked_for_or_why_not() {
    let fault = envelope("<Fault><detail><InvalidLoginFault/></detail></Fault>");
    for (status, body, expected) in [
        (200, envelope("<LoginResponse/>"), "LoginResponse"),
        (500, fault.clone(), "fault InvalidLogin"),
        (200, fault, "fault InvalidLogin"),
        (500, envelope("<LoginResponse/>"), "status"),
        (503, "<html><body>Service Unavailable</body></html>".to_owned(), "status"),
        (503, "no endpoint".to_owned(), "status"),
        (200, "no endpoint".to_owned(), "odd"),
        (200, String::new(), "odd"),
        (200, envelope(""), "odd"),
        (200, envelope("<LogoutResponse/>"), "odd"),
        (200, "<html><Body><LoginResponse/></Body></html>".to_owned(), "odd"),
    ] {
        assert_eq!(outcome(status, &body), expected, "{status} {body}");
    }
    assert!(matches!(read("Login", 200, &[0xff]), Err(Unusable::Answer(_))));
}

#[test]
fn a_session_is_the_cookie_of_that_name() {
    let mut headers = HeaderMap::new();
    headers.append(SET_COOKIE, HeaderValue::from_static("other=1; Path=/"));
    assert_eq!(session(&headers), None);
    headers.append(
        SET_COOKIE,
        HeaderValue::from_static(r#"vmware_soap_session="ab-1"; Path=/; HttpOnly; Secure;"#),
    );
    let cookie = session(&headers).unwrap();
    assert_eq!(cookie, r#"vmware_soap_session="ab-1""#);
    assert!(cookie.is_sensitive());
}

async fn connection(folder: &Path, password: &str) -> Result<Connection> {
    let path = folder.join("password");
    std::fs::write(&path, password).unwrap();
    let section =
        serde_json::json!({"name": "v", "url": "http://127.0.0.1:1", "username": "u", "passwordFile": path});
    Connection::open(&serde_json::from_value(section).unwrap(), Arc::new(Epoch)).await
}

#[tokio::test(start_paused = true)]
async fn a_refused_password_waits_for_another_or_for_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let connection = connection(folder.path(), "wrong\n").await.unwrap();
    assert_eq!(connection.password().await.unwrap(), "wrong");
    connection.tried("wrong", false);
    let refused = connection.password().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unauthenticated);
    assert!(!refused.to_string().contains("wrong"));
    std::fs::write(folder.path().join("password"), "right").unwrap();
    assert_eq!(connection.password().await.unwrap(), "right");
    std::fs::write(folder.path().join("password"), "wrong").unwrap();
    tokio::time::advance(REFUSED_FOR).await;
    assert_eq!(connection.password().await.unwrap(), "wrong");
    connection.tried("wrong", true);
    std::fs::remove_file(folder.path().join("password")).unwrap();
    assert_eq!(connection.password().await.unwrap_err().kind(), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_password_that_cannot_be_used_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for password in ["", "\n", &"x".repeat(5000)] {
        let error = connection(folder.path(), password).await.err().unwrap();
        assert_eq!((error.kind(), &*error.params()[0].name), (ErrorKind::Invalid, "passwordFile"));
    }
}

#[tokio::test]
async fn sessions_that_wait_to_be_ended_are_few() {
    let folder = tempfile::tempdir().unwrap();
    let connection = connection(folder.path(), "p").await.unwrap();
    for number in 0..MAX_RETIRED + 3 {
        connection.retire(Ticket { cookie: HeaderValue::from_static("c"), manager: number.to_string() });
    }
    let retired = connection.retired();
    assert_eq!((retired.len(), retired[0].manager.as_str()), (MAX_RETIRED, "3"));
    assert!(connection.retired().is_empty());
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_an_error(body in prop::collection::vec(any::<u8>(), 0..200), status in 100_u16..600) {
        drop(read("Login", status, &body));
    }
}
