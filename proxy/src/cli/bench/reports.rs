//! Reads what `benches/run.sh` wrote: one report, a folder of them, or the baseline of a class of machines.

use super::change::{FEWEST, MOST};
use crate::cli::{Exit, Failure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest file that is read.
const MAX_BYTES: u64 = 64 << 20;

/// What is better of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Better {
    Lower,
    Higher,
}

/// A report, of which only this is looked at.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Report {
    pub(super) bench: String,
    valid: bool,
    faults: Vec<String>,
    interrupted: bool,
    machine: Machine,
    figures: Vec<Figure>,
    samples: Vec<Sample>,
}

#[derive(Clone, Debug, Deserialize)]
struct Machine {
    class: String,
}

/// A figure of the last line.
#[derive(Clone, Debug, Deserialize)]
struct Figure {
    name: String,
    value: f64,
    better: Option<Better>,
    peer: bool,
}

/// A column of one case, over its rounds.
#[derive(Clone, Debug, Deserialize)]
struct Sample {
    label: String,
    column: String,
    better: Option<Better>,
    peer: bool,
    values: Vec<f64>,
}

/// Reports of the same bench.
#[derive(Clone, Debug)]
pub(super) struct Reports {
    pub(super) bench: String,
    /// The class of machines; that of the first.
    pub(super) class: String,
    all: Vec<Report>,
}

/// Figures of one name, to be compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) better: Better,
    /// It is of a server that the gateway is compared with.
    pub(super) peer: bool,
    pub(super) values: Vec<f64>,
}

/// What a path names.
#[derive(Debug)]
pub(super) enum Named {
    Reports(Reports),
    /// By bench.
    Baseline(BTreeMap<String, Vec<Report>>),
}

#[derive(Deserialize)]
struct Baseline {
    profiles: BTreeMap<String, Vec<Report>>,
}

impl Named {
    /// Reads what a path names.
    ///
    /// # Errors
    /// It cannot be read, is none of the three, or has a report that is invalid.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        if path.is_dir() {
            return folder(path).map(Self::Reports);
        }
        let value = json(path)?;
        let wrong = |error: &serde_json::Error| of(path, &format!("is no report of this version: {error}"));
        if value.get("profiles").is_some() {
            let baseline: Baseline = serde_json::from_value(value).map_err(|error| wrong(&error))?;
            return Ok(Self::Baseline(baseline.profiles));
        }
        let report = serde_json::from_value(value).map_err(|error| wrong(&error))?;
        Reports::of(path, vec![report]).map(Self::Reports)
    }

    /// Returns the reports; of a baseline those of a bench.
    pub(super) fn reports(self, path: &Path, bench: Option<&str>) -> Result<Reports, Failure> {
        match self {
            Self::Reports(reports) => Ok(reports),
            Self::Baseline(mut profiles) => {
                let bench =
                    bench.ok_or_else(|| of(path, "is a baseline, and so is the other: name a report"))?;
                let all =
                    profiles.remove(bench).ok_or_else(|| of(path, &format!("has nothing of {bench}")))?;
                Reports::of(path, all)
            }
        }
    }

    /// Returns the bench, unless this is of all.
    pub(super) fn bench(&self) -> Option<String> {
        match self {
            Self::Reports(reports) => Some(reports.bench.clone()),
            Self::Baseline(_) => None,
        }
    }
}

impl Reports {
    fn of(path: &Path, all: Vec<Report>) -> Result<Self, Failure> {
        let first = all.first().ok_or_else(|| of(path, "has no report"))?;
        let (bench, class) = (first.bench.clone(), first.machine.class.clone());
        if let Some(other) = all.iter().find(|report| report.bench != bench) {
            return Err(of(path, &format!("has reports of {bench} and of {}", other.bench)));
        }
        if let Some(report) = all.iter().find(|report| !report.valid || report.interrupted) {
            let why = if report.interrupted { "it was interrupted" } else { "it is invalid" };
            return Err(of(path, &format!("cannot be compared: {why}: {}", report.faults.join("; "))));
        }
        Ok(Self { bench, class, all })
    }

    /// Says whether there are enough runs to compare them with each other.
    pub(super) fn has_runs(&self) -> bool {
        self.all.len() >= FEWEST
    }

    /// Returns a figure of each run.
    pub(super) fn by_run(&self) -> Vec<Series> {
        let figures = self.all.iter().flat_map(|report| &report.figures);
        gathered(
            figures.map(|one| (one.name.clone(), one.better, one.peer, std::slice::from_ref(&one.value))),
        )
    }

    /// Returns the figures of all rounds.
    pub(super) fn by_round(&self) -> Vec<Series> {
        let samples = self.all.iter().flat_map(|report| &report.samples);
        gathered(samples.map(|one| {
            (format!("{}, {}", one.label, one.column), one.better, one.peer, one.values.as_slice())
        }))
    }
}

fn gathered<'a>(figures: impl Iterator<Item = (String, Option<Better>, bool, &'a [f64])>) -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    for (name, better, peer, values) in figures {
        let Some(better) = better else { continue };
        match all.iter_mut().find(|series| series.name == name) {
            Some(series) => series.values.extend_from_slice(values),
            None => all.push(Series { name, better, peer, values: values.to_vec() }),
        }
    }
    all
}

fn folder(path: &Path) -> Result<Reports, Failure> {
    let failed = |error: &std::io::Error| of(path, &error.to_string());
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| failed(&error))? {
        let file = entry.map_err(|error| failed(&error))?.path();
        if file.extension().is_some_and(|extension| extension == "json") {
            files.push(file);
        }
    }
    files.sort();
    if !(FEWEST..=MOST).contains(&files.len()) {
        return Err(of(path, &format!("has {} reports; {FEWEST} to {MOST} are compared", files.len())));
    }
    let read = |file: &PathBuf| {
        let report = serde_json::from_value(json(file)?);
        report.map_err(|error| of(file, &format!("is no report of this version: {error}")))
    };
    Reports::of(path, files.iter().map(read).collect::<Result<_, _>>()?)
}

fn json(path: &Path) -> Result<serde_json::Value, Failure> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| of(path, &error.to_string()))?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| of(path, &error.to_string()))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(of(path, "is too large"));
    }
    serde_json::from_slice(&bytes).map_err(|error| of(path, &format!("is no JSON: {error}")))
}

fn of(path: &Path, what: &str) -> Failure {
    Failure::new(Exit::Usage, format!("{} {what}", path.display()))
}
