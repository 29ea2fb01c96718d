//! Takes a filter's text apart: punctuation, plain words, and values with their quotes.
//!
//! What a character means depends on where it stands (a `;` within a value is part of it), so the parser asks for the
//! token it expects. Nothing here knows operators or attributes.

use crate::error::{Error, ErrorKind};

/// Where and why a text was refused. The reason never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Byte offset within the text.
    pub(super) at: usize,
    /// What was expected or is wrong.
    pub(super) reason: &'static str,
}

impl Fault {
    pub(super) fn new(at: usize, reason: &'static str) -> Self {
        Self { at, reason }
    }

    /// Makes the error that names the parameter.
    pub(super) fn into_error(self, parameter: &'static str) -> Error {
        let Self { at, reason } = self;
        Error::new(ErrorKind::Invalid, format!("{parameter}: {reason} (at byte {at})")).with_param(
            parameter,
            reason,
            Some(at),
        )
    }
}

/// What came of reading a text.
pub(super) type Parsed<T> = Result<T, Fault>;

/// A place in a filter's text.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// Starts at the beginning.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Returns the offset of the next token.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Tells whether the text is used up.
    pub(super) fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Passes a punctuation mark if it is the next one.
    pub(super) fn eat(&mut self, mark: u8) -> bool {
        let found = self.peek(0) == Some(mark);
        self.at += usize::from(found);
        found
    }

    /// Passes a punctuation mark that must be there.
    pub(super) fn expect(&mut self, mark: u8, reason: &'static str) -> Parsed<()> {
        if self.eat(mark) { Ok(()) } else { Err(Fault::new(self.at, reason)) }
    }

    /// Passes and returns everything up to the next comma or closing parenthesis, or the end.
    pub(super) fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let length = rest.find([',', ')']).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Passes and returns a value, without its quotes.
    pub(super) fn value(&mut self) -> Parsed<String> {
        if self.peek(0) != Some(b'\'') {
            return Ok(self.word().to_owned());
        }
        // Some clients leave a leading quote alone. A quote that has no partner cannot be an opening one.
        if !self.rest().get(1..).unwrap_or_default().contains('\'') {
            return Ok(self.word().to_owned());
        }
        self.quoted()
    }

    /// Reads a quoted value.
    ///
    /// Some clients do not double the quotes inside. One that neither `,` nor `)` follows cannot be the closing one and
    /// is taken as it is, unless the value would then swallow the end of an expression.
    fn quoted(&mut self) -> Parsed<String> {
        let open = self.at;
        let mut value = String::new();
        let mut stray = None;
        self.at += 1;
        loop {
            let rest = self.rest();
            let Some(length) = rest.find('\'') else {
                return Err(Fault::new(stray.unwrap_or(open), "a quoted value does not end"));
            };
            value.push_str(rest.get(..length).unwrap_or_default());
            self.at += length;
            match self.peek(1) {
                Some(b'\'') => {
                    value.push('\'');
                    self.at += 2;
                }
                Some(b',' | b')') => {
                    self.at += 1;
                    break;
                }
                Some(_) => {
                    stray.get_or_insert(self.at);
                    value.push('\'');
                    self.at += 1;
                }
                None => {
                    return Err(Fault::new(self.at, "a value must be followed by a comma or a parenthesis"));
                }
            }
        }
        match stray {
            Some(at) if ends_expression(&value) => {
                Err(Fault::new(at, "a quote inside a value must be doubled"))
            }
            Some(_) | None => Ok(value),
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }
}

/// Tells whether a text holds what looks like the end of an expression with another one behind it.
fn ends_expression(value: &str) -> bool {
    [");", ")|", ")]"].into_iter().any(|mark| value.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(text: &str) -> Parsed<(String, usize)> {
        let mut lexer = Lexer::new(text);
        let value = lexer.value()?;
        Ok((value, lexer.at()))
    }

    #[test]
    fn values_end_at_a_comma_or_a_parenthesis() {
        assert_eq!(value("abc,d)"), Ok(("abc".into(), 3)));
        assert_eq!(value("a;b|c(d)"), Ok(("a;b|c(d".into(), 7)));
        assert_eq!(value(")"), Ok((String::new(), 0)));
        assert_eq!(value(" a )"), Ok((" a ".into(), 3)));
    }

    #[test]
    fn quotes_are_no_part_of_the_value_and_doubled_ones_are_one() {
        assert_eq!(value("'a,b)c')"), Ok(("a,b)c".into(), 7)));
        assert_eq!(value("'it''s')"), Ok(("it's".into(), 7)));
        assert_eq!(value("'')"), Ok((String::new(), 2)));
        assert_eq!(value("'''')"), Ok(("'".into(), 4)));
        assert_eq!(value("'a'',''b')"), Ok(("a','b".into(), 9)));
    }

    #[test]
    fn a_quote_inside_that_cannot_close_is_taken_as_it_is() {
        assert_eq!(value("'it's, fine')"), Ok(("it's, fine".into(), 12)));
        assert_eq!(value("'rack (5' high)')"), Ok(("rack (5' high)".into(), 16)));
    }

    #[test]
    fn a_leading_quote_without_a_partner_is_taken_as_it_is() {
        assert_eq!(value("'abc)"), Ok(("'abc".into(), 4)));
        assert_eq!(value("it's)"), Ok(("it's".into(), 4)));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused_at_the_quote() {
        assert_eq!(value("'abc);(eq,name,'x y')").unwrap_err().at, 15);
        assert_eq!(value("'it's").unwrap_err().at, 3);
        assert_eq!(value("'ab'").unwrap_err().at, 3);
        assert_eq!(value("'ab'')").unwrap_err().at, 0);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_lexer_panic_or_step_back(text in "\\PC*", marks in "[(),;'~@/|\\[\\] a-c\u{e9}]{0,40}") {
            for text in [text, marks] {
                let mut lexer = Lexer::new(&text);
                while !lexer.is_done() {
                    let before = lexer.at();
                    let value = lexer.value();
                    prop_assert!(lexer.at() >= before && lexer.at() <= text.len());
                    if value.is_err() || (lexer.at() == before && !lexer.eat(b',') && !lexer.eat(b')')) {
                        break;
                    }
                }
            }
        }

        #[test]
        fn a_value_quoted_by_the_rule_reads_back(value in "\\PC*") {
            let text = format!("'{}')", value.replace('\'', "''"));
            let mut lexer = Lexer::new(&text);
            prop_assert_eq!(lexer.value().unwrap(), value);
            prop_assert!(lexer.eat(b')') && lexer.is_done());
        }
    }
}
