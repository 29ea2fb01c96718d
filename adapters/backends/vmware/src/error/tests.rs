use super::*;
use crate::soap::xml;

/// A fault as vcsim and vCenter 8 send it: what it is stands in `detail`, as a form and as a name.
fn fault(form: &str, text: &str) -> Fault {
    let detail = if form.is_empty() {
        String::new()
    } else {
        format!(r#"<detail><{form}Fault xmlns="urn:vim25" xsi:type="{form}"></{form}Fault></detail>"#)
    };
    let text = format!(
        "<Fault><faultcode>ServerFaultCode</faultcode><faultstring>{text}</faultstring>{detail}</Fault>"
    );
    Fault::of(&xml::parse(&text).unwrap())
}

#[test]
fn every_fault_has_its_kind() {
    use ErrorKind as E;
    for (form, kind, retry) in [
        ("InvalidLogin", E::Unauthenticated, Retry::Never),
        ("PasswordExpired", E::Unauthenticated, Retry::Never),
        ("NotAuthenticated", E::Unauthenticated, Retry::Never),
        ("NoPermission", E::Forbidden, Retry::Never),
        ("RestrictedVersion", E::Forbidden, Retry::Never),
        ("ManagedObjectNotFound", E::NotFound, Retry::Never),
        ("InvalidCollectorVersion", E::Unavailable, Retry::Later),
        ("Timedout", E::Timeout, Retry::Later),
        ("LimitExceeded", E::RateLimited, Retry::After(BUSY)),
        ("RequestCanceled", E::Unavailable, Retry::Later),
        ("HostNotConnected", E::Unavailable, Retry::Later),
        ("SystemError", E::Unavailable, Retry::Later),
        ("RuntimeFault", E::Unavailable, Retry::Later),
        ("", E::Unavailable, Retry::Later),
        ("InvalidProperty", E::Internal, Retry::Never),
        ("InvalidArgument", E::Internal, Retry::Never),
        ("FaultOfTheFuture", E::Internal, Retry::Never),
    ] {
        let mapped = Failure::Fault(fault(form, "Text of host esx-7")).into_error();
        assert_eq!((mapped.kind(), mapped.retry()), (kind, retry), "{form}");
        assert!(mapped.to_string().contains("esx-7"), "the log shows the cause: {mapped}");
        assert!(!mapped.public().contains("esx-7"), "{mapped}");
    }
}

#[test]
fn every_status_without_a_fault_has_its_kind() {
    use ErrorKind as E;
    let after = Some(Duration::from_secs(7));
    let seven = Retry::After(Duration::from_secs(7));
    for (code, pause, kind, retry) in [
        (301, None, E::Internal, Retry::Never),
        (400, None, E::Internal, Retry::Never),
        (401, None, E::Unauthenticated, Retry::Never),
        (403, None, E::Forbidden, Retry::Never),
        (404, None, E::Unavailable, Retry::Later),
        (408, None, E::Timeout, Retry::Later),
        (429, after, E::RateLimited, seven),
        (429, None, E::RateLimited, Retry::After(BUSY)),
        (500, None, E::Unavailable, Retry::Later),
        (503, after, E::Unavailable, seven),
        (504, None, E::Timeout, Retry::Later),
    ] {
        let mapped = status(code, pause);
        assert_eq!((mapped.kind(), mapped.retry()), (kind, retry), "{code}");
    }
}

#[test]
fn a_fault_says_what_it_is_in_its_detail() {
    assert_eq!(fault("NotAuthenticated", "").name, "NotAuthenticated");
    let without_a_form = "<Fault><detail><InvalidLoginFault/></detail></Fault>";
    assert_eq!(Fault::of(&xml::parse(without_a_form).unwrap()).name, "InvalidLogin");
    let prefixed = r#"<Fault><detail><x xsi:type="vim25:NoPermission"/></detail></Fault>"#;
    assert_eq!(Fault::of(&xml::parse(prefixed).unwrap()).name, "NoPermission");
    assert!(Failure::Fault(fault("NotAuthenticated", "")).is_lost_session());
    assert!(Failure::Fault(fault("InvalidCollectorVersion", "")).is_lost_version());
    assert!(!Failure::Fault(fault("InvalidLogin", "")).is_lost_session());
}

#[test]
fn a_long_text_of_a_fault_is_cut() {
    let text = "ä".repeat(5000);
    assert_eq!(fault("SystemError", &text).text.chars().count(), MAX_TEXT);
}
