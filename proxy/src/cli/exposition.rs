//! Reads what `/metrics` answers: the Prometheus text format 0.0.4.

use netweave_model::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// Within this time a refusal is recent: a service that fails tries again after 30 s at the latest.
const RECENT: Duration = Duration::from_mins(1);

/// The samples of one answer, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Samples(Vec<Sample>);

/// One value of one series.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    /// The name of the family; of a histogram with its ending.
    pub(super) name: String,
    labels: Vec<(String, String)>,
    /// The value.
    pub(super) value: f64,
}

impl Sample {
    /// Returns the value of a label; empty without it.
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

impl Samples {
    /// Reads an answer; comments, and lines that are no samples, are left out.
    pub(super) fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(sample).collect())
    }

    /// Returns the samples of that name.
    pub(super) fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> + 'a {
        self.0.iter().filter(move |sample| sample.name == name)
    }

    /// Adds up the samples of that name that `keep` keeps; 0 if there is none.
    pub(super) fn sum(&self, name: &str, keep: impl Fn(&Sample) -> bool) -> f64 {
        // Not `sum`, which makes -0 of nothing.
        self.of(name).filter(|sample| keep(sample)).fold(0.0, |sum, sample| sum + sample.value)
    }

    /// Returns the first sample of that name that `keep` keeps.
    pub(super) fn one(&self, name: &str, keep: impl Fn(&Sample) -> bool) -> Option<f64> {
        self.of(name).find(|sample| keep(sample)).map(|sample| sample.value)
    }

    /// Returns the calls that a Redis server has refused of late because the user lacks a right.
    pub(super) fn denied(&self, now: Timestamp) -> BTreeSet<&str> {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
        let recent = |sample: &&Sample| Timestamp((sample.value * 1000.0) as i64) > now.minus(RECENT);
        let all = self.of("netweave_redis_denied_timestamp_seconds").filter(recent);
        all.map(|sample| sample.label("command")).collect()
    }

    /// Joins the samples of several processes, so that sums go over all of them.
    pub(super) fn joined<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        Self(all.into_iter().flat_map(|samples| samples.0.iter().cloned()).collect())
    }

    /// Estimates a quantile of the histogram of that name, as Prometheus does, over the series that `keep` keeps.
    ///
    /// `None` if nothing was counted. What lies above the last edge counts as the last edge.
    pub(super) fn quantile(&self, quantile: f64, name: &str, keep: impl Fn(&Sample) -> bool) -> Option<f64> {
        let buckets = self.buckets(&format!("{name}_bucket"), keep);
        let total = buckets.last()?.1;
        let rank = quantile * total;
        let at = buckets.iter().position(|(_, count)| *count >= rank).filter(|_| total > 0.0)?;
        let (edge, count) = *buckets.get(at)?;
        let below = at.checked_sub(1).and_then(|before| buckets.get(before)).copied();
        let (low, less) = below.unwrap_or((0.0, 0.0));
        if edge.is_infinite() || count <= less {
            return Some(low);
        }
        Some(low + (edge - low) * (rank - less) / (count - less))
    }

    /// Returns edges with how many values are not above them, ascending.
    fn buckets(&self, name: &str, keep: impl Fn(&Sample) -> bool) -> Vec<(f64, f64)> {
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        for sample in self.of(name).filter(|sample| keep(sample)) {
            let Some(edge) = number(sample.label("le")) else { continue };
            match buckets.iter_mut().find(|(known, _)| known.total_cmp(&edge).is_eq()) {
                Some((_, count)) => *count += sample.value,
                None => buckets.push((edge, sample.value)),
            }
        }
        buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        buckets
    }
}

fn sample(line: &str) -> Option<Sample> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (name, labels, rest) = match line.find(['{', ' '])? {
        at if line.as_bytes().get(at) == Some(&b'{') => {
            let (name, rest) = line.split_at_checked(at)?;
            let (labels, rest) = labels(rest.strip_prefix('{')?)?;
            (name, labels, rest)
        }
        at => {
            let (name, rest) = line.split_at_checked(at)?;
            (name, Vec::new(), rest)
        }
    };
    let value = number(rest.split_whitespace().next()?)?;
    Some(Sample { name: name.to_owned(), labels, value })
}

/// Reads labels up to the closing brace; returns what follows it.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = quoted(after)?;
        labels.push((name.trim().to_owned(), value));
        rest = after;
    }
}

/// Reads up to the closing quote; returns what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.split_at_checked(at + 1)?.1)),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

fn number(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        other => other.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
# HELP a_total Things
# TYPE a_total counter
a_total{path="/x",status="200"} 7
a_total{path="/y \"q\" {b}, c",status="503"} 3 1700000000
up 1
age NaN
t_bucket{le="0.1"} 50
t_bucket{le="0.5"} 90
t_bucket{le="+Inf"} 100
no sample
"#;

    #[test]
    fn samples_have_names_labels_and_values() {
        let samples = Samples::parse(TEXT);
        let failed = |sample: &Sample| sample.label("status").starts_with('5');
        assert_eq!((samples.sum("a_total", failed), samples.sum("a_total", |_| true)), (3.0, 10.0));
        assert_eq!(samples.of("a_total").nth(1).map(|one| one.label("path")), Some("/y \"q\" {b}, c"));
        assert_eq!((samples.one("up", |_| true), samples.one("down", |_| true)), (Some(1.0), None));
        assert!(samples.one("age", |_| true).is_some_and(f64::is_nan));
        assert_eq!(Samples::joined([&samples, &samples]).of("up").count(), 2);
    }

    #[test]
    fn quantiles_lie_between_edges() {
        let samples = Samples::parse(TEXT);
        let quantile = |q: f64| samples.quantile(q, "t", |_| true).unwrap();
        assert!((quantile(0.5) - 0.1).abs() < 1e-9);
        assert!((quantile(0.7) - 0.3).abs() < 1e-9);
        assert!((quantile(0.99) - 0.5).abs() < 1e-9, "nothing is known above the last edge");
        assert_eq!(Samples::default().quantile(0.99, "t", |_| true), None);
    }

    #[test]
    fn what_this_process_measures_is_read_back() {
        let metrics = crate::telemetry::metrics::Metrics::new().unwrap();
        metrics.up.set(1);
        metrics.http_duration.with_label_values(&["GET", "/o2ims"]).observe(0.2);
        let samples = Samples::parse(&String::from_utf8(metrics.render().unwrap()).unwrap());
        assert_eq!(samples.one("o2ims_up", |_| true), Some(1.0));
        let p99 = samples.quantile(0.99, "o2ims_http_request_duration_seconds", |_| true);
        assert!(p99.is_some_and(|p99| (0.1..=0.25).contains(&p99)), "{p99:?}");
    }
}
