//! `netweave bench`: what it says of reports that `benches/run.sh` wrote, and where it finds that script.

use netweave_tests::harness::gateway::command;
use serde_json::{Value, json};
use std::path::Path;

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = command(folder, arguments).output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn report(folder: &Path, name: &str, cpu: f64, valid: bool) {
    let rounds: Vec<f64> = (0..5).map(|n| cpu + f64::from(n) / 100.0).collect();
    let report = json!({
        "bench": "small", "valid": valid, "faults": ["the rate was not kept"], "interrupted": false, "machine": { "class": "cpu-2" },
        "figures": [],
        "samples": [{ "label": "root", "column": "cpu_us", "better": "lower", "peer": false, "values": rounds }],
    });
    std::fs::write(folder.join(name), report.to_string()).expect("a report");
}

#[test]
fn compare_says_what_became_slower_and_fails_only_if_asked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    report(folder.path(), "a.json", 20.0, true);
    report(folder.path(), "b.json", 22.0, true);
    let compare =
        |more: &[&str]| run(folder.path(), &[&["bench", "compare", "a.json", "b.json"], more].concat());
    let (code, out, err) = compare(&[]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("slower by 10.0 % (20.02 to 22.02)"), "{out}");
    assert_eq!(compare(&["--fail-slower", "15"]).0, 0);
    assert_eq!(compare(&["--fail-slower", "5"]).0, 1);
    let (_, out, _) = compare(&["-o", "json"]);
    let told: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&told["figures"][0]["verdict"], &told["each"]), (&json!("worse"), &json!("round")));
    let (code, out, _) = run(folder.path(), &["bench", "compare", "a.json", "a.json", "--fail-slower", "0"]);
    assert_eq!(code, 0);
    assert!(out.contains("no change"), "{out}");
}

#[test]
fn compare_names_what_only_one_set_has_and_fails_for_it_only_if_asked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let two = |name: &str, second: &str| {
        report(folder.path(), name, 20.0, true);
        let file = folder.path().join(name);
        let mut both: Value = serde_json::from_slice(&std::fs::read(&file).expect("a report")).expect("JSON");
        let mut more = both["samples"][0].clone();
        more["label"] = json!(second);
        both["samples"].as_array_mut().expect("samples").push(more);
        std::fs::write(&file, both.to_string()).expect("a report");
    };
    two("a.json", "list");
    two("b.json", "pools");
    let (code, out, _) = run(folder.path(), &["bench", "compare", "a.json", "b.json"]);
    assert_eq!(code, 0);
    assert!(out.contains("missing after: list, cpu_us\nmissing before: pools, cpu_us\n"), "{out}");
    let asked = ["bench", "compare", "a.json", "b.json", "--fail-slower", "50"];
    assert_eq!(run(folder.path(), &asked).0, 1);
}

#[test]
fn what_cannot_be_compared_is_a_fault_of_the_command_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    report(folder.path(), "a.json", 20.0, true);
    report(folder.path(), "b.json", 20.0, false);
    let (code, _, err) = run(folder.path(), &["bench", "compare", "a.json", "b.json"]);
    assert_eq!(code, 2);
    assert!(err.contains("it is invalid: the rate was not kept"), "{err}");
    assert_eq!(run(folder.path(), &["bench", "compare", "a.json", "missing.json"]).0, 2);
}

#[test]
fn profiles_are_those_of_the_source_tree() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (code, _, err) = run(folder.path(), &["bench", "run", "small"]);
    assert_eq!(code, 2);
    assert!(err.contains("it has no benches/run.sh; name one with --tree"), "{err}");
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root");
    let (code, out, err) = run(folder.path(), &["bench", "profiles", "--tree", &tree.display().to_string()]);
    assert_eq!((code, err.as_str()), (0, ""));
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines.iter().any(|line| line.starts_with("cache-hit ") && line.contains("mTLS")), "{out}");
    assert!(lines.iter().any(|line| line.starts_with("knobs ") && line.contains("default")), "{out}");
    assert!(lines.iter().any(|line| line.starts_with("sizing ") && line.contains("resources")), "{out}");
    assert!(lines.iter().all(|line| line.split_whitespace().count() > 2), "{out}");
    // The script refuses what it does not know, and its exit code is the command's.
    let (code, ..) = run(folder.path(), &["bench", "run", "nothing", "--tree", &tree.display().to_string()]);
    assert_eq!(code, 2);
}
