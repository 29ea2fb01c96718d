//! What a bench leaves behind: JSON for machines, Markdown for people, and its last line.

use crate::Result;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Figures of one bench, row by row.
#[derive(Debug)]
pub struct Report {
    name: &'static str,
    notes: Vec<String>,
    columns: &'static [&'static str],
    rows: Vec<Vec<Value>>,
}

impl Report {
    /// Begins a report with the columns of its table.
    pub fn new(name: &'static str, columns: &'static [&'static str]) -> Self {
        Self { name, notes: Vec::new(), columns, rows: Vec::new() }
    }

    /// Adds a sentence on how the figures came about.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Adds a row, and shows it at once.
    ///
    /// # Errors
    /// Standard output is gone.
    pub fn row(&mut self, row: Vec<Value>) -> Result<()> {
        let cells = self.columns.iter().zip(&row).map(|(name, value)| format!("{name}={}", cell(value)));
        say(&cells.collect::<Vec<_>>().join(" "))?;
        self.rows.push(row);
        Ok(())
    }

    /// Writes `NAME.json` and `NAME.md` into a folder and ends with the line `NAME: SUMMARY`.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn finish(self, folder: &Path, summary: &str) -> Result<()> {
        let rows: Vec<Value> =
            self.rows.iter().map(|row| self.columns.iter().copied().zip(row.clone()).collect()).collect();
        let document = json!({ "bench": self.name, "summary": summary, "notes": self.notes, "rows": rows });
        std::fs::write(folder.join(format!("{}.json", self.name)), serde_json::to_vec_pretty(&document)?)?;
        let mut text = format!("# {}\n\n{summary}\n\n", self.name);
        for note in &self.notes {
            writeln!(text, "{note}\n")?;
        }
        writeln!(text, "| {} |\n|{}", self.columns.join(" | "), "---|".repeat(self.columns.len()))?;
        for row in &self.rows {
            writeln!(text, "| {} |", row.iter().map(cell).collect::<Vec<_>>().join(" | "))?;
        }
        std::fs::write(folder.join(format!("{}.md", self.name)), text)?;
        say(&format!("{}: {summary}", self.name))
    }
}

/// Writes a line to standard output.
///
/// # Errors
/// It is gone.
pub fn say(line: &str) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")?;
    Ok(())
}

/// Returns the middle of some figures; 0 if there are none.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// Rounds to one digit after the point.
pub fn tenth(figure: f64) -> f64 {
    (figure * 10.0).round() / 10.0
}

fn cell(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).abs() < f64::EPSILON);
    }
}
