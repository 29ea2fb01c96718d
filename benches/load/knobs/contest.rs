//! Gateways that are measured in turns, and the table of what came of it.

use crate::peers::turned;
use netweave_benches::Result;
use netweave_benches::report::{Report, median, tenth, warmed_up};
use serde_json::{Value, json};
use std::path::Path;

/// One value of one knob, and its name in the last line.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) knob: &'static str,
    pub(super) value: &'static str,
    pub(super) key: &'static str,
    /// The keys of the configuration that differ.
    pub(super) conf: Value,
}

/// Writes a turn.
pub(super) fn turn(knob: &'static str, value: &'static str, key: &'static str, conf: Value) -> Turn {
    Turn { knob, value, key, conf }
}

/// What is done with all gateways of a scene, and what is measured of it.
pub(super) struct Scene<const N: usize> {
    /// Its name in the last line and in the table.
    pub(super) key: &'static str,
    pub(super) load: &'static str,
    /// The figures with their units; the ratio of the first one stands in the last line.
    pub(super) measures: [&'static str; N],
}

/// Measures all in turns, so that what else the machine does meets all alike; the first round does not count.
///
/// Returns the medians of each.
///
/// # Errors
/// As `measure`.
pub(super) async fn rounds<C, const N: usize>(
    all: &mut [C],
    rounds: usize,
    mut measure: impl AsyncFnMut(&mut C) -> Result<[f64; N]>,
) -> Result<Vec<[f64; N]>> {
    let mut figures: Vec<[Vec<f64>; N]> = all.iter().map(|_| std::array::from_fn(|_| Vec::new())).collect();
    for round in 0..=rounds {
        for (one, figures) in turned(all.iter_mut().zip(&mut figures), round) {
            let measured = measure(one).await?;
            for (all, one) in figures.iter_mut().zip(measured).filter(|_| round > 0) {
                all.push(one);
            }
        }
        if round == 0 {
            warmed_up();
        }
    }
    Ok(figures.into_iter().map(|one| one.map(median)).collect())
}

/// The report.
pub(super) struct Table {
    report: Report,
    summary: Vec<String>,
}

impl Table {
    pub(super) fn new() -> Self {
        let columns = &["knob", "value", "measured", "default", "this", "ratio"];
        Self { report: Report::new("knobs", columns), summary: Vec::new() }
    }

    /// Says how a scene is measured.
    pub(super) fn note(&mut self, text: String) {
        self.report.note(text);
    }

    /// Adds a scene: of the medians, the first are those of the default, the others those of the turns.
    pub(super) fn add<const N: usize>(
        &mut self,
        scene: &Scene<N>,
        turns: &[Turn],
        medians: &[[f64; N]],
    ) -> Result<()> {
        self.report.shared();
        let [default, others @ ..] = medians else { return Err("nothing was measured".into()) };
        let unit = scene.measures.first().copied().unwrap_or_default();
        let first = default.first().copied().unwrap_or_default();
        self.summary.push(format!("{}_{}={}", scene.key, unit.replace('/', "_per_"), tenth(first)));
        for (turn, figures) in turns.iter().zip(others) {
            for ((measure, default), this) in scene.measures.iter().zip(default).zip(figures) {
                let ratio = ratio(*default, *this);
                self.report.row(vec![
                    json!(turn.knob),
                    json!(turn.value),
                    json!(format!("{}: {measure}", scene.load)),
                    json!(tenth(*default)),
                    json!(tenth(*this)),
                    json!(ratio),
                ])?;
            }
            let (default, this) = (first, figures.first().copied().unwrap_or_default());
            self.summary.push(format!("{}={}", turn.key, ratio(default, this)));
        }
        Ok(())
    }

    pub(super) fn finish(self, folder: &Path) -> Result<()> {
        self.report.finish(folder, &self.summary.join(" "))
    }
}

/// Returns how much of the default it is, to two digits after the point.
fn ratio(default: f64, this: f64) -> f64 {
    if default > 0.0 { (this / default * 100.0).round() / 100.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_are_measured_in_turns_and_the_first_round_does_not_count() {
        let (mut all, mut order) = ([1.0, 2.0], Vec::new());
        let medians = rounds(&mut all, 3, async |one: &mut f64| {
            order.push(*one);
            let first_round = order.len() <= 2;
            Ok([if first_round { 1000.0 } else { *one }, *one * 2.0])
        });
        assert_eq!(medians.await.unwrap(), [[1.0, 2.0], [2.0, 4.0]]);
        assert_eq!(order, [1.0, 2.0, 2.0, 1.0, 2.0, 1.0, 1.0, 2.0]);
    }

    #[test]
    fn a_ratio_has_two_digits() {
        let ratios = [ratio(3.0, 1.0), ratio(20.0, 25.0), ratio(0.0, 1.0)].map(|ratio| ratio.to_string());
        assert_eq!(ratios, ["0.33", "1.25", "0"]);
    }
}
