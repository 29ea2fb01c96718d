//! What a bench leaves behind: JSON for machines, Markdown and HTML for people, and its last line.

mod book;
mod chart;
mod curve;
mod figures;
mod html;

pub(crate) use book::Book;
pub(crate) use chart::escaped;

use crate::{Result, progress, session};
use book::Row;
use hdrhistogram::Histogram;
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Figures of one bench, row by row. The latencies and faults of the runs of [`crate::drive`] and its relatives since the last
/// row belong to the next one.
#[derive(Debug)]
pub struct Report {
    book: Arc<Mutex<Book>>,
    latency: Option<Histogram<u64>>,
}

impl Report {
    /// Begins a report with the columns of its table.
    pub fn new(name: &'static str, columns: &'static [&'static str]) -> Self {
        let book = Arc::new(Mutex::new(Book::new(name, columns)));
        session::opened(&book);
        progress::begin(name);
        Self { book, latency: None }
    }

    /// Adds a sentence on how the figures came about.
    pub fn note(&mut self, text: impl Into<String>) {
        self.book().notes.push(text.into());
    }

    /// Gives the next row latencies, in microseconds, in place of those of the runs since the last one.
    ///
    /// # Errors
    /// There is no memory for a histogram.
    pub fn latency(&mut self, micros: &Histogram<u64>) -> Result<()> {
        let mut nanos = Histogram::new_with_max(crate::drive::LONGEST_NS, 3)?;
        for step in micros.iter_recorded() {
            nanos.saturating_record_n(step.value_iterated_to().saturating_mul(1000), step.count_at_value());
        }
        self.latency = Some(nanos);
        Ok(())
    }

    /// Says that what ran since the last row was to warm up, and does not count.
    pub fn warmed_up(&self) {
        warmed_up();
    }

    /// Whether nothing is wrong with what ran since the last row.
    pub fn is_valid(&self) -> bool {
        session::pending_faults().is_empty()
    }

    /// Says that what ran since the last row belongs to several of the next ones: what is wrong with it stays, its latencies are left
    /// out.
    pub fn shared(&self) {
        session::forget_latency();
    }

    /// Adds a row, and shows it at once.
    ///
    /// # Errors
    /// Standard output is gone.
    pub fn row(&mut self, cells: Vec<Value>) -> Result<()> {
        let runs = session::pending();
        let faults: Vec<String> = runs.iter().flat_map(|run| run.faults.clone()).collect();
        let mut latency = self.latency.take();
        if latency.is_none() {
            let all = runs.into_iter().filter_map(|run| run.latency);
            latency = all.reduce(|sum, one| sum + one);
        }
        let row = Row { cells, faults, latency };
        let shown = row.shown(self.book().columns);
        self.book().rows.push(row);
        progress::row();
        say(&shown)
    }

    /// Writes `NAME.json`, `NAME.md` and `NAME.html` into a folder and ends with the line `NAME: SUMMARY`.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn finish(self, folder: &Path, summary: &str) -> Result<()> {
        let mut book = self.book();
        // Faults of runs after the last row belong to no row, but to the report.
        book.faults = session::pending().into_iter().flat_map(|run| run.faults).collect();
        let line = book.write(folder, summary)?;
        session::closed();
        for fault in book.all_faults() {
            say(&format!("INVALID: {fault}"))?;
        }
        say(&line)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As [`Report::warmed_up`], where the report is out of reach.
pub fn warmed_up() {
    session::discard();
}

/// Writes a line to standard output. Text of several lines, such as a peer's configuration, is kept for the report.
///
/// # Errors
/// Standard output is gone.
pub fn say(line: &str) -> Result<()> {
    if session::rehearsal() {
        return Ok(());
    }
    if line.contains('\n') {
        session::said(line);
    }
    progress::clear();
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

#[cfg(test)]
mod tests;
