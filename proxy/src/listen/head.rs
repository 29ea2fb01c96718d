//! Reads the head of an HTTP/1 request strictly, before Pingora's lenient parser sees it.
//!
//! Whatever two parsers could read in two ways is refused here, with a reason: Pingora would answer it with an empty 400
//! or, worse, accept it. Nothing is decoded or kept; the head goes on to Pingora as it came.
//! Source: RFC 9112, sections 2 to 6; RFC 9110, section 5.

use crate::problem::{Problem, Refused};
use http::Method;

/// Most header fields of a request; Pingora's parser takes 256.
pub(super) const MAX_FIELDS: usize = 100;
/// Longest method; the longest registered one has 17 characters.
const MAX_METHOD: usize = 32;
/// Bytes of a first line beside method and target: blanks, version, and the end's carriage return.
const MAX_REST: usize = " ".len() + " HTTP/1.1\r".len();

/// The bounds of a head.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Size of the whole head, with its empty line.
    pub head: usize,
    /// Size of the request target.
    pub target: usize,
}

/// How far a head has been read.
#[derive(Debug, Default)]
pub struct Scan {
    /// Where the next byte to be looked at is.
    at: usize,
    /// Where the line that is being read begins.
    line: usize,
    fields: Fields,
    started: bool,
}

/// A head that is all of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bare {
    /// The client ends the connection with the answer.
    pub last: bool,
}

/// What the fields that frame a request said.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "fields that were there or not")]
struct Fields {
    count: usize,
    host: bool,
    length: bool,
    coding: bool,
    http_10: bool,
    /// A field or a first line that is not for us alone: about the connection, or an offer to go on.
    special: bool,
    /// The connection is to end with the answer.
    last: bool,
    /// The authority of a target in absolute form, which the host must repeat.
    authority: Option<Box<[u8]>>,
}

impl Scan {
    /// Reads on in a buffer that only ever grows; returns the head's size once its empty line is there.
    ///
    /// Each line is judged as soon as it is complete, so nonsense is refused without waiting for more of it.
    ///
    /// # Errors
    /// The answer to a head that is malformed, ambiguous or too large.
    pub fn next(&mut self, buffer: &[u8], bounds: Bounds) -> Result<Option<usize>, Refused> {
        while let Some(found) = buffer.get(self.at..).and_then(|rest| memchr::memchr(b'\n', rest)) {
            let end = self.at + found;
            if end >= bounds.head {
                break;
            }
            let line = buffer.get(self.line..end).unwrap_or_default();
            let line = line
                .strip_suffix(b"\r")
                .ok_or_else(|| malformed("lines end with carriage return and line feed"))?;
            self.at = end + 1;
            self.line = self.at;
            if !self.started && line.is_empty() && self.at == 2 {
                // RFC 9112, section 2.2: one empty line before a request is the end of a careless client's last one.
            } else if !self.started {
                self.started = true;
                self.fields.request_line(line, bounds.target)?;
            } else if line.is_empty() {
                self.fields.complete()?;
                return Ok(Some(self.at));
            } else {
                self.fields.field(line)?;
            }
        }
        self.at = self.at.max(buffer.len().min(bounds.head));
        let rest = buffer.get(self.line..).unwrap_or_default();
        if buffer.len() >= bounds.head {
            return Err(too_large(self.started, rest, bounds));
        }
        if !self.started {
            beginning(rest, bounds.target)?;
        }
        Ok(None)
    }

    /// Says whether a head of this size, the whole buffer, is a request without a body, of a form that leaves no question:
    /// HTTP/1.1, a path, and nothing about the connection but whether it stays.
    pub fn bare(&self, buffer: &[u8]) -> Option<Bare> {
        let Fields { length, coding, http_10, special, last, .. } = self.fields;
        let framed = length || coding || http_10 || special;
        (!framed && self.at == buffer.len() && !buffer.starts_with(b"\r")).then_some(Bare { last })
    }
}

fn malformed(detail: &'static str) -> Refused {
    Box::new(Problem::malformed(detail))
}

/// Says which bound was passed: that of the target, if the first line has no end yet.
fn too_large(started: bool, rest: &[u8], bounds: Bounds) -> Refused {
    let target = rest.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    if !started && target.len() > bounds.target {
        return Box::new(Problem::target_too_long(bounds.target));
    }
    Box::new(Problem::head_too_large(bounds.head, "bytes"))
}

/// Judges the beginning of a first line: whether it can become a request at all.
fn beginning(line: &[u8], target: usize) -> Result<(), Refused> {
    let method = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    if method == b"\r" {
        return Ok(());
    }
    if method.len() > MAX_METHOD || !all(method, TOKEN) {
        return Err(malformed("the request does not begin with a method"));
    }
    if line.len() > MAX_METHOD + target + MAX_REST {
        return Err(Box::new(Problem::target_too_long(target)));
    }
    Ok(())
}

/// Judges the characters of a path and query.
fn judge_path(path: &[u8]) -> Result<(), Refused> {
    let query = memchr::memchr(b'?', path).unwrap_or(path.len());
    let (path, query) = path.split_at(query);
    if all(path, PATH) && all(query, QUERY) {
        return Ok(());
    }
    Err(malformed("the request target holds a character that must be percent-encoded"))
}

impl Fields {
    fn request_line(&mut self, line: &[u8], longest: usize) -> Result<(), Refused> {
        let mut parts = line.split(|byte| *byte == b' ');
        let (method, target, version) = (parts.next(), parts.next(), parts.next());
        let (Some(method), Some(target), Some(version), None) = (method, target, version, parts.next())
        else {
            return Err(malformed("the request line is method, target and version"));
        };
        if method.is_empty() || method.len() > MAX_METHOD || !all(method, TOKEN) {
            return Err(malformed("the method is not a token"));
        }
        self.http_10 = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            _ => return Err(malformed("the version is not HTTP/1.1 or HTTP/1.0")),
        };
        if target.len() > longest {
            return Err(Box::new(Problem::target_too_long(longest)));
        }
        if method == b"CONNECT" || (method == b"OPTIONS" && target == b"*") {
            return Err(Box::new(Problem::method_not_allowed(&[Method::GET])));
        }
        self.target(target)
    }

    /// Takes the origin form, and the absolute form of the scheme that is served.
    fn target(&mut self, target: &[u8]) -> Result<(), Refused> {
        let path = match target.strip_prefix(b"https://") {
            None => target,
            Some(rest) => {
                let slash = memchr::memchr(b'/', rest).unwrap_or(rest.len());
                let (authority, path) = rest.split_at(slash);
                self.special = true;
                self.authority = Some(authority.into());
                path
            }
        };
        if path.first() != Some(&b'/') {
            return Err(malformed("the request target is not an absolute path"));
        }
        judge_path(path)
    }

    fn field(&mut self, line: &[u8]) -> Result<(), Refused> {
        self.count += 1;
        if self.count > MAX_FIELDS {
            return Err(Box::new(Problem::head_too_large(MAX_FIELDS, "header lines")));
        }
        let Some(colon) = memchr::memchr(b':', line) else {
            return Err(malformed("a header line has no colon"));
        };
        let (name, value) = line.split_at(colon);
        if name.is_empty() || !all(name, TOKEN) {
            return Err(malformed("a header name is not a token, or a header line is folded"));
        }
        let value = trimmed(value.get(1..).unwrap_or_default());
        if !all(value, VALUE) {
            return Err(malformed("a header value holds a control character"));
        }
        if name.eq_ignore_ascii_case(b"host") {
            once(&mut self.host, "there is more than one host")?;
            if self.authority.as_ref().is_some_and(|authority| **authority != *value) {
                return Err(malformed("the host differs from the request target"));
            }
            return if is_host(value) { Ok(()) } else { Err(malformed("the host is not a host")) };
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            once(&mut self.length, "there is more than one content length")?;
            return if is_length(value) {
                Ok(())
            } else {
                Err(malformed("the content length is not a number"))
            };
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            once(&mut self.coding, "there is more than one transfer encoding")?;
            let chunked = value.eq_ignore_ascii_case(b"chunked");
            return if chunked { Ok(()) } else { Err(malformed("the only transfer encoding is chunked")) };
        }
        if name.eq_ignore_ascii_case(b"connection") {
            match value {
                value if value.eq_ignore_ascii_case(b"close") => self.last = true,
                value if value.eq_ignore_ascii_case(b"keep-alive") => {}
                _ => self.special = true,
            }
        }
        self.special |= name.eq_ignore_ascii_case(b"expect") || name.eq_ignore_ascii_case(b"upgrade");
        Ok(())
    }

    fn complete(&self) -> Result<(), Refused> {
        if !self.host && !self.http_10 {
            return Err(malformed("there is no host"));
        }
        if self.length && self.coding {
            return Err(malformed("there is a content length and a transfer encoding"));
        }
        if self.coding && self.http_10 {
            return Err(malformed("HTTP/1.0 has no transfer encoding"));
        }
        Ok(())
    }
}

fn once(seen: &mut bool, detail: &'static str) -> Result<(), Refused> {
    if std::mem::replace(seen, true) { Err(malformed(detail)) } else { Ok(()) }
}

/// Takes blanks and tabs off both ends, and nothing else that some would take for white space. RFC 9110, section 5.6.3.
fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Where a character may stand: RFC 9110, section 5.6.2, of tokens.
const TOKEN: u8 = 1;
/// In the value of a field.
const VALUE: u8 = 2;
/// In a path, and in a query with its question mark: what the `http` crate takes, without what is not ASCII and without fragments.
const PATH: u8 = 4;
const QUERY: u8 = 8;

/// Where each character may stand.
#[expect(
    clippy::indexing_slicing,
    reason = "a number of eight bits has a place; the compiler would say otherwise"
)]
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        classes[byte as usize] = class(byte);
        if byte == u8::MAX {
            break classes;
        }
        byte += 1;
    }
};

const fn class(byte: u8) -> u8 {
    let token = byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~');
    let value = byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    let query = matches!(byte, 0x21 | 0x24..=0x3b | 0x3d | 0x3f..=0x7e);
    let path = byte == b'"' || (query && byte != b'`');
    (token as u8 * TOKEN) | (value as u8 * VALUE) | (path as u8 * PATH) | (query as u8 * QUERY)
}

/// Says whether all characters may stand somewhere.
fn all(text: &[u8], class: u8) -> bool {
    let of = |byte: &u8| CLASSES.get(usize::from(*byte)).copied().unwrap_or(0);
    text.iter().fold(class, |common, byte| common & of(byte)) == class
}

/// A registered name, an IPv4 or a bracketed IPv6 address, and a port.
fn is_host(value: &[u8]) -> bool {
    let (host, port) = match value.iter().rposition(|byte| *byte == b':') {
        Some(colon) if !value.ends_with(b"]") => value.split_at(colon),
        _ => (value, &b""[..]),
    };
    let port = port.get(1..).unwrap_or_default();
    let port_ok = port.len() <= 5 && port.iter().all(u8::is_ascii_digit);
    let host_ok = match host.strip_prefix(b"[") {
        Some(inner) => inner.strip_suffix(b"]").is_some_and(|address| {
            !address.is_empty() && address.iter().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte))
        }),
        None => {
            !host.is_empty() && host.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte))
        }
    };
    host_ok && port_ok
}

/// At most 18 digits, so that every parser agrees about the number.
fn is_length(value: &[u8]) -> bool {
    !value.is_empty() && value.len() <= 18 && value.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests;
