//! Walks compact JSON without building values: where each member, element and scalar begins and ends.
//!
//! The JSON is the gateway's own. The walk checks its structure and its depth, so that no text can lead it astray, but
//! not the fine print of numbers and escapes.

use crate::error::{Error, Result};
use std::borrow::Cow;

/// How deeply objects and arrays may be nested; far above what the interface has.
const MAX_NESTING: usize = 64;

/// A range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A scalar, as its first byte tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A text without the quotes; `escaped` if it holds a backslash.
    Text {
        escaped: bool,
    },
    Number,
    True,
    False,
    Null,
}

/// What a value turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// An object: its members follow.
    Object,
    /// An array: its elements follow.
    Array,
    /// A scalar, already passed; the range of a text lies within its quotes.
    Scalar(Token, Span),
}

/// A member's name: the range within the quotes, and whether it holds a backslash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) span: Span,
    pub(super) escaped: bool,
}

/// A place in a JSON text.
pub(super) struct Scanner<'a> {
    json: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Scanner<'a> {
    /// Starts before the first value.
    pub(super) fn new(json: &'a [u8]) -> Self {
        Self { json, at: 0, depth: 0 }
    }

    /// Returns the offset of the next value, after blanks.
    pub(super) fn value_start(&mut self) -> usize {
        self.skip_blanks();
        self.at
    }

    /// Returns the offset after what was passed.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Enters an object or array, or passes a scalar.
    pub(super) fn begin(&mut self) -> Result<Start> {
        self.skip_blanks();
        let start = self.at;
        match self.peek() {
            Some(b'{') => self.enter().map(|()| Start::Object),
            Some(b'[') => self.enter().map(|()| Start::Array),
            Some(b'"') => {
                let key = self.text()?;
                Ok(Start::Scalar(Token::Text { escaped: key.escaped }, key.span))
            }
            Some(b't') => self.literal(b"true", Token::True),
            Some(b'f') => self.literal(b"false", Token::False),
            Some(b'n') => self.literal(b"null", Token::Null),
            Some(b'-' | b'0'..=b'9') => {
                while matches!(self.peek(), Some(b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
                    self.at += 1;
                }
                Ok(Start::Scalar(Token::Number, Span { start, end: self.at }))
            }
            Some(_) | None => Err(self.malformed()),
        }
    }

    /// Moves to the next member of the object entered last; `None` leaves the object.
    pub(super) fn member(&mut self, first: bool) -> Result<Option<Key>> {
        if !self.more(first, b'}')? {
            return Ok(None);
        }
        self.skip_blanks();
        if self.peek() != Some(b'"') {
            return Err(self.malformed());
        }
        let key = self.text()?;
        self.skip_blanks();
        if self.peek() != Some(b':') {
            return Err(self.malformed());
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Moves to the next element of the array entered last; `false` leaves the array.
    pub(super) fn element(&mut self, first: bool) -> Result<bool> {
        self.more(first, b']')
    }

    /// Passes one whole value.
    pub(super) fn skip(&mut self) -> Result<Span> {
        let start = self.value_start();
        match self.begin()? {
            Start::Scalar(..) => {}
            Start::Object => {
                let mut first = true;
                while self.member(first)?.is_some() {
                    self.skip()?;
                    first = false;
                }
            }
            Start::Array => {
                let mut first = true;
                while self.element(first)? {
                    self.skip()?;
                    first = false;
                }
            }
        }
        Ok(Span { start, end: self.at })
    }

    /// Checks that nothing follows the value that was passed.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.skip_blanks();
        if self.at == self.json.len() { Ok(()) } else { Err(self.malformed()) }
    }

    fn more(&mut self, first: bool, close: u8) -> Result<bool> {
        self.skip_blanks();
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                self.depth = self.depth.saturating_sub(1);
                return Ok(false);
            }
            Some(b',') if !first => self.at += 1,
            Some(_) if first => {}
            Some(_) | None => return Err(self.malformed()),
        }
        Ok(true)
    }

    fn enter(&mut self) -> Result<()> {
        if self.depth == MAX_NESTING {
            return Err(Error::internal("an inventory object is nested too deeply"));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Passes a text, from its opening quote to behind the closing one.
    fn text(&mut self) -> Result<Key> {
        let start = self.at + 1;
        let mut escaped = false;
        let mut end = start;
        loop {
            let rest = self.json.get(end..).unwrap_or_default();
            let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
                return Err(self.malformed());
            };
            end += found;
            if rest.get(found) == Some(&b'"') {
                break;
            }
            escaped = true;
            end += 2;
        }
        self.at = end + 1;
        Ok(Key { span: Span { start, end }, escaped })
    }

    fn literal(&mut self, word: &[u8], token: Token) -> Result<Start> {
        let span = Span { start: self.at, end: self.at + word.len() };
        if self.json.get(span.start..span.end) != Some(word) {
            return Err(self.malformed());
        }
        self.at = span.end;
        Ok(Start::Scalar(token, span))
    }

    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn malformed(&self) -> Error {
        Error::internal(format!("an inventory object is not valid JSON at byte {}", self.at))
    }
}

/// Returns the text between quotes, unescaped; `None` if it is not valid.
pub(super) fn text(json: &[u8], span: Span, escaped: bool) -> Option<Cow<'_, str>> {
    if escaped {
        let quoted = json.get(span.start.checked_sub(1)?..span.end.checked_add(1)?)?;
        serde_json::from_slice::<String>(quoted).ok().map(Cow::Owned)
    } else {
        std::str::from_utf8(json.get(span.start..span.end)?).ok().map(Cow::Borrowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_and_endless_texts_are_refused() {
        for text in [
            "",
            "{",
            "[",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "[1,]",
            "[,1]",
            "[1 2]",
            "\"a",
            "\"a\\",
            "tru",
            "nul",
            "{a:1}",
            "{\"a\":1 \"b\":2}",
            "]",
            "x",
        ] {
            assert!(Scanner::new(text.as_bytes()).skip().is_err(), "{text}");
        }
        let deep = "[".repeat(MAX_NESTING + 1);
        assert!(Scanner::new(deep.as_bytes()).skip().is_err());
    }

    #[test]
    fn blanks_between_tokens_do_not_matter() {
        let text = " { \"a\" : [ 1 , { } ] , \"b\" : \"x\\\"y\" } ";
        let mut scanner = Scanner::new(text.as_bytes());
        let span = scanner.skip().unwrap();
        assert_eq!(text.get(span.start..span.end), Some(text.trim()));
        scanner.finish().unwrap();
    }

    #[test]
    fn a_second_value_is_refused() {
        let mut scanner = Scanner::new(b"1 2");
        scanner.skip().unwrap();
        assert!(scanner.finish().is_err());
    }

    #[test]
    fn escaped_texts_are_unescaped() {
        let json = br#""a\n\u00e9""#;
        let Start::Scalar(Token::Text { escaped }, span) = Scanner::new(json).begin().unwrap() else {
            panic!()
        };
        assert_eq!(text(json, span, escaped).as_deref(), Some("a\né"));
    }
}
