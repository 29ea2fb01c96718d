use super::*;
use serde_json::{Value, json};
use std::path::Path;

/// A report with CPU times of the gateway and of nginx in each round, and a summary.
fn report(cpu: f64, nginx: f64, rate: f64) -> Value {
    let rounds = |figure: f64| (0..5).map(|n| figure * (1.0 + f64::from(n) / 500.0)).collect::<Vec<_>>();
    json!({
        "bench": "cache-hit", "valid": true, "faults": [], "interrupted": false, "machine": { "class": "cpu-2" },
        "figures": [
            { "name": "cpu_us_2k", "value": cpu, "better": "lower", "peer": false },
            { "name": "nginx_2k", "value": nginx, "better": "lower", "peer": true },
        ],
        "samples": [
            { "label": "closed netweave 2k", "column": "cpu_us", "better": "lower", "peer": false, "values": rounds(cpu) },
            { "label": "closed netweave 2k", "column": "req/s", "better": "higher", "peer": false, "values": rounds(rate) },
            { "label": "closed nginx 2k", "column": "cpu_us", "better": "lower", "peer": true, "values": rounds(nginx) },
            { "label": "open netweave 2k", "column": "p99_us", "better": "lower", "peer": false, "values": [400] },
        ],
    })
}

fn put(folder: &Path, name: &str, value: &Value) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, value.to_string()).unwrap();
    path
}

fn reports(path: &Path) -> Reports {
    Named::read(path).unwrap().reports(path, None).unwrap()
}

fn told(comparison: &Comparison) -> Vec<(String, String)> {
    comparison.figures.iter().map(|one| (one.name.clone(), one.change())).collect()
}

#[test]
fn two_reports_are_compared_by_their_rounds() {
    let folder = tempfile::tempdir().unwrap();
    let before = reports(&put(folder.path(), "a.json", &report(20.0, 13.0, 50_000.0)));
    let after = reports(&put(folder.path(), "b.json", &report(22.0, 14.3, 45_000.0)));
    let comparison = Comparison::of(&before, &after).unwrap();
    let words = told(&comparison);
    let right = [
        ("closed netweave 2k, cpu_us", "slower by 10.0 % (20.08 to 22.09)"),
        ("closed netweave 2k, req/s", "slower by 10.0 % (50200 to 45180)"),
        ("closed nginx 2k, cpu_us", "slower by 10.0 % (13.05 to 14.36)"),
        ("open netweave 2k, p99_us", "not judged"),
    ];
    assert_eq!(words, right.map(|(name, change)| (name.to_owned(), change.to_owned())));
    assert!(comparison.is_slower_by(5.0) && !comparison.is_slower_by(11.0));
    let same = Comparison::of(&before, &before).unwrap();
    assert_eq!((same.count(Verdict::NoChange), same.count(Verdict::NotJudged)), (3, 1));
    let back = Comparison::of(&after, &before).unwrap();
    assert!(back.figures[0].change().starts_with("faster by 9.1 %") && !back.is_slower_by(0.0));
}

#[test]
fn a_peer_that_became_slower_fails_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let before = reports(&put(folder.path(), "a.json", &report(20.0, 13.0, 50_000.0)));
    let after = reports(&put(folder.path(), "b.json", &report(20.0, 26.0, 50_000.0)));
    let comparison = Comparison::of(&before, &after).unwrap();
    assert_eq!(comparison.count(Verdict::Worse), 1);
    assert!(!comparison.is_slower_by(0.0));
}

#[test]
fn folders_are_compared_by_their_runs() {
    let folder = tempfile::tempdir().unwrap();
    for (name, cpu) in [("a", 20.0), ("b", 22.0)] {
        let runs = folder.path().join(name);
        std::fs::create_dir(&runs).unwrap();
        for n in 0..5_u8 {
            put(&runs, &format!("{n}.json"), &report(cpu + f64::from(n) / 10.0, 13.0, 50_000.0));
        }
    }
    let (before, after) = (reports(&folder.path().join("a")), reports(&folder.path().join("b")));
    let comparison = Comparison::of(&before, &after).unwrap();
    assert_eq!(comparison.each, "run");
    assert_eq!(comparison.figures[0].change(), "slower by 9.9 % (20.2 to 22.2)");
    assert_eq!(comparison.figures[1].verdict, Verdict::NoChange);
}

#[test]
fn a_baseline_is_asked_for_the_bench_of_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let one = report(20.0, 13.0, 50_000.0);
    let path = put(folder.path(), "base.json", &json!({ "profiles": { "cache-hit": [one, one] } }));
    let found = Named::read(&path).unwrap().reports(&path, Some("cache-hit")).unwrap();
    assert_eq!(found.by_round()[0].values.len(), 10);
    let missing = Named::read(&path).unwrap().reports(&path, Some("small")).unwrap_err();
    assert!(missing.message.ends_with("has nothing of small"), "{}", missing.message);
}

#[test]
fn what_is_no_fair_comparison_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, change: fn(&mut Value)| {
        let mut value = report(20.0, 13.0, 50_000.0);
        change(&mut value);
        Named::read(&put(folder.path(), name, &value)).unwrap_err().message
    };
    let invalid = refused("invalid.json", |value| {
        value["valid"] = json!(false);
        value["faults"] = json!(["the load generator was the bottleneck"]);
    });
    assert!(
        invalid.ends_with("cannot be compared: it is invalid: the load generator was the bottleneck"),
        "{invalid}"
    );
    let interrupted = refused("interrupted.json", |value| value["interrupted"] = json!(true));
    assert!(interrupted.contains("it was interrupted"), "{interrupted}");
    let old = refused("old.json", |value| drop(value.as_object_mut().unwrap().remove("samples")));
    assert!(old.contains("is no report of this version"), "{old}");
    let few = Named::read(folder.path()).unwrap_err().message;
    assert!(few.ends_with("has 3 reports; 5 to 200 are compared"), "{few}");

    let mut other = report(20.0, 13.0, 50_000.0);
    other["machine"]["class"] = json!("cpu-64");
    let before = reports(&put(folder.path(), "a.json", &report(20.0, 13.0, 50_000.0)));
    let elsewhere = reports(&put(folder.path(), "b.json", &other));
    let warning = Comparison::of(&before, &elsewhere).unwrap().warning.unwrap();
    assert_eq!(warning, "measured on different machines: cpu-2 and cpu-64");
    other["bench"] = json!("small");
    let another = reports(&put(folder.path(), "c.json", &other));
    assert!(Comparison::of(&before, &another).is_err());
}

#[test]
fn percent_is_not_below_zero() {
    assert_eq!(percent("5"), Ok(5.0));
    assert!(percent("-1").is_err() && percent("x").is_err() && percent("NaN").is_err());
}

fn compared(name: &str, before: [f64; 5], after: [f64; 5]) -> Compared {
    let series = |values: [f64; 5]| Series {
        name: name.to_owned(),
        better: Better::Lower,
        peer: false,
        values: values.to_vec(),
    };
    Compared::of(&series(before), &series(after))
}

#[test]
fn memory_is_larger_rather_than_slower() {
    let compared = compared("idle_mib", [20.0, 20.1, 20.2, 20.3, 20.4], [40.0, 40.1, 40.2, 40.3, 40.4]);
    assert_eq!(compared.change(), "larger by 99.0 % (20.2 to 40.2)");
}

#[test]
fn requests_that_fail_where_none_did_are_worse_by_any_percent() {
    let failing = compared("failed", [0.0; 5], [3.0, 1.0, 2.0, 5.0, 4.0]);
    assert_eq!((failing.change().as_str(), failing.percent), ("more (0 to 3)", None));
    let shown = serde_json::to_value(&failing).unwrap();
    assert_eq!((&shown["difference"], shown.get("ratio")), (&json!([1.0, 5.0]), None));
    assert_eq!(failing.row().last().map(String::as_str), Some("by 1 to 5"));
    let none = compared("failed", [0.0; 5], [0.0; 5]);
    assert_eq!(none.verdict, Verdict::NoChange);
    let comparison = |figures| Comparison {
        bench: "soak".to_owned(),
        each: "run",
        warning: None,
        figures,
        missing: Vec::new(),
    };
    assert!(comparison(vec![failing]).is_slower_by(1000.0));
    assert!(!comparison(vec![none]).is_slower_by(0.0));
}

#[test]
fn figures_have_the_digits_that_tell_them_apart() {
    let texts = [1234.5, 20.084, 0.5, 0.0123, -0.00001, 0.0].map(short);
    assert_eq!(texts, ["1234", "20.08", "0.5", "0.0123", "0", "0"]);
}
