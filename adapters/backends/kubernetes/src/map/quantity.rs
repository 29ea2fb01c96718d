//! Kubernetes quantities, as far as adding them up needs. Single quantities are passed on as text, never recomputed.
//!
//! Source: Kubernetes API reference, `Quantity` (resource.k8s.io), as served in the OpenAPI document of v1.33.

/// An exact amount in thousandths, and how it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) milli: i128,
    /// It was written with a power of 1024.
    pub(crate) binary: bool,
}

/// The largest amount, 2^63-1; what is larger counts as this much, as in Kubernetes, so that sums over all nodes fit. Source:
/// as above.
const MOST: i128 = i64::MAX as i128 * 1000;
const BINARY: [(&str, u32); 6] = [("Ei", 60), ("Pi", 50), ("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
const DECIMAL: [(&str, u32); 7] = [("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3), ("", 0)];

impl Amount {
    /// Reads a quantity; `None` for what is not one. Parts below a thousandth are rounded up, as Kubernetes does.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c)).unwrap_or(text.len());
        let (number, suffix) = text.split_at_checked(end)?;
        if let Some((_, bits)) = BINARY.iter().find(|(name, _)| *name == suffix) {
            let milli = scaled(number, 3)?.checked_mul(1_i128.checked_shl(*bits)?)?;
            return Some(Self { milli: capped(milli), binary: true });
        }
        let exponent = match suffix {
            "n" => -9,
            "u" => -6,
            "m" => -3,
            _ => match DECIMAL.iter().find(|(name, _)| *name == suffix) {
                Some((_, power)) => i32::try_from(*power).ok()?,
                None => suffix
                    .strip_prefix(['e', 'E'])?
                    .parse()
                    .ok()
                    .filter(|power| (-18..=18).contains(power))?,
            },
        };
        Some(Self { milli: capped(scaled(number, exponent + 3)?), binary: false })
    }

    /// Writes the amount with the largest suffix that loses nothing.
    pub(crate) fn text(self) -> String {
        if self.milli % 1000 != 0 {
            return format!("{}m", self.milli);
        }
        let whole = self.milli / 1000;
        if self.binary && whole != 0 {
            for (suffix, bits) in BINARY {
                if whole % (1 << bits) == 0 {
                    return format!("{}{suffix}", whole >> bits);
                }
            }
        }
        whole.to_string()
    }
}

fn capped(milli: i128) -> i128 {
    milli.clamp(-MOST, MOST)
}

/// Returns a decimal number times a power of ten, rounded up to a whole.
fn scaled(number: &str, power: i32) -> Option<i128> {
    let (negative, digits) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.len() + fraction.len() == 0 || whole.len() + fraction.len() > 18 {
        return None;
    }
    let value: i128 = format!("{whole}{fraction}").parse().ok().filter(|value| *value >= 0)?;
    let shift = power - i32::try_from(fraction.len()).ok()?;
    let factor = 10_i128.checked_pow(shift.unsigned_abs())?;
    let scaled = if shift >= 0 {
        value.checked_mul(factor)?
    } else {
        value.checked_add(factor - 1)?.checked_div(factor)?
    };
    Some(if negative { -scaled } else { scaled })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantities_are_exact() {
        for (text, milli) in [
            ("1", 1000),
            ("250m", 250),
            ("0.5", 500),
            ("1e3", 1_000_000),
            ("1E", 1_000_000_000_000_000_000_000),
            ("-3k", -3_000_000),
            ("1Ki", 1_024_000),
            ("1.5Gi", 1_610_612_736_000),
            ("100u", 1),
            ("999999999999999999e17", MOST),
            ("-140000000000000000Ei", -MOST),
            ("263846172Ki", 263_846_172 * 1_024_000),
        ] {
            assert_eq!(Amount::parse(text).map(|amount| amount.milli), Some(milli), "{text}");
        }
        for text in ["", "Ki", "1Kb", "1.2.3", "--1", "1e99", ".", "1 Gi", "99999999999999999999"] {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
    }

    #[test]
    fn text_uses_the_largest_suffix_that_loses_nothing() {
        for (text, expected) in [
            ("131072Ki", "128Mi"),
            ("1500m", "1500m"),
            ("2000m", "2"),
            ("1025Ki", "1025Ki"),
            ("0Ki", "0"),
            ("4k", "4000"),
        ] {
            assert_eq!(Amount::parse(text).unwrap().text(), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(milli in -1_000_000_000_000_i64..1_000_000_000_000, binary: bool) {
            let amount = Amount { milli: milli.into(), binary };
            prop_assert_eq!(Amount::parse(&amount.text()).unwrap().milli, amount.milli);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9.eEKMGTPinum]{0,24}") {
            drop(Amount::parse(&text).map(Amount::text));
        }
    }
}
