//! The format against what its document says, and against the text of the library.

use super::*;
use crate::telemetry::metrics::{Metrics, SECONDS};
use std::collections::{BTreeMap, BTreeSet};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn text(metrics: &Metrics) -> String {
    String::from_utf8(metrics.render_open()).unwrap()
}

fn exemplar(value: f64) -> Exemplar {
    let trace = format!("00-{TRACE}-00f067aa0ba902b7-01").parse().unwrap();
    Exemplar { trace, value, at: 1_700_000_000.25 }
}

#[test]
fn a_counter_is_named_without_its_ending_and_its_sample_with_it() {
    let metrics = Metrics::new().unwrap();
    metrics.http_requests.with_label_values(&["GET", "/a\\b\n\"c\"", "200"]).inc_by(3);
    let text = text(&metrics);
    let wanted = concat!(
        "# TYPE o2ims_http_requests counter\n",
        "# HELP o2ims_http_requests Requests answered\n",
        "o2ims_http_requests_total{method=\"GET\",path=\"/a\\\\b\\n\\\"c\\\"\",status=\"200\"} 3\n",
    );
    assert!(text.contains(wanted), "{text}");
    assert!(text.contains("# TYPE o2ims_up gauge\n# HELP o2ims_up 1 while the gateway serves\no2ims_up 0\n"));
    assert!(text.ends_with("\n# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
}

#[test]
fn an_exemplar_stands_behind_the_bucket_of_its_value() {
    let metrics = Metrics::new().unwrap();
    let labels = ["GET", "/x"];
    for value in [0.7, 20.0] {
        metrics.http_duration.with_label_values(&labels).observe(value);
    }
    let series = metrics.exemplars.series(&metrics.http_duration, &labels, SECONDS);
    series.keep(exemplar(0.7));
    series.keep(exemplar(20.0));
    let text = text(&metrics);
    let name = "o2ims_http_request_duration_seconds";
    for (edge, rest) in [
        ("0.5", "0"),
        ("1.0", &format!("1 # {{trace_id=\"{TRACE}\"}} 0.7 1700000000.250")),
        ("2.5", "1"),
        ("10.0", "1"),
        ("+Inf", &format!("2 # {{trace_id=\"{TRACE}\"}} 20 1700000000.250")),
    ] {
        let line = format!("\n{name}_bucket{{method=\"GET\",path=\"/x\",le=\"{edge}\"}} {rest}\n");
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
    assert!(text.contains(&format!("\n{name}_count{{method=\"GET\",path=\"/x\"}} 2\n")), "{text}");
    assert!(text.contains(&format!("\n{name}_sum{{method=\"GET\",path=\"/x\"}} 20.7\n")), "{text}");
}

/// The samples of a text: edges as numbers, in whatever form they are written.
fn samples(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.map(|line| {
        let (name, value) = line.split(" # ").next().unwrap().rsplit_once(' ').unwrap();
        (name.replace(".0\"}", "\"}"), value.to_owned())
    });
    samples.collect()
}

#[test]
fn both_formats_hold_the_same_samples_and_no_name_is_that_of_two_families() {
    let metrics = Metrics::new().unwrap();
    metrics.http_response_size.with_label_values(&["/x"]).observe(300.0);
    metrics.webhook_latency.with_label_values(&["first"]).observe(0.2);
    metrics.source_age.with_label_values(&["lab"]).set(f64::NAN);
    metrics.resources.with_label_values(&["lab", "pool"]).set(-1);
    let (open, plain) = (text(&metrics), String::from_utf8(metrics.render().unwrap()).unwrap());
    assert_eq!(samples(&open), samples(&plain));
    let named: Vec<&str> = open.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let different: BTreeSet<&str> = named.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(different.len(), named.len(), "{named:?}");
}

#[test]
fn the_format_is_written_for_who_would_rather_have_it() {
    // Source: the headers of Prometheus 2.42 and 3.0.
    let old = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    let new = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    for asks in [old, new, "application/openmetrics-text", "application/openmetrics-text; version=\"1.0.0\""]
    {
        assert!(is_asked_for(asks), "{asks}");
    }
    for does_not in [
        "",
        "*/*",
        "text/plain;version=0.0.4",
        "application/openmetrics-text;version=0.0.1",
        "application/openmetrics-text;q=0",
        "application/openmetrics-text;q=0.2, text/plain;q=0.5",
        "application/openmetrics-text;q=x",
    ] {
        assert!(!is_asked_for(does_not), "{does_not}");
    }
}
