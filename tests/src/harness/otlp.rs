//! A collector of traces: takes OTLP over HTTP on loopback, and reads the spans out of the protobuf.
//!
//! Source: opentelemetry-proto 1.x, `collector/trace/v1/trace_service.proto`, `trace/v1/trace.proto`; Protocol Buffers, "Encoding".

mod grpc;

pub use grpc::OtlpGrpc;

use super::consumer::Wall;
use super::soon;
use netweave::webhook::inbox::{self, Inbox, Options};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One span as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The trace, in hexadecimal digits.
    pub trace: String,
    /// The span, in hexadecimal digits.
    pub id: String,
    /// The span that it is part of; empty if it is the first.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// Its kind: 1 internal, 2 server, 3 client.
    pub kind: u64,
    /// When it began and ended, in nanoseconds since 1970.
    pub times: (u64, u64),
    /// Its attributes, as text.
    pub attributes: BTreeMap<String, String>,
    /// Whether it failed.
    pub failed: bool,
}

/// The collector; ends when it is dropped.
pub struct Otlp {
    inbox: Arc<Inbox>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Otlp {
    /// Starts on a free port of loopback.
    ///
    /// # Panics
    /// No port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let inbox = Inbox::new(Options::default(), Arc::new(Wall));
        let server = tokio::spawn(inbox::serve(listener, Arc::clone(&inbox)));
        Self { inbox, address, server }
    }

    /// Returns where spans go.
    pub fn url(&self) -> String {
        format!("http://{}/v1/traces", self.address)
    }

    /// Returns the spans that came so far.
    ///
    /// # Panics
    /// Something came that is no such document.
    pub fn spans(&self) -> Vec<Span> {
        let received = self.inbox.received(0);
        let documents = received.iter().inspect(|one| {
            let media_type = one.headers.get("content-type").and_then(|value| value.to_str().ok());
            assert_eq!((one.path.as_str(), media_type), ("/v1/traces", Some("application/x-protobuf")));
        });
        documents.flat_map(|one| document(&one.body)).collect()
    }

    /// Waits for a span.
    ///
    /// # Panics
    /// It does not come.
    pub async fn wait(&self, what: &str, is_it: impl Fn(&Span) -> bool) -> Span {
        soon(what, async || self.spans().iter().any(&is_it)).await;
        self.spans().into_iter().find(is_it).expect("it came")
    }
}

impl Drop for Otlp {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The value of a field.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(number) => panic!("{number} is no bytes"),
        }
    }

    fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::Bytes(bytes) => panic!("{bytes:?} is no number"),
        }
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes().to_vec()).expect("text")
    }
}

/// Takes a message apart.
fn fields(mut rest: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut all = Vec::new();
    while !rest.is_empty() {
        let key = varint(&mut rest);
        let field = match key & 7 {
            0 => Field::Number(varint(&mut rest)),
            1 => Field::Number(u64::from_le_bytes(cut(&mut rest, 8).try_into().expect("eight bytes"))),
            2 => {
                let length = usize::try_from(varint(&mut rest)).expect("a length");
                Field::Bytes(cut(&mut rest, length))
            }
            5 => Field::Number(u32::from_le_bytes(cut(&mut rest, 4).try_into().expect("four bytes")).into()),
            wire => panic!("no wire type {wire}"),
        };
        all.push((key >> 3, field));
    }
    all
}

fn varint(rest: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = cut(rest, 1)[0];
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return number;
        }
    }
}

fn cut<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (part, left) = rest.split_at(length);
    *rest = left;
    part
}

/// Returns the messages of one field.
fn inner(message: &[u8], field: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).into_iter().filter(move |(number, _)| *number == field).map(|(_, field)| field.bytes())
}

fn document(body: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource in inner(body, 1) {
        let of: BTreeMap<_, _> = inner(resource, 1).flat_map(|of| inner(of, 1)).map(attribute).collect();
        assert_eq!(of.get("service.name").map(String::as_str), Some("netweave"), "{of:?}");
        for scope in inner(resource, 2) {
            spans.extend(inner(scope, 2).map(span));
        }
    }
    spans
}

fn span(message: &[u8]) -> Span {
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes everything");
            text
        })
    };
    let mut span = Span::default();
    for (number, field) in fields(message) {
        match number {
            1 => span.trace = hex(field.bytes()),
            2 => span.id = hex(field.bytes()),
            4 => span.parent = hex(field.bytes()),
            5 => span.name = field.text(),
            6 => span.kind = field.number(),
            7 => span.times.0 = field.number(),
            8 => span.times.1 = field.number(),
            9 => drop({
                let (name, value) = attribute(field.bytes());
                span.attributes.insert(name, value)
            }),
            15 => span.failed = fields(field.bytes()).iter().any(|(n, code)| *n == 3 && code.number() == 2),
            16 => assert_eq!(field.number() & 1, 1, "only what is recorded is sent"),
            other => panic!("no field {other} in a span"),
        }
    }
    span
}

/// Reads a `KeyValue`.
fn attribute(message: &[u8]) -> (String, String) {
    let (mut name, mut value) = (String::new(), String::new());
    for (number, field) in fields(message) {
        match number {
            1 => name = field.text(),
            _ => {
                for (number, field) in fields(field.bytes()) {
                    value = match number {
                        1 => field.text(),
                        2 => (field.number() != 0).to_string(),
                        _ => field.number().to_string(),
                    };
                }
            }
        }
    }
    (name, value)
}
