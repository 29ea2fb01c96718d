//! Slowness and size.

use super::{Case, Expect, Step, one, plain, post};
use crate::target::{BODY_TIME, HEAD_TIME, POOLS};
use std::time::Duration;

/// Clients that take their time.
pub(crate) fn slow() -> Vec<Case> {
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

/// Everything at its bound and above.
pub(crate) fn sizes() -> Vec<Case> {
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
