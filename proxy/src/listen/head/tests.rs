use super::*;
use crate::listen::direct::parse;
use bytes::Bytes;
use proptest::prelude::*;

const BOUNDS: Bounds = Bounds { head: 1024, target: 256 };

fn scan(head: &[u8]) -> Result<Option<usize>, u16> {
    Scan::default().next(head, BOUNDS).map_err(|problem| problem.status().as_u16())
}

fn get(lines: &str) -> Result<Option<usize>, u16> {
    scan(format!("GET / HTTP/1.1\r\n{lines}\r\n").as_bytes())
}

#[test]
fn a_plain_request_is_taken_and_measured() {
    let head = b"GET /a/b?c=(eq,d,'e') HTTP/1.1\r\nHost: localhost:8443\r\nAccept: */*\r\n\r\n";
    assert_eq!(scan(head), Ok(Some(head.len())));
    let with_body = [&head[..], b"body"].concat();
    assert_eq!(scan(&with_body), Ok(Some(head.len())));
}

#[test]
fn a_head_in_pieces_is_read_like_a_whole_one() {
    let head = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut scan = Scan::default();
    for end in 1..head.len() {
        assert_eq!(scan.next(&head[..end], BOUNDS).unwrap(), None, "{end}");
    }
    assert_eq!(scan.next(head, BOUNDS).unwrap(), Some(head.len()));
}

#[test]
fn one_empty_line_before_a_request_and_the_absolute_form_are_taken() {
    for head in
        [&b"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"[..], b"GET https://h:1/a HTTP/1.1\r\nHost: h:1\r\n\r\n"]
    {
        assert_eq!(scan(head), Ok(Some(head.len())));
    }
}

#[test]
fn http_1_0_needs_no_host() {
    let head = b"GET / HTTP/1.0\r\n\r\n";
    assert_eq!(scan(head), Ok(Some(head.len())));
}

fn bare(head: &str) -> Option<Bare> {
    let mut scan = Scan::default();
    assert!(scan.next(head.as_bytes(), BOUNDS).unwrap().is_some(), "{head}");
    scan.bare(head.as_bytes())
}

#[test]
fn a_head_that_leaves_no_question_is_all_of_its_request() {
    let stays = Some(Bare { last: false });
    assert_eq!(bare("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"), stays);
    assert_eq!(bare("GET /a HTTP/1.1\r\nHost: h\r\nConnection: Keep-Alive\r\n\r\n"), stays);
    assert_eq!(bare("GET /a HTTP/1.1\r\nHost: h\r\nconnection: close\r\n\r\n"), Some(Bare { last: true }));
    for other in [
        "\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a HTTP/1.0\r\nHost: h\r\n\r\n",
        "GET https://h/a HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, x-own\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\n\r\nG",
    ] {
        assert_eq!(bare(other), None, "{other}");
    }
}

#[test]
fn ambiguous_and_malformed_heads_are_refused_with_400() {
    for head in [
        &b"GET / HTTP/1.1\nHost: h\n\n"[..],
        b"GET / HTTP/1.1\r\nHost: h\n\r\n",
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET https:/// HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET https://h/ HTTP/1.1\r\nHost: other\r\n\r\n",
        b"GET https://h HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /\r\n",
        b"GET / \r\n",
        b"GET  / HTTP/1.1\r\n",
        b"GET / HTTP/1.1 \r\n",
        b"GET / http/1.1\r\n",
        b"GET / HTTP/2.0\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
        b"GE\x00T / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02",
        b"GET http://h/ HTTP/1.1\r\n",
        b"GET * HTTP/1.1\r\n",
        b"GET h HTTP/1.1\r\n",
        b"GET /# HTTP/1.1\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\n",
        b"GET /a\tb HTTP/1.1\r\n",
        b"GET /\x00 HTTP/1.1\r\n",
    ] {
        assert_eq!(scan(head), Err(400), "{}", head.escape_ascii());
    }
}

#[test]
fn connect_and_options_star_are_405() {
    assert_eq!(scan(b"CONNECT h:443 HTTP/1.1\r\n"), Err(405));
    assert_eq!(scan(b"OPTIONS * HTTP/1.1\r\n"), Err(405));
}

#[test]
fn faulty_fields_are_refused_with_400() {
    for lines in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host:\r\n",
        "Host: a b\r\n",
        "Host: user@a\r\n",
        "Host: a:port\r\n",
        "Host: [::1\r\n",
        "Host : a\r\n",
        "Host: a\r\n folded\r\n",
        "Host: a\r\n: empty\r\n",
        "Host: a\r\nno colon\r\n",
        "Host: a\r\nX: a\u{0}b\r\n",
        "Host: a\r\nX: a\u{7f}b\r\n",
        "Host: a\r\nX: a\rb\r\n",
        "Host: a\r\nX: a\r\r\n",
        "Host: a\u{c}\r\n",
        "Host: a\r\nTransfer-Encoding: \u{c}chunked\r\n",
        "Host: a\r\nContent-Length: 1\u{b}\r\n",
        "Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n",
        "Host: a\r\nContent-Length: 1, 1\r\n",
        "Host: a\r\nContent-Length: +1\r\n",
        "Host: a\r\nContent-Length: -1\r\n",
        "Host: a\r\nContent-Length: 0x1\r\n",
        "Host: a\r\nContent-Length:\r\n",
        "Host: a\r\nContent-Length: 99999999999999999999\r\n",
        "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n",
        "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Host: a\r\nTransfer-Encoding: xchunked\r\n",
    ] {
        assert_eq!(get(lines), Err(400), "{lines:?}");
    }
    assert_eq!(scan(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), Err(400));
}

#[test]
fn good_hosts_are_taken() {
    for host in ["a", "a.example:8443", "127.0.0.1", "[::1]:8443", "[fe80::1]", "a:", "a_b"] {
        assert!(matches!(get(&format!("Host: {host}\r\n")), Ok(Some(_))), "{host}");
    }
}

#[test]
fn bounds_hold_at_the_edge() {
    let target = |length: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(length - 1));
    assert!(matches!(scan(target(256).as_bytes()), Ok(Some(_))));
    assert_eq!(scan(target(257).as_bytes()), Err(414));
    let longest = format!("{} /{} HTTP/1.1\r", "A".repeat(MAX_METHOD), "a".repeat(255));
    assert_eq!(scan(longest.as_bytes()), Ok(None), "without its end it is no longer than with it");
    assert_eq!(scan(&[b'A'; 40]), Err(400));
    assert_eq!(scan(format!("GET /{}", "a".repeat(400)).as_bytes()), Err(414));
    assert_eq!(get(&format!("Host: a\r\nX: {}\r\n", "x".repeat(1024))), Err(431));
    let many = "X: y\r\n".repeat(MAX_FIELDS - 1);
    assert!(matches!(get(&format!("Host: a\r\n{many}")), Ok(Some(_))));
    assert_eq!(get(&format!("Host: a\r\n{many}X: y\r\n")), Err(431));
}

/// Heads that are nearly all right.
const HEADS: &str = "(GET|HEAD|DELETE|[!#-'*-z|~]{1,4}) /[!-~]{0,9} HTTP/1\\.1\r\nHost: [a-z]{1,3}\r\n([!#-'*-z|~]{1,5}:[ -~\t]{0,6}\r\n){0,3}\r\n";

proptest! {
    #[test]
    fn random_bytes_never_panic_and_never_pass_unframed(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(Some(end)) = Scan::default().next(&bytes, BOUNDS) {
            prop_assert!(bytes[..end].ends_with(b"\r\n\r\n"));
        }
    }

    #[test]
    fn a_target_that_passes_is_one_that_the_http_crate_takes(target in "/[ -~]{0,40}") {
        if judge_path(target.as_bytes()).is_ok() {
            prop_assert!(http::uri::PathAndQuery::try_from(target.as_str()).is_ok(), "{target}");
        }
    }

    #[test]
    fn what_is_read_past_pingora_is_what_was_judged(head in HEADS) {
        let mut scan = Scan::default();
        if matches!(scan.next(head.as_bytes(), BOUNDS), Ok(Some(_))) && scan.bare(head.as_bytes()).is_some() {
            let parts = parse(&Bytes::from(head.clone().into_bytes())).unwrap();
            let mut lines = head.split("\r\n");
            let first = format!("{} {} HTTP/1.1", parts.method, parts.uri);
            prop_assert_eq!(lines.next(), Some(&*first));
            for line in lines.filter(|line| !line.is_empty()) {
                let (name, value) = line.split_once(':').unwrap();
                let mut values = parts.headers.get_all(name).iter();
                prop_assert!(values.any(|is| is.as_bytes() == value.trim_matches([' ', '\t']).as_bytes()), "{}", line);
            }
        }
    }

    #[test]
    fn pieces_and_whole_agree(line in "(GET|PUT|\\PC{0,4}) /[a-z?=]{0,9} HTTP/1\\.[01]\r\n(Host: [a-z]{1,3}\r\n){0,2}(X: [ -~]{0,5}\r\n)?\r\n", cut in 0usize..60) {
        let bytes = line.as_bytes();
        let whole = Scan::default().next(bytes, BOUNDS).map_err(|problem| problem.status());
        let mut scan = Scan::default();
        let first = scan.next(&bytes[..cut.min(bytes.len())], BOUNDS).map_err(|problem| problem.status());
        let pieces = if matches!(first, Ok(None)) { scan.next(bytes, BOUNDS).map_err(|problem| problem.status()) } else { first };
        prop_assert_eq!(whole, pieces);
    }
}
