//! HTTP/2 frames and header blocks, by hand: without Huffman codes and without the dynamic table.
//!
//! Source: RFC 9113, sections 4 and 6; RFC 7541, sections 5 and 6.

/// What a client sends first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A type of frames.
pub const DATA: u8 = 0;
/// A type of frames.
pub const HEADERS: u8 = 1;
/// A type of frames.
pub const PRIORITY: u8 = 2;
/// A type of frames.
pub const RST_STREAM: u8 = 3;
/// A type of frames.
pub const SETTINGS: u8 = 4;
/// A type of frames.
pub const PUSH_PROMISE: u8 = 5;
/// A type of frames.
pub const PING: u8 = 6;
/// A type of frames.
pub const GOAWAY: u8 = 7;
/// A type of frames.
pub const WINDOW_UPDATE: u8 = 8;
/// A type of frames.
pub const CONTINUATION: u8 = 9;
/// Ends a stream.
pub const END_STREAM: u8 = 1;
/// Ends a header block.
pub const END_HEADERS: u8 = 4;
/// Both of these flags.
pub const BOTH: u8 = END_STREAM | END_HEADERS;

/// Writes a frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame's length").to_be_bytes();
    let mut out = length[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

/// Writes a string of HPACK: a 7-bit prefixed length, no Huffman code.
pub fn text(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if bytes.len() < 127 {
        out.push(u8::try_from(bytes.len()).expect("a short length"));
    } else {
        out.push(127);
        let mut rest = bytes.len() - 127;
        while rest >= 128 {
            out.push(u8::try_from(rest % 128).expect("seven bits") | 128);
            rest /= 128;
        }
        out.push(u8::try_from(rest).expect("seven bits"));
    }
    out.extend(bytes);
    out
}

/// Writes a header block of literal, never indexed fields.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields
        .iter()
        .flat_map(|(name, value)| [vec![0x10], text(name.as_bytes()), text(value.as_bytes())].concat())
        .collect()
}

/// Writes the header block of a request.
pub fn request<'a>(method: &'a str, path: &'a str, more: &[(&'a str, &'a str)]) -> Vec<u8> {
    let start = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path)];
    block(&[&start[..], more].concat())
}

/// Takes a whole frame out of what was read: type, flags, stream and payload.
pub fn take(read: &mut Vec<u8>) -> Option<(u8, u8, u32, Vec<u8>)> {
    let head = read.get(..9)?;
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    let (kind, flags) = (head[3], head[4]);
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
    let payload = read.get(9..9 + length)?.to_vec();
    read.drain(..9 + length);
    Some((kind, flags, stream, payload))
}
