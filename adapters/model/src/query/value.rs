//! Compares stored scalars with a filter's values: numbers as numbers, times as times, all else as text.

use super::filter::Operator;
use super::index::{Holds, Indexed, Leaf};
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
    /// Reads a decimal number: sign, digits, fraction and exponent as in JSON, leading zeros allowed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        if digits.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(integer) = text.parse::<i128>()
            && (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&integer)
        {
            return Some(Self::Integer(integer));
        }
        let plain = digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
        let real = text.parse::<f64>().ok()?;
        (plain && real.is_finite() && !text.ends_with('.')).then_some(Self::Real(real))
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
    let marked = marks
        .iter()
        .all(|(at, mark)| bytes.get(*at).is_some_and(|byte| mark.contains(byte)));
    let utc = bytes.last().is_some_and(|byte| matches!(byte, b'Z' | b'z'));
    let offset = bytes
        .len()
        .checked_sub(6)
        .and_then(|at| bytes.get(at..))
        .is_some_and(|zone| matches!(zone.first(), Some(b'+' | b'-')) && zone.get(3) == Some(&b':'));
    if marked && (utc || offset) {
        text.parse().ok()
    } else {
        None
    }
}

/// One value of a filter, read in every way in which it may be compared.
#[derive(Clone, Debug)]
struct Operand {
    text: Box<str>,
    number: Option<Number>,
    time: Option<jiff::Timestamp>,
}

impl Operand {
    fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            number: Number::parse(text),
            time: time(text),
        }
    }

    fn equals(&self, stored: &Stored<'_>) -> bool {
        match stored {
            Stored::Text(stored) => {
                *stored == &*self.text || self.time.is_some_and(|own| time(stored) == Some(own))
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
        if let Some(own) = self.time
            && let Some(stored) = time(stored)
        {
            return stored.cmp(&own);
        }
        let numbers = self
            .number
            .zip(Number::parse(stored))
            .and_then(|(own, stored)| stored.compare(own));
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
            let operand = values
                .first()
                .map_or_else(|| Operand::new(""), |value| Operand::new(value));
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
            Operator::Cont | Operator::Ncont => Test::Contain(
                values
                    .iter()
                    .map(|value| Finder::new(value).into_owned())
                    .collect(),
            ),
        };
        Self {
            test,
            negative: operator.is_negative(),
        }
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
            Test::Contain(finders) => finders
                .iter()
                .any(|finder| finder.find(stored.text().as_bytes()).is_some()),
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
            "", "-", "+1", ".5", "1.", "1e", "1e999", "0x1", "inf", "NaN", "1_000", " 1", "1 ", "64Gi", "--1",
        ] {
            assert!(Number::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn integers_of_64_bits_are_exact_and_others_are_real() {
        let compare = |left, right| Number::parse(left)?.compare(Number::parse(right)?);
        assert_eq!(
            compare("9007199254740993", "9007199254740992"),
            Some(Ordering::Greater)
        );
        assert_eq!(
            compare("18446744073709551615", "18446744073709551614"),
            Some(Ordering::Greater)
        );
        assert_eq!(compare("1e3", "1000"), Some(Ordering::Equal));
        assert_eq!(compare("-0", "0"), Some(Ordering::Equal));
        assert_eq!(compare("0.5", "1"), Some(Ordering::Less));
    }

    #[test]
    fn only_rfc_3339_is_a_time() {
        for text in [
            "2026-03-02T10:00:00Z",
            "2026-03-02t10:00:00.123z",
            "2026-03-02T10:00:00+01:00",
        ] {
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
}
