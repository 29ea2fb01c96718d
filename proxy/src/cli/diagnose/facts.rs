//! What the gateways told, twice, and questions to it.

use super::Finding;
use crate::cli::exposition::{Sample, Samples};
use crate::cli::gateways::Told;
use crate::ops::Check;
use netweave_model::Timestamp;
use std::collections::BTreeMap;

/// One gateway.
#[derive(Debug)]
pub(super) struct Pod {
    /// Its operations listener.
    pub(super) url: String,
    /// What it measured at first; empty if it did not answer.
    before: Samples,
    /// What it measures now; `None` if it does not answer.
    pub(super) now: Option<Samples>,
    /// The checks of its readiness.
    pub(super) checks: Vec<Check>,
    /// Why it does not answer.
    pub(super) silence: String,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Facts {
    /// The gateways.
    pub(super) pods: Vec<Pod>,
    /// When that was.
    pub(super) at: Timestamp,
}

impl Facts {
    /// Joins two looks at the same gateways.
    pub(super) fn new(before: &[Told], after: &[Told], at: Timestamp) -> Self {
        let pod = |(before, after): (&Told, &Told)| Pod {
            url: after.url.as_str().trim_end_matches('/').to_owned(),
            before: before.samples().unwrap_or_default(),
            now: after.samples(),
            checks: after.checks(),
            silence: after.metrics.as_ref().err().cloned().unwrap_or_default(),
        };
        Self { pods: before.iter().zip(after).map(pod).collect(), at }
    }

    /// Returns the gateways that answer, with what they measure.
    pub(super) fn answering(&self) -> impl Iterator<Item = (&Pod, &Samples)> {
        self.pods.iter().filter_map(|pod| Some((pod, pod.now.as_ref()?)))
    }

    /// Returns a gauge of each gateway that answers and has it.
    pub(super) fn each(&self, name: &str, keep: impl Fn(&Sample) -> bool) -> Vec<(&str, f64)> {
        self.answering().filter_map(|(pod, now)| Some((pod.url.as_str(), now.one(name, &keep)?))).collect()
    }

    /// Returns the greatest value of a gauge.
    pub(super) fn max(&self, name: &str, keep: impl Fn(&Sample) -> bool) -> Option<f64> {
        self.each(name, keep).into_iter().map(|(_, value)| value).reduce(f64::max)
    }

    /// Returns the least value of a gauge over all series that `keep` keeps.
    pub(super) fn min(&self, name: &str, keep: impl Fn(&Sample) -> bool) -> Option<f64> {
        let all = self.answering().flat_map(|(_, samples)| samples.of(name).filter(|one| keep(one)));
        all.map(|sample| sample.value).reduce(f64::min)
    }

    /// Returns the greatest value of a gauge by a label, where it is above 0.
    pub(super) fn greatest_by(&self, name: &str, label: &str) -> BTreeMap<String, f64> {
        let mut all = BTreeMap::new();
        for sample in self.answering().flat_map(|(_, samples)| samples.of(name)) {
            let greatest = all.entry(sample.label(label).to_owned()).or_insert(0.0);
            *greatest = sample.value.max(*greatest);
        }
        all.retain(|_, greatest| *greatest > 0.0);
        all
    }

    /// Returns what a counter has counted since the processes began.
    pub(super) fn total(&self, name: &str, keep: impl Fn(&Sample) -> bool) -> f64 {
        self.answering().map(|(_, samples)| samples.sum(name, &keep)).sum()
    }

    /// Returns what a counter has counted between the two looks.
    pub(super) fn grown(&self, name: &str, keep: impl Fn(&Sample) -> bool) -> f64 {
        // A process that began anew has counted from nothing.
        let grown = |pod: &Pod, now: &Samples| {
            let (before, now) = (pod.before.sum(name, &keep), now.sum(name, &keep));
            if now < before { now } else { now - before }
        };
        self.answering().map(|(pod, now)| grown(pod, now)).sum()
    }

    /// Returns what a counter has counted between the two looks, by a label; without a label's values that did not grow.
    pub(super) fn grown_by(
        &self,
        name: &str,
        label: &str,
        keep: impl Fn(&Sample) -> bool,
    ) -> BTreeMap<String, f64> {
        let kept = |sample: &&Sample| keep(sample);
        let values = self.answering().flat_map(|(_, samples)| samples.of(name).filter(kept));
        let mut all: BTreeMap<String, f64> =
            values.map(|sample| (sample.label(label).to_owned(), 0.0)).collect();
        for (value, grown) in &mut all {
            *grown = self.grown(name, |sample| keep(sample) && sample.label(label) == value);
        }
        all.retain(|_, grown| *grown > 0.0);
        all
    }

    /// Returns the mean of a histogram's values between the two looks, in seconds; `None` if nothing was counted.
    pub(super) fn mean(&self, name: &str, keep: impl Fn(&Sample) -> bool) -> Option<f64> {
        let count = self.grown(&format!("{name}_count"), &keep);
        (count > 0.0).then(|| self.grown(&format!("{name}_sum"), &keep) / count)
    }

    /// Returns the part of a histogram's values between the two looks that are above an edge.
    pub(super) fn above(&self, name: &str, edge: &str, keep: impl Fn(&Sample) -> bool) -> Option<f64> {
        let count = self.grown(&format!("{name}_count"), &keep);
        let below = self.grown(&format!("{name}_bucket"), |one| keep(one) && one.label("le") == edge);
        (count > 0.0).then(|| 1.0 - below / count)
    }

    /// Says what was looked at.
    pub(super) fn seen(&self) -> Vec<String> {
        let line = |pod: &Pod| {
            let bad: Vec<&str> = pod
                .checks
                .iter()
                .filter(|check| !check.ok || check.degraded)
                .map(|check| check.name.as_str())
                .collect();
            match &pod.now {
                None => format!("{} does not answer: {}", pod.url, pod.silence),
                Some(_) if bad.is_empty() => format!("{} answers, and is ready", pod.url),
                Some(_) => format!("{} answers; not as usual: {}", pod.url, bad.join(", ")),
            }
        };
        self.pods.iter().map(line).collect()
    }

    /// Returns what readiness says of a check, at each gateway where it is degraded.
    pub(super) fn degraded(&self, name: &str) -> Vec<String> {
        let of = |pod: &Pod| {
            let check = pod.checks.iter().find(|check| check.name.starts_with(name) && check.degraded)?;
            Some(format!("{}: {}: {}", pod.url, check.name, check.detail))
        };
        self.pods.iter().filter_map(of).collect()
    }
}

/// Makes a finding.
pub(super) fn finding(cause: &'static str, sentence: String, evidence: Vec<String>) -> Finding {
    Finding { cause, sentence, evidence }
}

/// Keeps every sample.
pub(super) fn any(_: &Sample) -> bool {
    true
}

/// Keeps the samples with that value of a label.
pub(super) fn with<'a>(label: &'a str, value: &'a str) -> impl Fn(&Sample) -> bool + 'a {
    move |sample| sample.label(label) == value
}

/// Writes counts by a label, the greatest first.
pub(super) fn listed(counts: &BTreeMap<String, f64>) -> String {
    let mut all: Vec<(&String, &f64)> = counts.iter().collect();
    all.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    all.iter().map(|(name, count)| format!("{name} {count:.0}")).collect::<Vec<_>>().join(", ")
}
