use super::*;

/// As EC2 and moto answer it.
fn ec2(code: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code><Message>secret-host said no</Message></Error></Errors><RequestID>r</RequestID></Response>"
    )
}

/// As Auto Scaling and STS answer it.
fn query(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><Error><Type>Sender</Type><Code>{code}</Code><Message>secret-host said no</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    )
}

fn mapped(status: u16, pause: Option<u64>, body: &str) -> Error {
    answer(&ApiAnswer {
        status,
        headers: http::HeaderMap::new(),
        retry_after: pause.map(Duration::from_secs),
        body: bytes::Bytes::copy_from_slice(body.as_bytes()),
        trailers: http::HeaderMap::new(),
    })
}

#[test]
fn every_answer_has_its_kind() {
    use ErrorKind as E;
    let after = |seconds| Retry::After(Duration::from_secs(seconds));
    for (status, pause, body, kind, retry) in [
        (401, None, ec2("AuthFailure"), E::Unauthenticated, Retry::Never),
        (400, None, query("ExpiredToken"), E::Unauthenticated, Retry::Never),
        (403, None, query("SignatureDoesNotMatch"), E::Unauthenticated, Retry::Never),
        (403, None, query("InvalidClientTokenId"), E::Unauthenticated, Retry::Never),
        (403, None, ec2("UnauthorizedOperation"), E::Forbidden, Retry::Never),
        (403, None, query("AccessDenied"), E::Forbidden, Retry::Never),
        (401, None, ec2("OptInRequired"), E::Forbidden, Retry::Never),
        (400, None, ec2("InvalidInstanceID.NotFound"), E::NotFound, Retry::Never),
        (400, None, ec2("InvalidVpcID.NotFound"), E::NotFound, Retry::Never),
        (503, None, ec2("RequestLimitExceeded"), E::RateLimited, after(1)),
        (400, Some(7), query("Throttling"), E::RateLimited, after(7)),
        (429, Some(3), String::new(), E::RateLimited, after(3)),
        (500, None, ec2("InternalError"), E::Unavailable, Retry::Later),
        (503, Some(9), ec2("Unavailable"), E::Unavailable, after(9)),
        (400, None, ec2("InvalidNextToken"), E::Unavailable, Retry::Later),
        (400, None, ec2("InvalidParameterValue"), E::Internal, Retry::Never),
        (400, None, ec2("SomethingNew"), E::Internal, Retry::Never),
        // Answers of something between: no XML, or none of ours.
        (401, None, String::new(), E::Unauthenticated, Retry::Never),
        (403, None, "<html>quota</html>".to_owned(), E::Forbidden, Retry::Never),
        (404, None, "not here".to_owned(), E::Internal, Retry::Never),
        (502, None, "<html><br></html>".to_owned(), E::Unavailable, Retry::Later),
        (504, None, String::new(), E::Timeout, Retry::Later),
        (302, None, String::new(), E::Internal, Retry::Never),
    ] {
        let error = mapped(status, pause, &body);
        assert_eq!((error.kind(), error.retry()), (kind, retry), "{status} {body}");
    }
}

#[test]
fn words_of_the_service_stay_in_the_log() {
    let error = mapped(403, None, &ec2("UnauthorizedOperation"));
    assert!(error.to_string().contains("secret-host said no"), "{error}");
    assert!(error.to_string().contains("UnauthorizedOperation"), "{error}");
    assert!(
        !error.public().contains("secret-host") && !error.public().contains("Operation"),
        "{}",
        error.public()
    );
}

#[test]
fn a_place_without_an_object_at_its_address_is_no_missing_object() {
    assert_eq!(
        mapped(404, None, "").kind(),
        ErrorKind::Internal,
        "else a wrong address would read as an empty cloud"
    );
}

#[test]
fn credentials_that_cannot_be_had_are_told_from_those_that_are_not_there() {
    for (error, kind) in [
        (CredentialsError::not_loaded("none"), ErrorKind::Unauthenticated),
        (CredentialsError::invalid_configuration("loop"), ErrorKind::Unauthenticated),
        (CredentialsError::provider_error("503"), ErrorKind::Unavailable),
        (CredentialsError::provider_timed_out(BUSY), ErrorKind::Timeout),
    ] {
        assert_eq!(credentials(error).kind(), kind);
    }
}
