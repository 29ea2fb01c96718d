//! The `Link` header that leads to the next page.

use http::HeaderValue;
use netweave_model::{Error, Result};

/// The parameter that carries the marker.
const MARKER: &str = "nextpage_opaque_marker";

/// Makes the link to the next page: the same path and parameters, with the marker of the next page.
///
/// `path` is ours and needs no escaping; `parameters` is what equal queries share, without a marker.
///
/// # Errors
/// `Internal`: never in practice; what a header cannot hold is escaped.
pub fn next(path: &str, parameters: &str, marker: &str) -> Result<HeaderValue> {
    let mut link = String::with_capacity(path.len() + parameters.len() + marker.len() + 48);
    link.push('<');
    link.push_str(path);
    link.push('?');
    escape(parameters, &mut link);
    if !parameters.is_empty() {
        link.push('&');
    }
    link.push_str(MARKER);
    link.push('=');
    escape(marker, &mut link);
    link.push_str(">; rel=\"next\"");
    HeaderValue::try_from(link).map_err(|error| Error::internal("a page link").with_source(error))
}

/// Appends a path segment with everything escaped that is not plain in a path.
pub fn push_segment(out: &mut String, segment: &str) {
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            push_escaped(out, byte);
        }
    }
}

/// Appends a query text that is escaped already, and escapes what would end the link or break the header.
fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"<>\"".contains(&byte) {
            out.push(char::from(byte));
        } else {
            push_escaped(out, byte);
        }
    }
}

fn push_escaped(out: &mut String, byte: u8) {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0').to_ascii_uppercase();
    out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_parameters_are_kept() {
        let link = next("/x", "filter=(eq,name,a)&limit=5", "new");
        assert_eq!(link.unwrap(), "</x?filter=(eq,name,a)&limit=5&nextpage_opaque_marker=new>; rel=\"next\"");
        assert_eq!(next("/x", "", "2").unwrap(), "</x?nextpage_opaque_marker=2>; rel=\"next\"");
    }

    #[test]
    fn nothing_in_a_query_can_end_the_link() {
        let link = next("/x", "filter=(eq,name,>; rel=\"prev\" <é\u{7f})", "m").unwrap();
        let text = link.to_str().unwrap();
        assert_eq!(text.matches('>').count(), 1, "{text}");
        assert!(text.contains("%3E;%20rel=%22prev%22%20%3C%C3%A9%7F)"), "{text}");
    }

    #[test]
    fn a_segment_is_escaped() {
        let mut path = String::new();
        push_segment(&mut path, "a/b c");
        assert_eq!(path, "a%2Fb%20c");
    }
}
