//! `netweave bench compare`: what became faster or slower from one set of reports to another, and what only varied.

use super::change::{Change, FEWEST, Interval, median};
use super::reports::{Better, Named, Reports, Series};
use crate::cli::{Exit, Failure, Output, Process};
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What was before: a JSON report, a folder of at least 5, or a baseline
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// What is now
    #[arg(value_name = "AFTER")]
    after: PathBuf,
    /// Exits 1 if anything of the gateway is slower, or larger, by more than this
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_slower: Option<f64>,
    /// The form of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// What is said of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Verdict {
    NoChange,
    Better,
    Worse,
    NotJudged,
}

/// One figure of both sets.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Compared {
    name: String,
    peer: bool,
    better: Better,
    /// The medians.
    before: f64,
    after: f64,
    verdict: Verdict,
    /// How much better or worse, in percent of what was before, unless that was zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<f64>,
    /// Its kind is the name of the member.
    #[serde(flatten)]
    interval: Option<Interval>,
}

/// The result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Comparison {
    bench: String,
    /// What a figure is of: `run` or `round`.
    each: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    figures: Vec<Compared>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<Missing>,
}

/// A figure of one set only.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Missing {
    name: String,
    peer: bool,
    /// Where it is missing: `before` or `after`.
    from: &'static str,
}

pub(super) fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let (before, after) = (Named::read(&args.before)?, Named::read(&args.after)?);
    let bench = before.bench().or_else(|| after.bench());
    let before = before.reports(&args.before, bench.as_deref())?;
    let after = after.reports(&args.after, bench.as_deref())?;
    let comparison = Comparison::of(&before, &after)?;
    match args.output {
        Output::Json => process.out.json(&comparison)?,
        Output::Text => comparison.print(process)?,
    }
    if comparison.count(Verdict::NotJudged) == comparison.figures.len() {
        let few = format!("nothing could be judged: {FEWEST} runs or rounds of the same figure are needed");
        return Err(Failure::new(Exit::Failed, few));
    }
    let slower = args.fail_slower.is_some_and(|percent| comparison.is_slower_by(percent));
    Ok(if slower { Exit::Failed } else { Exit::Done })
}

impl Comparison {
    fn of(before: &Reports, after: &Reports) -> Result<Self, Failure> {
        if before.bench != after.bench {
            let what = format!("{} cannot be compared with {}", before.bench, after.bench);
            return Err(Failure::new(Exit::Usage, what));
        }
        let runs = before.has_runs() && after.has_runs();
        let series = |of: &Reports| if runs { of.by_run() } else { of.by_round() };
        let (then, now) = (series(before), series(after));
        let figures = then.iter().filter_map(|one| Some(Compared::of(one, find(&now, one)?)));
        let missing = missing(&then, &now, "after").chain(missing(&now, &then, "before"));
        let warning = (before.class != after.class)
            .then(|| format!("measured on different machines: {} and {}", before.class, after.class));
        let each = if runs { "run" } else { "round" };
        let (figures, missing) = (figures.collect(), missing.collect());
        Ok(Self { bench: before.bench.clone(), each, warning, figures, missing })
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.figures.iter().filter(|one| one.verdict == verdict).count()
    }

    /// Says whether a figure of the gateway is worse by more than some percent, was zero and is worse, or is not there any more.
    fn is_slower_by(&self, percent: f64) -> bool {
        let mut own = self.figures.iter().filter(|one| !one.peer && one.verdict == Verdict::Worse);
        own.any(|one| one.percent.is_none_or(|found| found > percent))
            || self.missing.iter().any(|one| !one.peer && one.from == "after")
    }

    fn print(&self, process: &mut Process) -> Result<(), Failure> {
        if let Some(warning) = &self.warning {
            process.out.line(&format!("warning: {warning}"))?;
        }
        let rows: Vec<Vec<String>> = self.figures.iter().map(Compared::row).collect();
        process
            .out
            .table(&["FIGURE", "BEFORE", "AFTER", "CHANGE", "95 % INTERVAL OF RATIO OR DIFFERENCE"], &rows)?;
        for one in &self.missing {
            process.out.line(&format!("missing {}: {}", one.from, one.name))?;
        }
        let count = |verdict| self.count(verdict);
        process.out.line(&format!(
            "{}, by {}: {} better, {} worse, {} without a change beyond noise, {} not judged. By chance alone, one of twenty differs.",
            self.bench,
            self.each,
            count(Verdict::Better),
            count(Verdict::Worse),
            count(Verdict::NoChange),
            count(Verdict::NotJudged)
        ))
    }
}

fn find<'a>(all: &'a [Series], one: &Series) -> Option<&'a Series> {
    all.iter().find(|other| other.name == one.name)
}

/// Returns what one set has and the other one has not.
fn missing(all: &[Series], others: &[Series], from: &'static str) -> impl Iterator<Item = Missing> {
    let only = all.iter().filter(|one| find(others, one).is_none());
    only.map(move |one| Missing { name: one.name.clone(), peer: one.peer, from })
}

impl Compared {
    fn of(before: &Series, after: &Series) -> Self {
        let change = Change::between(&before.values, &after.values);
        let lower = before.better == Better::Lower;
        let verdict = match change.map(|change| (change.shrank(), change.grew())) {
            None => Verdict::NotJudged,
            Some((false, false)) => Verdict::NoChange,
            Some((shrank, _)) if shrank == lower => Verdict::Better,
            Some(_) => Verdict::Worse,
        };
        let real = change.filter(|_| verdict != Verdict::NoChange);
        Self {
            name: before.name.clone(),
            peer: before.peer,
            better: before.better,
            before: median(&before.values),
            after: median(&after.values),
            verdict,
            percent: real.and_then(|change| change.percent()),
            interval: change.map(|change| change.interval),
        }
    }

    fn row(&self) -> Vec<String> {
        let peer = if self.peer { " (peer)" } else { "" };
        let interval = self.interval.map(|interval| match interval {
            Interval::Ratio([low, high]) => format!("{low:.3} to {high:.3}"),
            Interval::Difference([low, high]) => format!("by {} to {}", short(low), short(high)),
        });
        vec![
            format!("{}{peer}", self.name),
            short(self.before),
            short(self.after),
            self.change(),
            interval.unwrap_or_default(),
        ]
    }

    /// Says it in words, such as `slower by 4.2 % (20.8 to 21.7)`.
    fn change(&self) -> String {
        let (worse, better) = self.words();
        let word = match self.verdict {
            Verdict::NoChange => return "no change".to_owned(),
            Verdict::NotJudged => return "not judged".to_owned(),
            Verdict::Worse => worse,
            Verdict::Better => better,
        };
        let by = self.percent.map(|percent| format!(" by {percent:.1} %")).unwrap_or_default();
        format!("{word}{by} ({} to {})", short(self.before), short(self.after))
    }

    /// Returns the words for worse and better.
    fn words(&self) -> (&'static str, &'static str) {
        let has = |parts: &[&str]| self.name.split(['_', ' ']).any(|word| parts.contains(&word));
        if has(&["kib", "mib", "bytes"]) {
            return ("larger", "smaller");
        }
        if has(&["failed", "lost"]) {
            return ("more", "fewer");
        }
        if has(&["percent", "held"]) { ("worse", "better") } else { ("slower", "faster") }
    }
}

/// Writes a figure with what digits a reader needs.
fn short(figure: f64) -> String {
    if figure.abs() >= 1000.0 {
        return format!("{figure:.0}");
    }
    let text = if figure.abs() < 0.1 { format!("{figure:.4}") } else { format!("{figure:.2}") };
    match text.trim_end_matches('0').trim_end_matches('.') {
        "-0" => "0".to_owned(),
        short => short.to_owned(),
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let percent: f64 = text.parse().map_err(|_not_one| "write a number of percent, such as 5".to_owned())?;
    if percent.is_finite() && percent >= 0.0 { Ok(percent) } else { Err("write 0 or more".to_owned()) }
}

#[cfg(test)]
mod tests;
