//! Spans as OTLP has them in protobuf: the few messages and fields that are used, written by hand.
//!
//! Source: opentelemetry-proto 1.x, `collector/trace/v1/trace_service.proto`, `trace/v1/trace.proto`, `common/v1/common.proto`,
//! `resource/v1/resource.proto`; the numbers of the fields stand beside them.

use super::span::{Span, Value};
use netweave_model::Trace;

/// The name of what makes the spans.
const SCOPE: &str = "netweave";
/// The status of a span that failed.
const FAILED: u64 = 2;

/// Wire types. Source: Protocol Buffers, "Encoding".
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

/// A message that is being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
            number >>= 7;
        }
        self.0.push(u8::try_from(number).unwrap_or(0));
    }

    fn key(&mut self, field: u64, wire: u64) {
        self.varint(field << 3 | wire);
    }

    fn number(&mut self, field: u64, number: u64) {
        self.key(field, VARINT);
        self.varint(number);
    }

    fn fixed64(&mut self, field: u64, number: u64) {
        self.key(field, FIXED64);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn fixed32(&mut self, field: u64, number: u32) {
        self.key(field, FIXED32);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u64, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }

    /// Writes a `KeyValue`: key 1, value 2 (`AnyValue`: text 1, flag 2, number 3).
    fn attribute(&mut self, field: u64, name: &str, value: &Value) {
        self.message(field, |pair| {
            pair.bytes(1, name.as_bytes());
            pair.message(2, |any| match value {
                Value::Text(text) => any.bytes(1, text.as_bytes()),
                Value::Flag(flag) => any.number(2, u64::from(*flag)),
                Value::Number(number) => any.number(3, number.cast_unsigned()),
            });
        });
    }

    /// Writes a `Span`: trace id 1, span id 2, parent 4, name 5, kind 6, start 7, end 8, attributes 9, status 15 (code 3),
    /// flags 16.
    fn span(&mut self, field: u64, span: &Span) {
        self.message(field, |out| {
            out.bytes(1, &span.own.id.get().to_be_bytes());
            out.bytes(2, &span.own.span.get().to_be_bytes());
            if let Some(Trace { span, .. }) = span.parent {
                out.bytes(4, &span.get().to_be_bytes());
            }
            out.bytes(5, span.name.as_bytes());
            out.number(6, span.kind as u64);
            out.fixed64(7, span.times.0);
            out.fixed64(8, span.times.1);
            for (name, value) in &span.attributes {
                out.attribute(9, name, value);
            }
            if span.failed {
                out.message(15, |status| status.number(3, FAILED));
            }
            out.fixed32(16, u32::from(span.own.sampled));
        });
    }
}

/// Writes an `ExportTraceServiceRequest` (resource spans 1) of one `ResourceSpans` (resource 1, with attributes 1; scope spans
/// 2, with scope 1, of which name 1 and version 2, and spans 2).
pub(super) fn document(resource: &[(&'static str, Value)], spans: &[Span]) -> Vec<u8> {
    let mut all = Message::default();
    all.message(1, |out| {
        out.message(1, |of| {
            for (name, value) in resource {
                of.attribute(1, name, value);
            }
        });
        out.message(2, |out| {
            out.message(1, |scope| {
                scope.bytes(1, SCOPE.as_bytes());
                scope.bytes(2, env!("CARGO_PKG_VERSION").as_bytes());
            });
            for span in spans {
                out.span(2, span);
            }
        });
    });
    all.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_protobuf_has_them() {
        let mut message = Message::default();
        message.number(1, 150);
        message.bytes(2, b"testing");
        message.fixed64(3, 1);
        message.fixed32(4, 2);
        // Source: Protocol Buffers, "Encoding": the examples `08 96 01` and `12 07 74 65 73 74 69 6e 67`.
        let mut wanted = vec![0x08, 0x96, 0x01, 0x12, 0x07];
        wanted.extend_from_slice(b"testing");
        wanted.extend_from_slice(&[0x19, 1, 0, 0, 0, 0, 0, 0, 0, 0x25, 2, 0, 0, 0]);
        assert_eq!(message.0, wanted);
    }

    #[test]
    fn the_largest_number_takes_ten_bytes() {
        let mut message = Message::default();
        message.varint(u64::MAX);
        assert_eq!(message.0, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
    }
}
