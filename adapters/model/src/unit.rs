//! Values that carry their unit in the configuration: durations (`30s`) and sizes (`64KiB`).

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A duration, written as a whole number and one of `ms`, `s`, `m`, `h`, `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A number of bytes, written as a whole number and one of `B`, `KiB`, `MiB`, `GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

const SPANS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl Span {
    /// Makes a duration of whole seconds.
    pub const fn seconds(count: u64) -> Self {
        Self(Duration::from_secs(count))
    }
}

impl Size {
    /// Makes a size of whole kibibytes.
    pub const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    /// Returns the size as a length in memory.
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Splits `30s` into number and unit, and scales by the unit's factor.
fn parse(text: &str, units: &[(&str, u64)], what: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = units.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
    let known = || units.iter().rev().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let factor = factor.ok_or_else(|| format!("{what} needs a unit, one of {}", known()))?;
    let number: u64 =
        number.parse().map_err(|error| format!("{what} needs a whole number before its unit: {error}"))?;
    number.checked_mul(factor).ok_or_else(|| format!("{what} is too large"))
}

/// Writes a scaled value with the largest unit that divides it.
fn show(value: u64, units: &[(&str, u64)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let largest =
        units.iter().filter(|(_, factor)| value.is_multiple_of(*factor)).max_by_key(|(_, factor)| *factor);
    match largest {
        Some((unit, factor)) if value > 0 => write!(f, "{}{unit}", value / factor),
        _ => write!(f, "0{}", units.iter().min_by_key(|(_, factor)| *factor).map_or("", |(unit, _)| unit)),
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text, &SPANS, "a duration").map(|ms| Self(Duration::from_millis(ms)))
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text, &SIZES, "a size").map(Self)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX), &SPANS, f)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self.0, &SIZES, f)
    }
}

macro_rules! as_text {
    ($($name:ident $format:literal $pattern:literal)*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
                output.collect_str(self)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": $format, "pattern": $pattern })
            }
        }
    )*};
}

as_text! {
    Span "span" "^[0-9]+(ms|s|m|h|d)$"
    Size "size" "^[0-9]+(B|KiB|MiB|GiB)$"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sizes_read_what_they_write() {
        for text in ["30s", "2h", "1d", "250ms", "90s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        for text in ["64KiB", "1MiB", "7B", "0B"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_value_without_unit_or_number_is_refused() {
        for text in ["30", "s", "", "3 s", "-1s", "1.5s", "99999999999999999d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
