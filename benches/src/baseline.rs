//! The counts as they were, and how far they may grow.

use crate::Result;
use crate::report::say;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// By how many percent a count of a function may grow: nine runs differed by 1.6 at most.
const FUNCTION: f64 = 3.0;
/// The same of a whole request, whose task is woken a little differently each time.
const REQUEST: f64 = 5.0;

/// Counts by what they count.
pub type Counts = BTreeMap<String, u64>;

/// Writes the counts into a file, a line each.
///
/// # Errors
/// It cannot be written.
pub fn write(counts: &Counts, file: &Path) -> Result<()> {
    let mut text = String::new();
    for (name, count) in counts {
        writeln!(text, "{count:>12}  {name}")?;
    }
    Ok(std::fs::write(file, text)?)
}

/// Compares with a file and prints a line for each count; returns whether all of them hold.
///
/// # Errors
/// The file cannot be read.
pub fn check(counts: &Counts, file: &Path) -> Result<bool> {
    let known = read(&std::fs::read_to_string(file)?)?;
    let mut holds = true;
    for (name, count) in counts {
        let verdict = judge(name, *count, known.get(name).copied());
        holds &= verdict.is_ok();
        say(&match verdict {
            Ok(text) => format!("ok {name}: {text}"),
            Err(text) => format!("not ok {name}: {text}"),
        })?;
    }
    for name in known.keys().filter(|name| !counts.contains_key(*name)) {
        holds = false;
        say(&format!("not ok {name}: it was not counted"))?;
    }
    Ok(holds)
}

fn read(text: &str) -> Result<Counts> {
    let line = |line: &str| -> Result<_> {
        let (count, name) = line.trim().split_once("  ").ok_or("a line of the baseline has no name")?;
        Ok((name.to_owned(), count.parse()?))
    };
    text.lines().map(line).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
fn judge(name: &str, count: u64, known: Option<u64>) -> std::result::Result<String, String> {
    let Some(known) = known else { return Err(format!("{count}, not in the baseline")) };
    let growth = (count as f64 / known.max(1) as f64 - 1.0) * 100.0;
    let text = format!("{count}, {growth:+.1} % of {known}");
    let most = match name {
        _ if name.ends_with("blocks") => 0.0,
        _ if name.starts_with("cached GET") => REQUEST,
        _ => FUNCTION,
    };
    if growth > most {
        Err(text)
    } else if growth < -most {
        Ok(format!("{text}; the baseline should be written anew"))
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_more_fails_a_little_more_or_less_does_not_and_blocks_are_exact() {
        assert!(judge("filter", 110, Some(100)).is_err());
        assert!(judge("filter", 102, Some(100)).is_ok());
        assert!(judge("cached GET, bytes", 104, Some(100)).is_ok());
        assert!(judge("filter", 50, Some(100)).is_ok_and(|text| text.contains("anew")));
        assert!(judge("h1 gateway blocks", 101, Some(100)).is_err());
        assert!(judge("filter", 1, None).is_err());
    }

    #[test]
    fn what_is_written_is_read() {
        let counts = Counts::from([("a b".to_owned(), 7), ("c".to_owned(), 1_234_567)]);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("baseline");
        write(&counts, &file).unwrap();
        assert_eq!(read(&std::fs::read_to_string(&file).unwrap()).unwrap(), counts);
    }
}
