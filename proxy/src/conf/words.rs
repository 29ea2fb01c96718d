//! What texts of the configuration must look like, and which word was meant.

use super::schema::Schema;
use super::unit::{Size, Span};
use std::net::SocketAddr;

/// Checks length, format and range of a text.
pub(super) fn check_text(schema: Schema<'_>, text: &str) -> Result<(), String> {
    let bound = |name| schema.keyword(name).and_then(serde_json::Value::as_u64);
    let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    if bound("minLength").is_some_and(|least| length < least) {
        return Err("must not be empty".to_owned());
    }
    if let Some(most) = bound("maxLength").filter(|most| length > *most) {
        return Err(format!("must have at most {most} characters"));
    }
    match schema.word("format") {
        Some("span") => in_range(schema, &text.parse::<Span>()?),
        Some("size") => in_range(schema, &text.parse::<Size>()?),
        Some("socket-address") if text.parse::<SocketAddr>().is_err() => {
            Err("must be an address and a port, such as `0.0.0.0:8443` or `[::]:8443`".to_owned())
        }
        Some("source-name") if !is_source_name(text) => {
            Err("must consist of a to z, 0 to 9 and inner `-`".to_owned())
        }
        _ => Ok(()),
    }
}

fn in_range<T: std::str::FromStr + PartialOrd>(schema: Schema<'_>, value: &T) -> Result<(), String> {
    let (low, high) = schema.range();
    let parse = |bound: &Option<String>| bound.as_deref().and_then(|bound| bound.parse::<T>().ok());
    let inside =
        parse(&low).is_none_or(|low| low <= *value) && parse(&high).is_none_or(|high| *value <= high);
    if inside {
        return Ok(());
    }
    Err(format!("must be from {} to {}", low.unwrap_or_default(), high.unwrap_or_default()))
}

fn is_source_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Says which words are right.
pub(super) fn one_of(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    if words.len() == 1 {
        format!("must be {}", words.concat())
    } else {
        format!("must be one of {}", words.join(", "))
    }
}

/// Says which known word was meant, or which there are.
pub(super) fn advice(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// Finds the word that differs least, if it differs little: in spelling, in case, or by being a part.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace(['_', '-'], "");
    let word = plain(word);
    let close = (word.chars().count() / 3).max(1);
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &plain(candidate)), *candidate))
        .filter(|(distance, _)| *distance <= close)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_despite_case_swaps_and_typing_errors() {
        let known = ["connections", "connectionsPerIp", "header", "headerTime", "maxQueue"];
        for (word, right) in [
            ("conections", "connections"),
            ("connections_per_ip", "connectionsPerIp"),
            ("Header", "header"),
            ("heardeTime", "headerTime"),
            ("max-queue", "maxQueue"),
        ] {
            assert_eq!(nearest(word, &known), Some(right), "{word}");
        }
        assert_eq!(nearest("colour", &known), None);
    }
}
