//! What stands under a key: a line of JSON about the answer, a line feed, the body. `redis-cli` shows it as text unless
//! the body is long and therefore compressed.

use bytes::Bytes;
use netweave_model::port::CachedBody;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use zstd::bulk::Decompressor;

/// The largest body that is stored.
pub(super) const LARGEST: usize = 1 << 20;
/// Longer bodies are compressed.
const PLAIN: usize = 8 << 10;
/// What costs little time and saves most of the space.
const LEVEL: i32 = 1;
/// The longest first line: tag, link with its query, and numbers.
const HEAD: usize = 24 << 10;
/// The form of values that this release writes, and the only one that it reads.
const FORM: u32 = 1;

thread_local! {
    /// Making one costs more than it takes to unpack a page.
    static UNPACK: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    v: u32,
    etag: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    enc: Encoding,
    /// Bytes of the body when it is not compressed.
    size: usize,
    /// CRC-32 of tag, link and body as it is stored.
    crc: u32,
}

impl Head {
    fn crc_with(&self, body: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        for part in [self.etag.as_bytes(), self.link.as_deref().unwrap_or_default().as_bytes(), body] {
            hasher.update(part);
        }
        hasher.finalize()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    Identity,
    Zstd,
}

/// Makes the value of an answer; `None` if it is too large.
pub(super) fn write(answer: &CachedBody) -> Option<Bytes> {
    let size = answer.body.len();
    if size > LARGEST {
        return None;
    }
    let (enc, body) = if size > PLAIN {
        (Encoding::Zstd, Bytes::from(zstd::bulk::compress(&answer.body, LEVEL).ok()?))
    } else {
        (Encoding::Identity, answer.body.clone())
    };
    let (etag, link) = (answer.etag.clone(), answer.link.clone());
    let mut head = Head { v: FORM, etag, link, enc, size, crc: 0 };
    head.crc = head.crc_with(&body);
    let mut value = serde_json::to_vec(&head).ok().filter(|head| head.len() < HEAD)?;
    value.reserve_exact(body.len() + 1);
    value.push(b'\n');
    value.extend_from_slice(&body);
    Some(value.into())
}

/// Reads a value; `None` if it is not what `write` makes.
///
/// What is returned shares no memory with what was read, which may be part of something larger.
pub(super) fn read(value: &[u8]) -> Option<CachedBody> {
    let end = value.iter().take(HEAD).position(|byte| *byte == b'\n')?;
    let (head, rest) = value.split_at_checked(end)?;
    let (_, stored) = rest.split_first()?;
    let head: Head = serde_json::from_slice(head).ok()?;
    if head.v != FORM || head.size > LARGEST || head.crc != head.crc_with(stored) {
        return None;
    }
    let body = match head.enc {
        Encoding::Identity => Bytes::copy_from_slice(stored),
        Encoding::Zstd => unpacked(stored, head.size)?.into(),
    };
    (body.len() == head.size).then_some(CachedBody { etag: head.etag, link: head.link, body })
}

/// Decompresses at most so many bytes.
fn unpacked(stored: &[u8], size: usize) -> Option<Vec<u8>> {
    UNPACK.with_borrow_mut(|kept| {
        let mut unpack = kept.take().or_else(|| Decompressor::new().ok())?;
        let body = unpack.decompress(stored, size).ok();
        *kept = Some(unpack);
        body
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(size: usize) -> CachedBody {
        let body: Vec<u8> = (0..size).map(|at| b"{\"id\":\"server\"}"[at % 15]).collect();
        let link = Some("</v2/x?filter=(eq,a,b)>; rel=\"next\"".to_owned());
        CachedBody { etag: "\"00ff\"".to_owned(), link, body: body.into() }
    }

    #[test]
    fn what_is_written_is_read() {
        for size in [0, 1, PLAIN, PLAIN + 1, LARGEST] {
            let answer = answer(size);
            assert_eq!(read(&write(&answer).unwrap()), Some(answer), "{size}");
        }
        let plain = CachedBody { link: None, ..answer(3) };
        assert_eq!(read(&write(&plain).unwrap()), Some(plain));
    }

    #[test]
    fn short_bodies_are_readable_and_long_ones_are_compressed() {
        let short = write(&answer(30)).unwrap();
        assert!(
            short.starts_with(b"{\"v\":1,\"etag\":\"\\\"00ff\\\"\",") && short.ends_with(&answer(30).body)
        );
        assert!(write(&answer(100_000)).unwrap().len() < 1000);
        assert_eq!(write(&answer(LARGEST + 1)), None);
    }

    #[test]
    fn what_is_damaged_or_not_ours_is_not_read() {
        for size in [30, PLAIN + 1] {
            let value = write(&answer(size)).unwrap();
            for at in 0..value.len() {
                let mut other = value.to_vec();
                other[at] ^= 1;
                assert!(read(&other).is_none(), "{size} at {at}");
                assert!(read(&value[..at]).is_none(), "cut at {at}");
            }
        }
        let far = write(&answer(9)).unwrap();
        let far = String::from_utf8(far.to_vec()).unwrap();
        assert!(read(far.replace("\"v\":1", "\"v\":2").as_bytes()).is_none());
        assert!(read(far.replace("\"size\":9", "\"size\":99999999999").as_bytes()).is_none());
        for foreign in ["", "\n", "{}\n", "null\n[]", "an answer of somebody else"] {
            assert!(read(foreign.as_bytes()).is_none(), "{foreign:?}");
        }
    }
}
