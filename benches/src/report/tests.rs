use super::figures::Samples;
use super::*;
use crate::heap;
use crate::session::End;
use serde_json::json;
use std::time::Duration;

const COLUMNS: &[&str] = &["loop", "server", "round", "p50_us", "cpu_us"];

fn book() -> Book {
    let mut book = Book::new("cache-hit", COLUMNS);
    book.notes.push("Served by <nginx> & others.".to_owned());
    for (server, cpu) in [("netweave", 20.0), ("nginx", 13.0)] {
        for round in 1..=5 {
            let mut latency = Histogram::new_with_max(crate::drive::LONGEST_NS, 3).unwrap();
            for micros in 100..1100_u64 {
                latency.record(micros * 1000).unwrap();
            }
            let cells = vec![
                json!("open"),
                json!(server),
                json!(round),
                json!(600),
                json!(cpu + f64::from(round) / 10.0),
            ];
            book.rows.push(Row { cells, faults: Vec::new(), latency: Some(latency) });
        }
    }
    book
}

fn written(book: &Book) -> (Value, String, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let line = book.write(folder.path(), "cpu_us_2k=20.3 nginx_2k=13.3").unwrap();
    let read = |form: &str| std::fs::read_to_string(folder.path().join(format!("cache-hit.{form}"))).unwrap();
    (serde_json::from_str(&read("json")).unwrap(), read("md"), read("html"), line)
}

#[test]
fn the_median_is_the_middle_whatever_the_order() {
    assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    assert!(median(Vec::new()).abs() < f64::EPSILON);
}

#[test]
fn a_report_has_rows_samples_and_latencies_in_each_form() {
    let (json, markdown, html, line) = written(&book());
    assert_eq!(line, "cache-hit: cpu_us_2k=20.3 nginx_2k=13.3");
    assert_eq!((&json["valid"], &json["interrupted"]), (&json!(true), &json!(false)));
    assert_eq!(json["rows"][0]["server"], "netweave");
    assert_eq!(
        json["figures"][1],
        json!({ "name": "nginx_2k", "value": 13.3, "better": "lower", "peer": true })
    );
    let cpu = json["samples"].as_array().unwrap().iter().find(|one| one["column"] == "cpu_us").unwrap();
    assert_eq!((&cpu["label"], &cpu["values"][4]), (&json!("open netweave"), &json!(20.5)));
    assert_eq!(json["latencies"][0]["count"], 5000);
    let p99 = json["latencies"][0]["us"]["p99"].as_f64().unwrap();
    assert!((1085.0..1095.0).contains(&p99), "{p99}");
    assert!(markdown.contains("| loop | server | round | p50_us | cpu_us |"), "{markdown}");
    assert!(
        html.contains("Served by &lt;nginx&gt; &amp; others.") && html.contains(">20.3 (20.1 to 20.5)<"),
        "{html}"
    );
    for never in ["<script", "http://", "https://", "url(", "<link", "<img"] {
        assert!(!html.contains(never), "{never}");
    }
    let count = |what: &str| html.matches(what).count();
    assert_eq!((count("<svg"), count("</svg>")), (2, 2), "bars and one diagram of two lines");
    assert_eq!(count("<polyline"), 2);
}

#[test]
fn a_page_shows_who_held_the_memory_of_each_gateway() {
    let held = |function: &str| heap::Holder { function: function.to_owned(), bytes: 3 << 20 };
    let profile = |name: &str| heap::Profile {
        name: name.to_owned(),
        bytes: 4 << 20,
        holders: vec![held("<netweave::View as Clone>::clone")],
        flame: format!("<svg class=\"flame\">{name}</svg>"),
    };
    let about = book::Circumstances {
        heaps: vec![profile("list-1000"), profile("list-10000")],
        ..book::Circumstances::now()
    };
    let page = html::page(&book(), "", &about).unwrap();
    assert_eq!(page.matches(heap::TITLE).count(), 1);
    for part in
        ["<h3>list-1000: 4.0 MiB</h3>", "<h3>list-10000: 4.0 MiB</h3>", "<svg class=\"flame\">list-10000"]
    {
        assert!(page.contains(part), "{part}");
    }
    let row = "<tr><td>&lt;netweave::View as Clone&gt;::clone</td><td>3.0</td><td>75.0 %</td></tr>";
    assert_eq!(page.matches(row).count(), 2, "{page}");
}

#[test]
fn an_invalid_row_is_marked_in_every_form() {
    let mut book = book();
    book.rows[1].faults.push("the generator was the bottleneck".to_owned());
    let (json, markdown, html, line) = written(&book);
    let fault = "open netweave: the generator was the bottleneck";
    assert_eq!((&json["valid"], &json["faults"][0]), (&json!(false), &json!(fault)));
    assert_eq!(json["rows"][1]["invalid"], "the generator was the bottleneck");
    assert!(
        markdown.contains(&format!("**INVALID: {fault}**")) && markdown.contains("| INVALID\n"),
        "{markdown}"
    );
    assert!(
        html.contains(&format!("<p class=\"invalid\">INVALID: {fault}</p>"))
            && html.contains("<tr class=\"invalid\"")
    );
    assert!(line.ends_with(" invalid=1"), "{line}");
    assert!(book.rows[1].shown(COLUMNS).ends_with("INVALID: the generator was the bottleneck"));
}

#[test]
fn an_interrupted_report_says_so_and_keeps_its_rows() {
    let mut book = book();
    book.interrupted = true;
    let (json, markdown, html, _) = written(&book);
    assert_eq!((&json["interrupted"], json["rows"].as_array().unwrap().len()), (&json!(true), 10));
    assert!(markdown.contains("INTERRUPTED") && html.contains("INTERRUPTED"));
}

/// One test, as there is one session in a process.
#[test]
fn the_report_of_a_bench_that_does_not_come_to_its_end_is_written_by_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let written = || -> Value {
        serde_json::from_slice(&std::fs::read(folder.path().join("cache-hit.json")).unwrap()).unwrap()
    };
    let open = || session::opened(&Arc::new(Mutex::new(book())));
    open();
    let line = session::broken_off(folder.path(), End::Interrupted).unwrap();
    assert!(line.is_some_and(|line| line.contains(": interrupted=1")));
    assert_eq!(written()["interrupted"], json!(true));
    assert!(session::broken_off(folder.path(), End::Interrupted).unwrap().is_none(), "it is written once");

    open();
    let line = session::broken_off(folder.path(), End::Failed("status 503".to_owned())).unwrap();
    assert!(line.is_some_and(|line| line.ends_with(": failed=1 invalid=1")));
    let json = written();
    assert_eq!((&json["valid"], &json["faults"][0]), (&json!(false), &json!("the bench failed: status 503")));
    assert_eq!(
        (&json["summary"], json["rows"].as_array().unwrap().len()),
        (&json!("failed=1 invalid=1"), 10)
    );

    open();
    session::closed();
    let failed = End::Failed("reads failed".to_owned());
    assert!(session::broken_off(folder.path(), failed).unwrap().is_none(), "it was complete");
}

#[test]
fn bars_of_nothing_are_no_fault() {
    let none = Samples {
        label: String::new(),
        column: "cpu_us",
        better: figures::Better::Lower,
        peer: false,
        values: vec![0.0],
    };
    assert!(chart::bars("nothing", &[&none]).unwrap().contains("</svg>"));
}

#[test]
fn latencies_of_a_bench_of_its_own_are_microseconds() {
    let mut report = Report { book: Arc::new(Mutex::new(book())), latency: None };
    let mut own = Histogram::<u64>::new_with_max(60_000_000, 3).unwrap();
    own.record(1500).unwrap();
    report.latency(&own).unwrap();
    let nanos = report.latency.unwrap().max();
    assert!(
        Duration::from_nanos(nanos).abs_diff(Duration::from_micros(1500)) < Duration::from_micros(3),
        "{nanos}"
    );
}
