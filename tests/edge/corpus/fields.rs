//! Header lines, and the bytes in them.

use super::{Case, Expect, Step, one, plain};
use crate::target::POOLS;

/// Header lines.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn headers() -> Vec<Case> {
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

/// Bytes that a header may not hold, and line ends that are none.
pub(crate) fn bytes_in_headers() -> Vec<Case> {
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
