//! Where commands write: results to standard output, complaints to standard error. Nothing else prints.

use super::Failure;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, IsTerminal, Write};

/// Standard output, or a buffer in tests.
pub(super) struct Out {
    sink: Box<dyn Write>,
    colour: bool,
}

impl fmt::Debug for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Out").field("colour", &self.colour).finish_non_exhaustive()
    }
}

impl Out {
    /// Writes to standard output, in colour on a terminal unless `NO_COLOR` is set.
    pub(super) fn of_process(environment: &BTreeMap<String, String>) -> Self {
        let plain = environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = environment.get("TERM").is_some_and(|value| value == "dumb");
        let colour = io::stdout().is_terminal() && !plain && !dumb;
        Self { sink: Box::new(io::stdout()), colour }
    }

    /// Writes one line at once, so that a reader sees it while the command goes on.
    pub(super) fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.sink, "{text}")?;
        Ok(self.sink.flush()?)
    }

    /// Writes text that ends its own lines.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.sink.write_all(text.as_bytes())?;
        Ok(self.sink.flush()?)
    }

    /// Writes a value as JSON.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
        self.line(&text)
    }

    /// Writes rows below their headings; what others wrote loses its control characters.
    pub(super) fn table(&mut self, headings: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        let cells = |row: &[String]| row.iter().map(|cell| tame(cell)).collect::<Vec<_>>();
        let rows: Vec<Vec<String>> = rows.iter().map(|row| cells(row)).collect();
        let width = |column: usize, heading: &str| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([heading.len()]).max().unwrap_or_default()
        };
        let widths: Vec<usize> =
            headings.iter().enumerate().map(|(column, heading)| width(column, heading)).collect();
        let heading = padded(headings.iter().map(|heading| (*heading).to_owned()), &widths);
        let heading = if self.colour { format!("\u{1b}[1m{heading}\u{1b}[0m") } else { heading };
        self.line(&heading)?;
        for row in rows {
            self.line(&padded(row.into_iter(), &widths))?;
        }
        Ok(())
    }

    /// Writes the members of an object, one a line.
    pub(super) fn members(&mut self, value: &serde_json::Value) -> Result<(), Failure> {
        let Some(members) = value.as_object() else { return self.json(value) };
        let width = members.keys().map(|key| key.chars().count()).max().unwrap_or_default();
        for (key, value) in members {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.line(&format!("{:width$}  {}", tame(key), tame(&value)))?;
        }
        Ok(())
    }
}

/// Tells the user, on standard error, what goes on or why a command ends; there is nowhere to say that this failed.
pub(super) fn complain(message: &str) {
    for line in message.lines() {
        if writeln!(io::stderr(), "netweave: {}", tame(line)).is_err() {
            return;
        }
    }
}

fn padded(cells: impl Iterator<Item = String>, widths: &[usize]) -> String {
    let cells: Vec<String> = cells.zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
    cells.join("  ").trim_end().to_owned()
}

/// Replaces control characters, so that no answer can steer the terminal.
pub(super) fn tame(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(colour: bool, write: impl Fn(&mut Out)) -> String {
        let buffer = Buffer::default();
        write(&mut Out { sink: Box::new(buffer.clone()), colour });
        String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_table_is_aligned_and_carries_no_control_characters() {
        let rows = [vec!["a".to_owned(), "\u{1b}[2J x".to_owned()], vec!["bcd".to_owned(), "y".to_owned()]];
        let text = written(false, |out| out.table(&["ID", "NAME"], &rows).unwrap());
        assert_eq!(text, "ID   NAME\na    \u{fffd}[2J x\nbcd  y\n");
        let text = written(true, |out| out.table(&["ID"], &[]).unwrap());
        assert_eq!(text, "\u{1b}[1mID\u{1b}[0m\n");
    }

    #[test]
    fn members_are_printed_one_a_line() {
        let value = serde_json::json!({"id": "x", "backlog": 3});
        let text = written(false, |out| out.members(&value).unwrap());
        assert_eq!(text, "backlog  3\nid       x\n");
    }

    #[test]
    fn a_reader_that_has_gone_away_is_no_failure() {
        let mut out = Out { sink: Box::new(Gone), colour: false };
        assert_eq!(out.line("x").unwrap_err(), Failure::new(crate::cli::Exit::Done, ""));
    }
}
