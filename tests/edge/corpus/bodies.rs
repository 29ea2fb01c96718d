//! Bodies and their media types.

use super::{Case, one, post};
use crate::target::{BODY, POOLS, SUBSCRIPTIONS};

/// Bodies that are not JSON, or are it in excess.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn bodies() -> Vec<Case> {
    let mut all = Vec::new();
    let length = |body: &[u8]| format!("Content-Length: {}\r\n", body.len());
    let nested = |open: &str, close: &str, depth: usize| open.repeat(depth) + &close.repeat(depth);
    for (name, body) in [
        ("empty string", "\"".to_owned()),
        ("XML", "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>".to_owned()),
        ("YAML", "a: b".to_owned()),
        ("half an object", "{\"a\":".to_owned()),
        ("two values", "{} {}".to_owned()),
        ("trailing comma", "[1,]".to_owned()),
        ("single quotes", "{'a': 1}".to_owned()),
        ("comment", "{/* */}".to_owned()),
        ("NaN", "[NaN]".to_owned()),
        ("lone surrogate", "[\"\\ud800\"]".to_owned()),
        ("bad escape", "[\"\\x\"]".to_owned()),
        ("control in a string", "[\"\u{1}\"]".to_owned()),
        ("byte order mark", "\u{feff}{}".to_owned()),
        ("arrays 5,000 deep", nested("[", "]", 5000)),
        ("objects 10 KB deep", nested("{\"a\":", "}", 1700)),
        ("arrays 5,000 deep, open", "[".repeat(5000)),
        ("zeros", "\0".repeat(100)),
        ("huge exponent", "[1e999999]".to_owned()),
    ] {
        let bytes = body.into_bytes();
        all.push(one(format!("body: {name}"), post(&length(&bytes), &bytes), 400));
    }
    for (name, bytes) in [
        ("UTF-16", vec![0xff, 0xfe, b'{', 0, b'}', 0]),
        ("Latin 1", b"[\"\xe9\"]".to_vec()),
        ("overlong UTF-8", b"[\"\xc0\xaf\"]".to_vec()),
        ("gzip", vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0]),
        ("random", (0..=255).collect()),
    ] {
        all.push(one(format!("body: {name}"), post(&length(&bytes), &bytes), 400));
    }
    for (name, body) in [
        ("long string", format!("[\"{}\"]", "a".repeat(40_000))),
        ("long number", format!("[{}]", "1".repeat(300))),
        (
            "many keys",
            format!("{{{}}}", (0..3000).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(",")),
        ),
        ("repeated keys", format!("{{{}}}", vec!["\"a\":0"; 5000].join(","))),
        ("arrays 100 deep", nested("[", "]", 100)),
    ] {
        let bytes = body.into_bytes();
        all.push(one(format!("body: {name}"), post(&length(&bytes), &bytes), 201));
    }
    all.push(one(
        "a body at the bound",
        post(&format!("Content-Length: {BODY}\r\n"), &[b"{}", &vec![b' '; BODY - 2][..]].concat()),
        201,
    ));
    all.push(one(
        "a body above the bound",
        post(&format!("Content-Length: {}\r\n", BODY + 1), &vec![b' '; BODY + 1]),
        413,
    ));
    all.push(one(
        "a body far above the bound",
        post("Content-Length: 400000\r\n", &vec![b' '; 400_000]),
        413,
    ));
    all.push(one("a huge announced body", post("Content-Length: 999999999999\r\n", b"{}"), 413));
    all.push(one(
        "an expected huge body",
        post("Expect: 100-continue\r\nContent-Length: 999999999\r\n", b""),
        413,
    ));
    all.push(one(
        "an expected body that comes at once",
        post("Expect: 100-continue\r\nContent-Length: 2\r\n", b"{}"),
        201,
    ));
    all.push(one(
        "a DELETE with a body",
        format!("DELETE {SUBSCRIPTIONS}/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{{}}"),
        204,
    ));
    all
}

/// Media types and versions.
pub(crate) fn negotiation() -> Vec<Case> {
    let mut all = Vec::new();
    for media in [
        "text/plain",
        "text/xml",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=a",
        "application/json; charset=utf-16",
        "json",
        "*/*",
        ";",
        "application/json/x",
        "\u{e9}",
    ] {
        let request = format!(
            "POST {SUBSCRIPTIONS} HTTP/1.1\r\nHost: a\r\nContent-Type: {media}\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        all.push(one(format!("content type {media}"), request, 415));
    }
    all.push(one(
        "no content type",
        format!("POST {SUBSCRIPTIONS} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{{}}"),
        415,
    ));
    for (accept, status) in [
        ("text/html", 406),
        ("application/xml", 406),
        ("application/json;q=0", 406),
        ("image/*", 406),
        ("\u{e9}", 406),
        (",,,", 200),
        ("*/*;q=0.001", 200),
        (";;;", 406),
        ("application/json;;;", 200),
    ] {
        all.push(one(
            format!("accept {accept}"),
            format!("GET {POOLS} HTTP/1.1\r\nHost: a\r\nAccept: {accept}\r\n\r\n"),
            status,
        ));
    }
    for (version, status) in
        [("1.0.0", 200), ("2.0.0", 406), ("99", 406), ("", 406), ("\u{e9}", 406), ("1.0.0.0.0.0", 406)]
    {
        all.push(one(
            format!("version {version}"),
            format!("GET {POOLS} HTTP/1.1\r\nHost: a\r\nVersion: {version}\r\n\r\n"),
            status,
        ));
    }
    all
}
