//! Metrics as `OpenMetrics` text, which has a place for exemplars; the library writes the format 0.0.4 only.
//!
//! Source: `OpenMetrics` 1.0.0: text format, "Overall structure", "Canonical numbers", "Exemplars".

use super::exemplars::{Exemplar, Exemplars, Series};
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};
use std::sync::Arc;

/// What the name of a counter's sample ends with, and the name of its family does not.
const TOTAL: &str = "_total";

/// Writes all families.
pub fn encode(families: &[MetricFamily], exemplars: &Exemplars) -> String {
    let mut page = Page(String::with_capacity(64 * 1024));
    for family in families {
        page.family(family, exemplars);
    }
    page.0.push_str("# EOF\n");
    page.0
}

/// Says whether `OpenMetrics` is what a client would rather have than the text format 0.0.4.
///
/// `accept` is the whole header. Without a word of it the answer is no, so that what reads the older format goes on doing so.
/// Source: RFC 9110, 12.5.1.
pub fn is_asked_for(accept: &str) -> bool {
    let (mut open, mut text) = (0.0, 0.0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or("");
        let mut weight = 1.0;
        let mut known = true;
        for (key, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
            match key.trim() {
                "q" | "Q" => weight = value.trim().parse::<f64>().unwrap_or(0.0),
                "version" => known = value.trim().trim_matches('"') == "1.0.0",
                _ => {}
            }
        }
        if known && name.eq_ignore_ascii_case("application/openmetrics-text") {
            open = f64::max(open, weight);
        } else if name.eq_ignore_ascii_case("text/plain") {
            text = f64::max(text, weight);
        }
    }
    open > 0.0 && open >= text
}

/// What is written so far.
struct Page(String);

/// One sample: the ending of its name, its bucket's edge, its value, its exemplar.
#[derive(Default)]
struct Sample {
    ending: &'static str,
    edge: Option<f64>,
    value: f64,
    exemplar: Option<Exemplar>,
}

impl Page {
    fn family(&mut self, family: &MetricFamily, exemplars: &Exemplars) {
        let (name, kind) = match family.get_field_type() {
            MetricType::COUNTER => (family.name().strip_suffix(TOTAL).unwrap_or(family.name()), "counter"),
            MetricType::GAUGE => (family.name(), "gauge"),
            MetricType::HISTOGRAM => (family.name(), "histogram"),
            // The gateway has none of these.
            MetricType::SUMMARY | MetricType::UNTYPED => return,
        };
        self.put(&["# TYPE ", name, " ", kind, "\n# HELP ", name, " "]);
        self.escaped(family.help());
        self.put(&["\n"]);
        for metric in family.get_metric() {
            match kind {
                "counter" => {
                    let value = metric.get_counter().get_value();
                    self.sample(name, metric, &Sample { ending: TOTAL, value, ..Sample::default() });
                }
                "gauge" => {
                    let value = metric.get_gauge().get_value();
                    self.sample(name, metric, &Sample { value, ..Sample::default() });
                }
                _ => {
                    let labels = metric.get_label().iter().map(|label| label.value().to_owned());
                    self.histogram(name, metric, exemplars.find(name, labels).as_ref());
                }
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn histogram(&mut self, name: &str, metric: &Metric, series: Option<&Arc<Series>>) {
        let histogram = metric.get_histogram();
        let all = histogram.get_sample_count() as f64;
        let within = histogram
            .get_bucket()
            .iter()
            .map(|bucket| (bucket.upper_bound(), bucket.cumulative_count() as f64));
        let finite = within.filter(|(edge, _)| edge.is_finite());
        for (place, (edge, value)) in finite.chain([(f64::INFINITY, all)]).enumerate() {
            let exemplar = series.and_then(|series| series.of(place));
            self.sample(name, metric, &Sample { ending: "_bucket", edge: Some(edge), value, exemplar });
        }
        let sum = histogram.get_sample_sum();
        for (ending, value) in [("_count", all), ("_sum", sum)] {
            self.sample(name, metric, &Sample { ending, value, ..Sample::default() });
        }
    }

    fn sample(&mut self, name: &str, metric: &Metric, sample: &Sample) {
        self.put(&[name, sample.ending]);
        self.labels(metric.get_label(), sample.edge);
        self.put(&[" ", &number(sample.value)]);
        if let Some(Exemplar { trace, value, at }) = &sample.exemplar {
            self.put(&[
                " # {trace_id=\"",
                &trace.id_text(),
                "\"} ",
                &number(*value),
                " ",
                &format!("{at:.3}"),
            ]);
        }
        self.put(&["\n"]);
    }

    fn labels(&mut self, labels: &[LabelPair], edge: Option<f64>) {
        let mut before = "{";
        for label in labels {
            self.put(&[before, label.name(), "=\""]);
            self.escaped(label.value());
            self.put(&["\""]);
            before = ",";
        }
        if let Some(edge) = edge {
            self.put(&[before, "le=\"", &canonical(edge), "\""]);
            before = ",";
        }
        if before == "," {
            self.put(&["}"]);
        }
    }

    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                '"' => self.0.push_str("\\\""),
                other => self.0.push(other),
            }
        }
    }

    fn put(&mut self, parts: &[&str]) {
        for part in parts {
            self.0.push_str(part);
        }
    }
}

fn number(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}

/// Writes the edge of a bucket: always the same digits for the same number, with a point.
fn canonical(edge: f64) -> String {
    if edge.is_finite() && edge.fract() == 0.0 { format!("{edge:.1}") } else { number(edge) }
}

#[cfg(test)]
mod tests;
