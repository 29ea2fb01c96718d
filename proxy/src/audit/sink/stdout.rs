//! The sink of standard output: each line as the member `audit` of an object, so that it can be told from those of the log.
//!
//! Nothing is known of who reads, so what was written is not taken for safe.

use super::{Batch, Sink};
use std::io::{self, Write};
use std::sync::Arc;

/// The sink.
#[derive(Debug, Default)]
pub struct Stdout {
    text: Vec<u8>,
}

impl Sink for Stdout {
    fn name(&self) -> &'static str {
        "stdout"
    }

    fn is_safe(&self) -> bool {
        false
    }

    fn take(&mut self, batches: &[Arc<Batch>]) -> io::Result<()> {
        self.text.clear();
        for batch in batches {
            wrap(&batch.lines, &mut self.text);
        }
        // One lock, so that no line of the log comes between.
        let mut out = io::stdout().lock();
        out.write_all(&self.text)?;
        out.flush()
    }
}

fn wrap(lines: &[u8], out: &mut Vec<u8>) {
    let mut begin = 0;
    for end in memchr::memchr_iter(b'\n', lines) {
        out.extend_from_slice(b"{\"audit\":");
        out.extend_from_slice(lines.get(begin..end).unwrap_or_default());
        out.extend_from_slice(b"}\n");
        begin = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_member_of_an_object_of_its_own() {
        let mut out = Vec::new();
        wrap(b"{\"a\":1}\n{\"b\":2}\n", &mut out);
        assert_eq!(out, b"{\"audit\":{\"a\":1}}\n{\"audit\":{\"b\":2}}\n");
    }
}
