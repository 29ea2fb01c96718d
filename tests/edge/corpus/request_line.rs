//! Request lines and targets.

use super::{Case, any, one};
use crate::target::POOLS;

/// Request lines, good and bad.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn request_lines() -> Vec<Case> {
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

/// Paths and queries.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn targets() -> Vec<Case> {
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
