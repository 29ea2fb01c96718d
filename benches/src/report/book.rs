//! The content of a report, and its forms for machines and for Markdown.

use super::figures::{self, Better, Samples};
use super::html;
use crate::machine::{self, Machine};
use crate::memory::Course;
use crate::{Result, heap, memory, session};
use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Percentiles that the document has.
const PERCENTILES: [f64; 7] = [50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0];

/// What a report holds.
#[derive(Debug)]
pub(crate) struct Book {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
    pub(super) notes: Vec<String>,
    pub(super) rows: Vec<Row>,
    pub(crate) faults: Vec<String>,
    /// It was ended by a signal.
    pub(crate) interrupted: bool,
}

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) cells: Vec<Value>,
    /// Why it is invalid.
    pub(super) faults: Vec<String>,
    /// In nanoseconds.
    pub(super) latency: Option<Histogram<u64>>,
}

/// What was true of a run as a whole.
pub(super) struct Circumstances {
    pub(super) date: String,
    pub(super) machine: Machine,
    pub(super) commit: String,
    pub(super) versions: Vec<(&'static str, String)>,
    pub(super) memory: Vec<Course>,
    /// What was printed in several lines.
    pub(super) texts: Vec<String>,
    pub(super) flame: Option<String>,
    pub(super) heaps: Vec<heap::Profile>,
}

impl Circumstances {
    pub(super) fn now() -> Self {
        Self {
            date: machine::date(),
            machine: Machine::here(),
            commit: machine::commit(),
            versions: machine::versions(),
            memory: memory::courses(),
            texts: session::texts(),
            flame: session::flame(),
            heaps: session::heaps(),
        }
    }
}

impl Row {
    /// Returns the row as it is printed.
    pub(super) fn shown(&self, columns: &[&str]) -> String {
        let cells = columns.iter().zip(&self.cells).map(|(name, value)| format!("{name}={}", cell(value)));
        cells.chain(self.faults.iter().map(|fault| format!("INVALID: {fault}"))).collect::<Vec<_>>().join(" ")
    }

    fn document(&self, columns: &[&str]) -> Value {
        let cells = columns.iter().map(|name| (*name).to_owned()).zip(self.cells.iter().cloned());
        let invalid =
            (!self.faults.is_empty()).then(|| ("invalid".to_owned(), json!(self.faults.join("; "))));
        Value::Object(cells.chain(invalid).collect::<Map<_, _>>())
    }
}

impl Book {
    pub(super) fn new(name: &'static str, columns: &'static [&'static str]) -> Self {
        Self { name, columns, notes: Vec::new(), rows: Vec::new(), faults: Vec::new(), interrupted: false }
    }

    /// Writes all forms into a folder; returns the last line.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(crate) fn write(&self, folder: &Path, summary: &str) -> Result<String> {
        let invalid = if self.all_faults().is_empty() { "" } else { " invalid=1" };
        let summary = format!("{summary}{invalid}");
        let line = format!("{}: {summary}", self.name);
        if session::rehearsal() {
            return Ok(line);
        }
        let about = Circumstances::now();
        let file = |form: &str| folder.join(format!("{}.{form}", self.name));
        std::fs::write(file("json"), serde_json::to_vec_pretty(&self.document(&summary, &about))?)?;
        std::fs::write(file("md"), self.markdown(&summary, &about)?)?;
        std::fs::write(file("html"), html::page(self, &summary, &about)?)?;
        Ok(line)
    }

    /// Returns why the report is invalid, each reason once.
    pub(super) fn all_faults(&self) -> Vec<String> {
        let of_rows = self.rows.iter().flat_map(|row| {
            let label = figures::label(self.columns, &row.cells, None);
            row.faults.iter().map(move |fault| format!("{label}: {fault}"))
        });
        let mut faults: Vec<String> = Vec::new();
        for fault in of_rows.chain(self.faults.iter().cloned()) {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
        faults
    }

    fn document(&self, summary: &str, about: &Circumstances) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(|row| row.document(self.columns)).collect();
        let peers = self.peers();
        let samples = self.samples().into_iter().map(|one| {
            json!({
                "label": one.label, "column": one.column, "better": one.better.word(), "peer": one.peer, "values": one.values,
            })
        });
        let figures = figures::of_summary(summary).into_iter().map(|(name, value)| {
            let peer = figures::is_of_peer(&name, &peers);
            json!({ "name": name, "value": value, "better": Better::of_figure(&name).word(), "peer": peer })
        });
        let memory = about
            .memory
            .iter()
            .map(|one| json!({ "name": one.name, "pid": one.pid, "peakKiB": one.peak_kib }));
        json!({
            "bench": self.name, "summary": summary, "notes": self.notes, "rows": rows,
            "date": about.date, "machine": about.machine.document(), "commit": about.commit,
            "versions": about.versions.iter().map(|(name, text)| ((*name).to_owned(), json!(text))).collect::<Map<_, _>>(),
            "valid": self.all_faults().is_empty(), "faults": self.all_faults(), "interrupted": self.interrupted,
            "figures": figures.collect::<Vec<_>>(), "samples": samples.collect::<Vec<_>>(),
            "latencies": self.latencies(None).into_iter().map(|(label, one)| percentiles(&label, &one)).collect::<Vec<_>>(),
            "memory": memory.collect::<Vec<_>>(),
            "texts": about.texts,
            "heap": about.heaps.iter().map(heap::Profile::document).collect::<Vec<_>>(),
        })
    }

    fn markdown(&self, summary: &str, about: &Circumstances) -> Result<String> {
        let mut text = format!("# {}\n\n{summary}\n\n", self.name);
        for warning in self.warnings() {
            writeln!(text, "**{warning}**\n")?;
        }
        writeln!(
            text,
            "{}; {}, {} cores, kernel {}; commit {}\n",
            about.date, about.machine.cpu, about.machine.cores, about.machine.kernel, about.commit
        )?;
        for note in &self.notes {
            writeln!(text, "{note}\n")?;
        }
        writeln!(text, "| {} |\n|{}", self.columns.join(" | "), "---|".repeat(self.columns.len()))?;
        for row in &self.rows {
            let mark = if row.faults.is_empty() { "" } else { " INVALID" };
            writeln!(text, "| {} |{mark}", row.cells.iter().map(cell).collect::<Vec<_>>().join(" | "))?;
        }
        for profile in &about.heaps {
            text.push_str(&profile.markdown()?);
        }
        Ok(text)
    }

    /// Returns what a reader has to know before any figure.
    pub(super) fn warnings(&self) -> Vec<String> {
        let faults = self.all_faults().into_iter().map(|fault| format!("INVALID: {fault}"));
        let interrupted = self.interrupted.then(|| "INTERRUPTED: these are the rows up to then".to_owned());
        faults.chain(interrupted).collect()
    }

    /// Returns the names of servers that the gateway is compared with.
    fn peers(&self) -> Vec<String> {
        let Some(column) = self.columns.iter().position(|name| *name == figures::SERVER) else {
            return Vec::new();
        };
        let mut names: Vec<String> =
            self.rows.iter().filter_map(|row| Some(row.cells.get(column)?.as_str()?.to_owned())).collect();
        names.sort();
        names.dedup();
        names.retain(|name| name != figures::GATEWAY);
        names
    }

    /// Returns the figures of each column by label, over the rounds.
    pub(super) fn samples(&self) -> Vec<Samples> {
        let rows = self.rows.iter().map(|row| row.cells.as_slice());
        figures::samples(self.columns, &rows)
    }

    /// Returns the latencies by label, without the cell of a column if one is named.
    pub(super) fn latencies(&self, without: Option<&str>) -> Vec<(String, Histogram<u64>)> {
        let mut all: Vec<(String, Histogram<u64>)> = Vec::new();
        for row in &self.rows {
            let Some(latency) = &row.latency else { continue };
            let label = figures::label(self.columns, &row.cells, without);
            match all.iter_mut().find(|(known, _)| *known == label) {
                // Both are made with the bounds of `drive`, so nothing is lost.
                Some((_, sum)) => sum.add(latency).unwrap_or_default(),
                None => all.push((label, latency.clone())),
            }
        }
        all
    }

    /// Returns for each line of a diagram the diagram, the line and the latencies: of servers, a line for each and a diagram for each
    /// case; otherwise one diagram with a line for each case.
    pub(super) fn curves(&self) -> Vec<(String, String, Histogram<u64>)> {
        let Some(column) = self.columns.iter().position(|name| *name == figures::SERVER) else {
            let all = self.latencies(None).into_iter();
            return all.map(|(label, latency)| (self.name.to_owned(), label, latency)).collect();
        };
        let servers = self.rows.iter().filter_map(|row| row.cells.get(column)?.as_str());
        let mut names: Vec<&str> = Vec::new();
        for name in servers {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let of = |name: &str| {
            let mine =
                self.rows.iter().filter(|row| row.cells.get(column).and_then(Value::as_str) == Some(name));
            let rows = mine.map(|row| Row {
                cells: row.cells.clone(),
                faults: Vec::new(),
                latency: row.latency.clone(),
            });
            let part = Self { rows: rows.collect(), ..Self::new(self.name, self.columns) };
            let name = name.to_owned();
            part.latencies(Some(figures::SERVER))
                .into_iter()
                .map(move |(label, latency)| (label, name.clone(), latency))
        };
        names.into_iter().flat_map(of).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "latencies for people")]
fn percentiles(label: &str, latency: &Histogram<u64>) -> Value {
    let at = PERCENTILES.iter().map(|percent| {
        let micros = latency.value_at_quantile(percent / 100.0) as f64 / 1000.0;
        (format!("p{percent}"), json!(super::tenth(micros)))
    });
    json!({ "label": label, "count": latency.len(), "us": at.collect::<Map<_, _>>() })
}

pub(super) fn cell(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
