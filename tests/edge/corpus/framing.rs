//! Where a body ends, and how it is cut into chunks.

use super::{Case, any, one, post};
use crate::target::{BODY, POOLS};

/// What says where a body ends.
pub(crate) fn framing() -> Vec<Case> {
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

/// Chunked bodies.
pub(crate) fn chunks() -> Vec<Case> {
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
