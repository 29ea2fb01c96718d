//! The corpus over HTTP/1.1: request lines, headers, framing, bodies, and clients that take their time.

use crate::client::{Connection, becomes};
use crate::corpus::{Case, Expect, Step, plain};
use crate::lines;
use crate::target::{BODY, BODY_TIME, HEAD_TIME, POOLS, SUBSCRIPTIONS, Setup, Target};
use std::time::Duration;

const SHORT: Duration = Duration::from_secs(3);

fn one(name: impl Into<String>, bytes: impl Into<Vec<u8>>, status: u16) -> Case {
    plain(name, vec![Step::Send(bytes.into())], Expect::Status(status))
}

fn any(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Case {
    plain(name, vec![Step::Send(bytes.into())], Expect::Anything)
}

fn post(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {SUBSCRIPTIONS} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// All cases over HTTP/1.1.
pub(crate) fn cases() -> Vec<Case> {
    let mut all = request_lines();
    all.extend(targets());
    all.extend(headers());
    all.extend(bytes_in_headers());
    all.extend(framing());
    all.extend(chunks());
    all.extend(bodies());
    all.extend(negotiation());
    all.extend(slow());
    all.extend(sizes());
    all
}

fn request_lines() -> Vec<Case> {
    let mut all = Vec::new();
    for line in [
        "GET /",
        "GET / HTTP",
        "GET / HTTP/",
        "GET / HTTP/1",
        "GET / HTTP/1.",
        "GET / HTTP/1.2",
        "GET / HTTP/0.9",
        "GET / HTTP/2",
        "GET / HTTP/2.0",
        "GET / HTTP/3.0",
        "GET / HTTP/11",
        "GET / HTTP/1.1.1",
        "GET / HTTP/-1.1",
        "GET / HTTP/1.10",
        "GET / http/1.1",
        "GET / HTTPS/1.1",
        "GET / FTP/1.1",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET\t/\tHTTP/1.1",
        "GET / HTTP/1.1\t",
        "/ HTTP/1.1",
        "GET HTTP/1.1",
        "GET",
        "HTTP/1.1 200 OK",
        "(GET) / HTTP/1.1",
        "GE:T / HTTP/1.1",
        "GET@ / HTTP/1.1",
        "PRI * HTTP/2.0",
        "GET * HTTP/1.1",
        "GET resourcePools HTTP/1.1",
        "GET ?a=b HTTP/1.1",
        "GET http://localhost/ HTTP/1.1",
        "GET ftp://localhost/ HTTP/1.1",
        "GET file:///etc/passwd HTTP/1.1",
        "GET https:// HTTP/1.1",
        "GET https://elsewhere/ HTTP/1.1",
        "GET https://user@a/ HTTP/1.1",
        "GET localhost:443 HTTP/1.1",
    ] {
        all.push(one(format!("request line {line:?}"), format!("{line}\r\nHost: a\r\n\r\n"), 400));
    }
    for (line, status) in [
        ("CONNECT localhost:443 HTTP/1.1", 405),
        ("CONNECT / HTTP/1.1", 405),
        ("OPTIONS * HTTP/1.1", 405),
        ("GET / HTTP/1.0", 404),
        ("GET / HTTP/1.1", 404),
        ("get / HTTP/1.1", 404),
        ("GET https://a/healthz HTTP/1.1", 200),
    ] {
        all.push(one(format!("request line {line:?}"), format!("{line}\r\nHost: a\r\n\r\n"), status));
    }
    for method in [
        "POST",
        "PUT",
        "DELETE",
        "PATCH",
        "OPTIONS",
        "TRACE",
        "get",
        "Get",
        "PROPFIND",
        "PURGE",
        "X-Y",
        "M-SEARCH",
        "BREW",
        "QUERY",
        "G",
        "!#$%&'*+-.^_`|~",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF",
    ] {
        all.push(one(
            format!("method {method}"),
            format!("{method} {POOLS} HTTP/1.1\r\nHost: a\r\n\r\n"),
            405,
        ));
    }
    all.push(one(
        "method of 33 characters",
        format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "A".repeat(33)),
        400,
    ));
    all.push(one(
        "an empty line before the request",
        format!("\r\nGET {POOLS} HTTP/1.1\r\nHost: a\r\n\r\n"),
        200,
    ));
    all.push(one("two empty lines before the request", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400));
    all.push(any("nothing but an empty line", "\r\n"));
    all.push(one("TLS inside TLS", &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], 400));
    all.push(one("an HTTP/2 preface", &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], 400));
    all.push(one("SSH", "SSH-2.0-OpenSSH_9.2\r\n", 400));
    all.push(one("SMTP", "EHLO example.net\r\n", 400));
    all.push(one("Redis", "*1\r\n$4\r\nPING\r\n", 400));
    all.push(one("zeros", vec![0; 64], 400));
    all.push(one("high bytes", vec![0xff; 64], 400));
    all.push(one("JSON", "{\"a\": 1}\r\n", 400));
    all
}

fn targets() -> Vec<Case> {
    let mut all = Vec::new();
    for path in [
        "//",
        "/.",
        "/..",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/%00",
        "/%",
        "/%%",
        "/%zz",
        "/%u0041",
        "/;",
        "/o2ims-infrastructureInventory//v1/resourcePools",
        "/o2ims-infrastructureInventory/v1/../v1/resourcePools",
        "/o2ims-infrastructureInventory/v1/./resourcePools",
        "/o2ims-infrastructureInventory/v9/resourcePools",
        "/o2ims-infrastructureInventory/v1/resourcePools/%00",
        "/o2ims-infrastructureInventory/v1/resourcePools/%2e%2e",
        "/o2ims-infrastructureInventory/v1/resourcePools/%ff%fe",
        "/o2ims-infrastructureInventory/v1/resourcePools/a%0d%0ab",
        "/o2ims-infrastructureInventory/v1/resourcePools/%C0%AF",
        "/o2ims-infrastructureInventory/v1/resourcePools/%ED%A0%80",
        "/o2ims-infrastructureInventory/v1/resourcePools/%e2%82",
        "/o2ims-infrastructureInventory/v1/resourcePools/%F8%88%80%80%80",
        "/o2ims-infrastructureInventory/v1/%72esourcePools",
        "/o2ims-infrastructureInventory%2Fv1%2FresourcePools",
        "/O2IMS-INFRASTRUCTUREINVENTORY/v1/resourcePools",
        "/metrics",
        "/favicon.ico",
        "/index.html",
        "/.git/config",
        "/{}",
        "/\"",
        "/|",
        "/wp-login.php",
        "/netweave/v1/subscriptions/a/b/c/d/e/f/g",
        "/a:b@c",
    ] {
        all.push(one(format!("path {path}"), format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"), 404));
    }
    for query in [
        "?",
        "??",
        "?&&&&",
        "?a=%",
        "?a=%zz",
        "?a=%00",
        "?filter=((((",
        "?\"",
        "?a[]=1",
        "?a=b;c",
        "?%ff=%fe",
        "?a=b?c=d",
        "?`{|}^\\",
    ] {
        let expect = if query.contains('"') { 400 } else { 200 };
        all.push(one(
            format!("query {query}"),
            format!("GET {POOLS}{query} HTTP/1.1\r\nHost: a\r\n\r\n"),
            expect,
        ));
    }
    for byte in
        [0x00, 0x01, 0x07, 0x09, 0x0b, 0x0c, 0x0d, 0x1b, 0x1f, b'#', b'<', b'>', 0x7f, 0x80, 0xa0, 0xc3, 0xff]
    {
        let request = [b"GET /a", &[byte][..], b"b HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        all.push(one(format!("byte {byte:#04x} in the path"), request, 400));
    }
    all.push(one("é in the path", "GET /é HTTP/1.1\r\nHost: a\r\n\r\n", 400));
    all.push(one("é in the query", "GET /?é HTTP/1.1\r\nHost: a\r\n\r\n", 400));
    all
}

fn headers() -> Vec<Case> {
    let mut all = Vec::new();
    let get = |lines: &str| format!("GET {POOLS} HTTP/1.1\r\n{lines}\r\n");
    for lines in [
        "",
        "Host:\r\n",
        "Host: \r\n",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nHost: b\r\n",
        "Host: a\r\nhost: a\r\n",
        "Host: a, b\r\n",
        "Host: a b\r\n",
        "Host: a/b\r\n",
        "Host: a?b\r\n",
        "Host: a#b\r\n",
        "Host: a@b\r\n",
        "Host: a\\b\r\n",
        "Host: a:b\r\n",
        "Host: a:99999999\r\n",
        "Host: a:1:2\r\n",
        "Host: [::1\r\n",
        "Host: ::1\r\n",
        "Host: [g::1]\r\n",
        "Host: [::1]x\r\n",
        "Host: é\r\n",
        "Host: <script>\r\n",
        "Host : a\r\n",
        "Host\t: a\r\n",
        " Host: a\r\n",
        "\tHost: a\r\n",
        "Host: a\r\n Folded: yes\r\n",
        "Host: a\r\nX: y\r\n folded\r\n",
        "Host: a\r\nX: y\r\n\tfolded\r\n",
        "Host: a\r\n: nameless\r\n",
        "Host: a\r\nnameless\r\n",
        "Host: a\r\nX Y: z\r\n",
        "Host: a\r\nX(Y): z\r\n",
        "Host: a\r\nX,Y: z\r\n",
        "Host: a\r\n\"X\": z\r\n",
        "Host: a\r\nÉ: z\r\n",
        "Host: a\r\nX\0: z\r\n",
        "Host: a\r\nContent-Length\u{b}: 3\r\n",
        "Host: a\r\nTransfer-Encoding : chunked\r\n",
    ] {
        all.push(one(format!("headers {lines:?}"), get(lines), 400));
    }
    for (lines, status) in [
        ("Host: a\r\nX:\r\n", 200),
        ("Host: a\r\nX:y\r\n", 200),
        ("Host:\ta\t\r\n", 200),
        ("Host: A.Example:8443\r\n", 200),
        ("Host: a\r\nConnection: close, keep-alive, upgrade\r\n", 200),
        ("Host: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n", 200),
        (
            "Host: a\r\nConnection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
            200,
        ),
        ("Host: a\r\nExpect: 100-continue\r\n", 200),
        ("Host: a\r\nExpect: 200-ok\r\n", 200),
        ("Host: a\r\nRange: bytes=0-18446744073709551615\r\n", 200),
        ("Host: a\r\nX-Forwarded-For: 127.0.0.1\r\nForwarded: for=unknown\r\n", 200),
        ("Host: a\r\nX-Request-Id: one two\r\n", 200),
        ("Host: a\r\nX-Request-Id: \u{e9}\r\n", 200),
        ("Host: a\r\nCookie: a=b; c=d\r\nCookie: e\r\n", 200),
        ("Host: a\r\nTE: trailers, deflate;q=0.5\r\n", 200),
        ("Host: a\r\nMax-Forwards: -1\r\n", 200),
    ] {
        all.push(one(format!("headers {lines:?}"), get(lines), status));
    }
    all.push(one("no host, HTTP/1.0", format!("GET {POOLS} HTTP/1.0\r\n\r\n"), 200));
    all.push(one("two hosts, HTTP/1.0", format!("GET {POOLS} HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), 400));
    all
}

fn bytes_in_headers() -> Vec<Case> {
    let mut all = Vec::new();
    for byte in (0x00..0x20).chain([0x7f]) {
        let request =
            [format!("GET {POOLS} HTTP/1.1\r\nHost: a\r\nX: a").as_bytes(), &[byte], b"b\r\n\r\n"].concat();
        let expect = if byte == b'\t' { 200 } else { 400 };
        all.push(one(format!("byte {byte:#04x} in a value"), request, expect));
    }
    for byte in [0x00, 0x0a, 0x0d, 0x20, b'(', b'/', b'=', 0x80, 0xff] {
        let request =
            [format!("GET {POOLS} HTTP/1.1\r\nHost: a\r\nX").as_bytes(), &[byte], b"y: b\r\n\r\n"].concat();
        all.push(one(format!("byte {byte:#04x} in a name"), request, 400));
    }
    for (name, end) in [("LF", "\n"), ("CR", "\r"), ("LF CR", "\n\r"), ("CR CR LF", "\r\r\n")] {
        let request = format!("GET {POOLS} HTTP/1.1{end}Host: a{end}{end}");
        // Without a line feed nothing ends, so the time does.
        let expect = if end == "\r" { Expect::Anything } else { Expect::Status(400) };
        all.push(plain(format!("lines end with {name}"), vec![Step::Send(request.into_bytes())], expect));
    }
    all.push(one("one line ends with LF", format!("GET {POOLS} HTTP/1.1\r\nHost: a\n\r\n"), 400));
    all.push(one("the empty line is LF", format!("GET {POOLS} HTTP/1.1\r\nHost: a\r\n\n"), 400));
    all.push(one(
        "high bytes in a value",
        [format!("GET {POOLS} HTTP/1.1\r\nHost: a\r\nX: ").as_bytes(), &[0x80, 0xff], b"\r\n\r\n"].concat(),
        200,
    ));
    all
}

fn framing() -> Vec<Case> {
    let mut all = Vec::new();
    for lines in [
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n",
        "Content-Length: 2, 2\r\n",
        "Content-Length: 2,3\r\n",
        "Content-Length: +2\r\n",
        "Content-Length: -2\r\n",
        "Content-Length: 0x2\r\n",
        "Content-Length: 2.0\r\n",
        "Content-Length: 2e0\r\n",
        "Content-Length: 2 \u{b}\r\n",
        "Content-Length: two\r\n",
        "Content-Length: 2 2\r\n",
        "Content-Length:\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Content-Length: 99999999999999999999999999\r\n",
        "Content-Length: ２\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunkedx\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: ,chunked\r\n",
        "Transfer-Encoding: chunked,\r\n",
        "Transfer-Encoding:\u{b}chunked\r\n",
        "Transfer-Encoding: chunked\r\n , identity\r\n",
    ] {
        all.push(one(format!("framing {lines:?}"), post(lines, b"{}"), 400));
    }
    all.push(one(
        "chunks in HTTP/1.0",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ));
    all.push(one("leading zeros in a length", post("Content-Length: 0000002\r\n", b"{}"), 201));
    all.push(one("CHUNKED", post("Transfer-Encoding: CHUNKED\r\n", b"2\r\n{}\r\n0\r\n\r\n"), 201));
    all.push(one("no framing and a body", post("", b"{}"), 200));
    let smuggled = format!(
        "GET {POOLS} HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nGET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
    );
    all.push(one("a request inside the body of a GET", smuggled, 200));
    let pair = format!("GET {POOLS} HTTP/1.1\r\nHost: a\r\n\r\n").repeat(2);
    all.push(one("two requests at once", pair, 200));
    let many = format!("GET {POOLS} HTTP/1.1\r\nHost: a\r\n\r\n").repeat(500);
    all.push(one("five hundred requests at once", many, 200));
    all
}

fn chunks() -> Vec<Case> {
    let mut all = Vec::new();
    for body in [
        "x\r\n{}\r\n0\r\n\r\n",
        "-2\r\n{}\r\n0\r\n\r\n",
        "+2\r\n{}\r\n0\r\n\r\n",
        "0x2\r\n{}\r\n0\r\n\r\n",
        "2 2\r\n{}\r\n0\r\n\r\n",
        "ffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "10000000000000002\r\n{}\r\n0\r\n\r\n",
        "2\r\n{}0\r\n\r\n",
        "2\r\n{}XX0\r\n\r\n",
        "2\r\n{\r\n0\r\n\r\n",
        "2\r\n{}}\r\n0\r\n\r\n",
        "\r\n2\r\n{}\r\n0\r\n\r\n",
        "2\n{}\n0\n\n",
        "2\r{}\r0\r\r",
        "2;\0\r\n{}\r\n0\r\n\r\n",
        "{}\r\n0\r\n\r\n",
        "g\r\n{}\r\n0\r\n\r\n",
        "２\r\n{}\r\n0\r\n\r\n",
        "2\r\n{}\r\n-0\r\n\r\n",
    ] {
        let name = format!("chunks {body:?}");
        all.push(any(name, post("Transfer-Encoding: chunked\r\n", body.as_bytes())));
    }
    for (name, body, status) in [
        ("chunk extensions", "2;a=b;c=\"d\"\r\n{}\r\n0\r\n\r\n".to_owned(), 201),
        ("capital digits", "00002\r\n{}\r\n0\r\n\r\n".to_owned(), 201),
        ("trailers", "2\r\n{}\r\n0\r\nX: y\r\n\r\n".to_owned(), 201),
        ("many tiny chunks", "1\r\n \r\n".repeat(5000) + "2\r\n{}\r\n0\r\n\r\n", 201),
    ] {
        all.push(one(name, post("Transfer-Encoding: chunked\r\n", body.as_bytes()), status));
    }
    for (name, body) in [
        ("an endless chunk size", "1".repeat(20_000)),
        ("an endless extension", format!("2;{}", "a".repeat(20_000))),
        ("endless trailers", format!("0\r\n{}", "X: y\r\n".repeat(20_000))),
        ("smuggling trailers", "2\r\n{}\r\n0\r\nContent-Length: 5\r\nHost: b\r\n\r\n".to_owned()),
        ("a chunk that never comes", "5\r\n{}".to_owned()),
        ("no last chunk", "2\r\n{}\r\n".to_owned()),
    ] {
        all.push(any(name, post("Transfer-Encoding: chunked\r\n", body.as_bytes())));
    }
    let large = format!("{:x}\r\n{}\r\n0\r\n\r\n", BODY + 1, " ".repeat(BODY + 1));
    all.push(one("chunks above the bound", post("Transfer-Encoding: chunked\r\n", large.as_bytes()), 413));
    all
}

fn bodies() -> Vec<Case> {
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

fn negotiation() -> Vec<Case> {
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

fn slow() -> Vec<Case> {
    let pause = Duration::from_millis(60);
    let long = b"GET / HTTP/1.1\r\nHost: a\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_vec();
    let drip = |name: &str, before: Vec<u8>, bytes: Vec<u8>, status| {
        plain(name, vec![Step::Send(before), Step::Drip(bytes, pause)], Expect::Status(status))
    };
    let mut all = vec![
        plain("nothing is sent", Vec::new(), Expect::Anything),
        one("half a request line", "GET /heal", 408),
        one("half a head", "GET /healthz HTTP/1.1\r\nHost: a\r\n", 408),
        one("a head without its last byte", "GET /healthz HTTP/1.1\r\nHost: a\r\n\r", 408),
        one("half a body", post("Content-Length: 5\r\n", b"{}"), 408),
        one("no body at all", post("Content-Length: 5\r\n", b""), 408),
        one(
            "an expected body that does not come",
            post("Expect: 100-continue\r\nContent-Length: 5\r\n", b""),
            408,
        ),
        one("half a chunk", post("Transfer-Encoding: chunked\r\n", b"5\r\n{}"), 408),
        one("half a chunk size", post("Transfer-Encoding: chunked\r\n", b"5"), 408),
    ];
    // More bytes than there is time for.
    assert!(pause * u32::try_from(long.len()).unwrap_or(0) > HEAD_TIME * 2);
    all.push(drip("a head byte by byte", Vec::new(), long, 408));
    let spaces = vec![b' '; 40];
    assert!(pause * 40 > BODY_TIME * 2);
    all.push(drip("a body byte by byte", post("Content-Length: 40\r\n", b""), spaces, 408));
    let chunks = b"1\r\n \r\n".repeat(8);
    all.push(drip("chunks byte by byte", post("Transfer-Encoding: chunked\r\n", b""), chunks, 408));
    for cut in [1, 3, 4, 14, 15, 16, 17, 24, 25] {
        let whole = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
        let steps = vec![
            Step::Send(whole[..cut].to_vec()),
            Step::Drip(whole[cut..=cut].to_vec(), pause),
            Step::Send(whole[cut + 1..].to_vec()),
        ];
        all.push(plain(format!("a head in pieces, cut at {cut}"), steps, Expect::Status(200)));
    }
    all
}

fn sizes() -> Vec<Case> {
    let get = |path: &str, lines: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let long = |length: usize| format!("/{}", "a".repeat(length - 1));
    let mut all = vec![
        one("a target at the bound", get(&long(8192), ""), 404),
        one("a target above the bound", get(&long(8193), ""), 414),
        one("a query above the bound", get(&format!("{POOLS}?{}", "a".repeat(8192)), ""), 414),
        one("a target without end", format!("GET {}", long(12_000)), 414),
        one("a head above the bound", get(POOLS, &format!("X: {}\r\n", "x".repeat(16 << 10))), 431),
        one(
            "a head of many lines above the bound",
            get(POOLS, &"X: yyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(900)),
            431,
        ),
        one("a head far above the bound", get(POOLS, &format!("X: {}\r\n", "x".repeat(40 << 10))), 431),
        one("a hundred headers", get(POOLS, &"X: y\r\n".repeat(99)), 200),
        one("a hundred and one headers", get(POOLS, &"X: y\r\n".repeat(100)), 431),
        one("a name without end", format!("GET / HTTP/1.1\r\n{}", "X".repeat(20_000)), 431),
        one("a long name", get(POOLS, &format!("{}: y\r\n", "X".repeat(8000))), 200),
        one("a long request id", get(POOLS, &format!("X-Request-Id: {}\r\n", "x".repeat(8000))), 200),
        one("a thousand commas", get(POOLS, &format!("Accept: {}\r\n", ",".repeat(8000))), 200),
    ];
    let endless = plain(
        "a head without end",
        vec![Step::Send(b"GET / HTTP/1.1\r\n".to_vec()), Step::Repeat(vec![b'X'; 4096], 64)],
        Expect::Anything,
    );
    all.push(endless);
    all.push(plain(
        "a body without end",
        vec![
            Step::Send(post("Transfer-Encoding: chunked\r\n", b"")),
            Step::Repeat([b"1000\r\n".to_vec(), vec![b' '; 4096], b"\r\n".to_vec()].concat(), 400),
        ],
        Expect::Anything,
    ));
    all
}

#[test]
fn a_connection_serves_many_requests_and_says_which_was_which() {
    let target = Target::start(Setup::default());
    let mut connection = Connection::open(&target);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let answer = connection.get(POOLS);
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
        assert!(!answer.header("date").is_empty());
        seen.insert(answer.header("x-request-id").to_owned());
    }
    assert_eq!(seen.len(), 20);
    connection.send(format!("GET {POOLS} HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n").as_bytes());
    assert_eq!(
        connection.answer(SHORT).map(|answer| answer.header("x-request-id").to_owned()),
        Some("mine".to_owned())
    );
}

#[test]
fn head_is_get_without_a_body() {
    let target = Target::start(Setup::default());
    let mut connection = Connection::open(&target);
    let got = connection.get(POOLS);
    connection.send(format!("HEAD {POOLS} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
    let head = connection.head(SHORT).expect("an answer");
    assert_eq!((head.status, head.header("content-length")), (200, got.body.len().to_string().as_str()));
    assert_eq!(connection.get(POOLS).status, 200, "nothing of a body is in the way");
}

#[test]
fn a_method_that_is_not_declared_is_405_and_allow_says_which_are() {
    let target = Target::start(Setup::default());
    let mut connection = Connection::open(&target);
    for (request, allow) in
        [(format!("OPTIONS {POOLS}"), "GET, HEAD"), (format!("PUT {SUBSCRIPTIONS}/1"), "GET, HEAD, DELETE")]
    {
        connection.send(format!("{request} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").as_bytes());
        let answer = connection.answer(SHORT).expect("an answer");
        assert_eq!((answer.status, answer.header("allow")), (405, allow));
        assert_eq!(answer.fault(), None);
    }
}

#[test]
fn an_expectation_is_answered_before_the_body_comes() {
    let target = Target::start(Setup::default());
    let mut connection = Connection::open(&target);
    connection.send(&post("Expect: 100-continue\r\nContent-Length: 2\r\n", b""));
    let go_ahead = connection.read_until(SHORT, |read| read.starts_with(b"HTTP/1.1 100").then_some(()));
    assert!(go_ahead.is_some());
    connection.send(b"{}");
    assert_eq!(connection.answer(SHORT).map(|answer| answer.status), Some(201));
}

#[test]
fn a_panic_in_a_route_is_a_500_problem_and_ends_nothing_else() {
    let target = Target::start(Setup::default());
    let mut connection = Connection::open(&target);
    for id in ["panic", "private"] {
        let answer = connection.get(&format!("/o2ims-infrastructureInventory/v1/resourceTypes/{id}"));
        assert_eq!((answer.status, answer.header("content-type")), (500, "application/problem+json"));
        assert!(!String::from_utf8_lossy(&answer.body).contains("secret"), "the private side is for the log");
        let id = answer.header("x-request-id");
        let logged = || lines::with(id).iter().any(|line| line.contains("request failed"));
        assert!(becomes(logged), "{id}");
    }
    assert_eq!(connection.get(POOLS).status, 200);
    assert_eq!(lines::with("secret host 10.0.0.1").len(), 1);
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let target = Target::start(Setup::default());
    let mut connection = Connection::open(&target);
    assert_eq!(connection.get(POOLS).status, 200);
    assert!(connection.ends(SHORT));
    assert!(connection.answer(Duration::ZERO).is_none());
}
