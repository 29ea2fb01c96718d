//! Compares stored scalars with a filter's values: numbers as numbers, times as times, all else as text.

use super::filter::Operator;
use super::index::Indexed;
use super::leaf::{Holds, Leaf};
use super::scan::text;
use memchr::memmem::Finder;
use std::cmp::Ordering;

/// A decimal number: exact if it is an integer of at most 64 bits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Integer(i128),
    Real(f64),
}

impl Number {
    /// Reads a decimal number: minus, digits, fraction and exponent as in JSON, leading zeros allowed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        if let Ok(integer) = text.parse::<i64>() {
            return Some(Self::Integer(integer.into()));
        }
        if let Ok(integer) = text.parse::<u64>() {
            return Some(Self::Integer(integer.into()));
        }
        let plain = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
        let bare_point = text.ends_with('.') || text.contains(".e") || text.contains(".E");
        let real = text.parse::<f64>().ok()?;
        (plain && !bare_point && real.is_finite()).then_some(Self::Real(real))
    }

    fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(left), Self::Integer(right)) => Some(left.cmp(&right)),
            (left, right) => left.real().partial_cmp(&right.real()),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "an integer beside a real number compares as one, as documented"
    )]
    fn real(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Real(real) => real,
        }
    }
}

/// Reads an RFC 3339 time; other spellings that a library might take are text.
fn time(text: &str) -> Option<jiff::Timestamp> {
    let bytes = text.as_bytes();
    let marks = [(4, b"--"), (7, b"--"), (10, b"Tt"), (13, b"::"), (16, b"::")];
    let marked = marks.iter().all(|(at, mark)| bytes.get(*at).is_some_and(|byte| mark.contains(byte)));
    let utc = bytes.last().is_some_and(|byte| matches!(byte, b'Z' | b'z'));
    let offset = bytes
        .len()
        .checked_sub(6)
        .and_then(|at| bytes.get(at..))
        .is_some_and(|zone| matches!(zone.first(), Some(b'+' | b'-')) && zone.get(3) == Some(&b':'));
    if marked && (utc || offset) { text.parse().ok() } else { None }
}

/// A time of a filter, with its whole second as text: most stored times are compared without being parsed.
#[derive(Clone, Debug)]
struct Time {
    at: jiff::Timestamp,
    second: String,
}

impl Time {
    fn parse(text: &str) -> Option<Self> {
        let at = time(text)?;
        Some(Self { at, second: at.strftime("%Y-%m-%dT%H:%M:%S").to_string() })
    }

    /// Orders a stored time against this one; `None` if it is no time.
    fn compare(&self, stored: &str) -> Option<Ordering> {
        if let Some(second) = whole_second(stored)
            && second != self.second
        {
            return Some(second.cmp(&self.second));
        }
        Some(time(stored)?.cmp(&self.at))
    }
}

/// Returns a time without its `Z` if it has the form `2026-03-02T10:00:00Z` and is certainly valid.
fn whole_second(text: &str) -> Option<&str> {
    const FORM: &[u8; 20] = b"dddd-dd-ddTdd:dd:ddZ";
    const HIGHEST: &[u8; 20] = b"9999-12-28T23:59:59Z";
    let fits = |(byte, form): (&u8, &u8)| {
        if *form == b'd' { byte.is_ascii_digit() } else { byte == form }
    };
    if text.len() != FORM.len() || !text.as_bytes().iter().zip(FORM).all(fits) {
        return None;
    }
    let below = |at: usize| text.get(at..at + 2).map(str::as_bytes) <= HIGHEST.get(at..at + 2);
    let above = |at: usize| text.get(at..at + 2) > Some("00");
    (above(5) && above(8) && [5, 8, 11, 14, 17].into_iter().all(below)).then(|| text.get(..19)).flatten()
}

/// One value of a filter, read in every way in which it may be compared.
#[derive(Clone, Debug)]
struct Operand {
    text: Box<str>,
    number: Option<Number>,
    time: Option<Time>,
}

impl Operand {
    fn new(text: &str) -> Self {
        Self { text: text.into(), number: Number::parse(text), time: Time::parse(text) }
    }

    fn equals(&self, stored: &Stored<'_>) -> bool {
        match stored {
            Stored::Text(stored) => {
                *stored == &*self.text
                    || self.time.as_ref().is_some_and(|own| own.compare(stored) == Some(Ordering::Equal))
            }
            Stored::Number(stored) => self.compare_number(stored) == Some(Ordering::Equal),
            Stored::Boolean(stored) => *stored == &*self.text,
        }
    }

    /// Orders the stored value against this one; `None` if they have no order.
    fn compare(&self, stored: &Stored<'_>) -> Option<Ordering> {
        match stored {
            Stored::Text(stored) => Some(self.compare_text(stored)),
            Stored::Number(stored) => self.compare_number(stored),
            Stored::Boolean(_) => None,
        }
    }

    fn compare_text(&self, stored: &str) -> Ordering {
        if let Some(order) = self.time.as_ref().and_then(|own| own.compare(stored)) {
            return order;
        }
        let numbers = self.number.zip(Number::parse(stored)).and_then(|(own, stored)| stored.compare(own));
        numbers.unwrap_or_else(|| stored.cmp(&self.text))
    }

    fn compare_number(&self, stored: &str) -> Option<Ordering> {
        Number::parse(stored)?.compare(self.number?)
    }
}

/// A stored scalar.
#[derive(Clone, Copy, Debug)]
enum Stored<'a> {
    Text(&'a str),
    Number(&'a str),
    Boolean(&'a str),
}

impl Stored<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Boolean(text) => text,
        }
    }
}

/// The comparison of one expression, prepared.
#[derive(Clone, Debug)]
pub(super) struct Predicate {
    test: Test,
    negative: bool,
}

#[derive(Clone, Debug)]
enum Test {
    Equal(Box<[Operand]>),
    Order(fn(Ordering) -> bool, Operand),
    Contain(Box<[Finder<'static>]>),
}

impl Predicate {
    /// Prepares an operator and its values.
    pub(super) fn new(operator: Operator, values: &[String]) -> Self {
        let order = |holds| {
            let operand = values.first().map_or_else(|| Operand::new(""), |value| Operand::new(value));
            Test::Order(holds, operand)
        };
        let test = match operator {
            Operator::Eq | Operator::Neq | Operator::In | Operator::Nin => {
                Test::Equal(values.iter().map(|value| Operand::new(value)).collect())
            }
            Operator::Gt => order(Ordering::is_gt),
            Operator::Gte => order(Ordering::is_ge),
            Operator::Lt => order(Ordering::is_lt),
            Operator::Lte => order(Ordering::is_le),
            Operator::Cont | Operator::Ncont => {
                Test::Contain(values.iter().map(|value| Finder::new(value).into_owned()).collect())
            }
        };
        Self { test, negative: operator.is_negative() }
    }

    /// Tells whether the expression asks for one of some values.
    pub(super) fn is_equality(&self) -> bool {
        matches!(self.test, Test::Equal(_)) && !self.negative
    }

    /// Tells whether the expression holds where there is no value.
    pub(super) fn holds_for_nothing(&self) -> bool {
        self.negative
    }

    /// Tells whether the expression holds for a key of a map.
    pub(super) fn holds_for_key(&self, key: &str) -> bool {
        self.holds(&Stored::Text(key))
    }

    /// Tells whether the expression holds for a leaf.
    pub(super) fn holds_for_leaf(&self, leaf: Leaf, object: &Indexed) -> bool {
        let bytes = object.bytes(leaf.span());
        // The object was checked to be UTF-8 when it was indexed.
        match leaf.holds() {
            Holds::Nothing | Holds::Item => self.negative,
            Holds::Text => self.holds_for_text(bytes),
            Holds::Escaped => text(object.json(), leaf.span(), true)
                .map_or(self.negative, |text| self.holds(&Stored::Text(&text))),
            Holds::Number => {
                std::str::from_utf8(bytes).map_or(self.negative, |number| self.holds(&Stored::Number(number)))
            }
            Holds::True => self.holds(&Stored::Boolean("true")),
            Holds::False => self.holds(&Stored::Boolean("false")),
        }
    }

    /// As `holds` for a text, without checking the bytes again where they are only compared.
    fn holds_for_text(&self, bytes: &[u8]) -> bool {
        let found = match &self.test {
            Test::Equal(operands) if operands.iter().all(|operand| operand.time.is_none()) => {
                operands.iter().any(|operand| operand.text.as_bytes() == bytes)
            }
            Test::Contain(finders) => finders.iter().any(|finder| finder.find(bytes).is_some()),
            Test::Equal(_) | Test::Order(..) => {
                return std::str::from_utf8(bytes)
                    .map_or(self.negative, |text| self.holds(&Stored::Text(text)));
            }
        };
        found != self.negative
    }

    fn holds(&self, stored: &Stored<'_>) -> bool {
        let found = match &self.test {
            Test::Equal(operands) => operands.iter().any(|operand| operand.equals(stored)),
            Test::Order(holds, operand) => operand.compare(stored).is_some_and(holds),
            Test::Contain(finders) => {
                finders.iter().any(|finder| finder.find(stored.text().as_bytes()).is_some())
            }
        };
        found != self.negative
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_numbers_are_read_and_nothing_else() {
        for text in [
            "0",
            "-1",
            "007",
            "1.5",
            "1e3",
            "-2.5E-3",
            "18446744073709551615",
            "123456789012345678901234567890",
        ] {
            assert!(Number::parse(text).is_some(), "{text}");
        }
        for text in [
            "", "-", "+1", ".5", "1.", "1.e5", "1e", "1e999", "0x1", "inf", "NaN", "1_000", " 1", "1 ",
            "64Gi", "--1",
        ] {
            assert!(Number::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn integers_of_64_bits_are_exact_and_others_are_real() {
        let compare = |left, right| Number::parse(left)?.compare(Number::parse(right)?);
        assert_eq!(compare("9007199254740993", "9007199254740992"), Some(Ordering::Greater));
        assert_eq!(compare("18446744073709551615", "18446744073709551614"), Some(Ordering::Greater));
        assert_eq!(compare("1e3", "1000"), Some(Ordering::Equal));
        assert_eq!(compare("-0", "0"), Some(Ordering::Equal));
        assert_eq!(compare("0.5", "1"), Some(Ordering::Less));
    }

    #[test]
    fn only_rfc_3339_is_a_time() {
        for text in ["2026-03-02T10:00:00Z", "2026-03-02t10:00:00.123z", "2026-03-02T10:00:00+01:00"] {
            assert!(time(text).is_some(), "{text}");
        }
        for text in [
            "2026-03-02",
            "2026-03-02T10:00:00",
            "2026-03-02 10:00:00Z",
            "20260302T100000Z",
            "2026-13-02T10:00:00Z",
            "Z",
        ] {
            assert!(time(text).is_none(), "{text}");
        }
        assert_eq!(time("2026-03-02T11:00:00+01:00"), time("2026-03-02T10:00:00Z"));
    }

    #[test]
    fn times_compare_with_and_without_being_parsed() {
        let times = [
            "0000-01-01T00:00:00Z",
            "1969-12-31T23:59:59.5Z",
            "2026-02-28T23:59:59Z",
            "2026-02-29T00:00:00Z",
            "2026-03-02T09:59:59.999Z",
            "2026-03-02T10:00:00Z",
            "2026-03-02T10:00:00.000000001Z",
            "2026-03-02T11:00:01+01:00",
            "2026-03-31T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "9999-12-28T23:59:59Z",
        ];
        for own in times {
            for stored in times {
                let expected = time(own).zip(time(stored)).map(|(own, stored)| stored.cmp(&own));
                let found = Time::parse(own).and_then(|own| own.compare(stored));
                assert_eq!(found, expected, "{stored} against {own}");
            }
        }
    }
}
