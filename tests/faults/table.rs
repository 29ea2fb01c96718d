//! The table in docs/reliability.md has the form in which these tests write it, and a row for each of them.

use netweave_tests::harness::figures;
use std::path::Path;

/// Fault, test; runs, subscriptions, notifications, four counts of what went wrong; two times.
const CELLS: usize = 11;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .expect("a file of the repository")
}

/// The tests of a module that show a fault: what `Fault::test` says there.
fn tests(module: &str) -> Vec<String> {
    let text = read(&format!("faults/{module}.rs"));
    let named = text.split("test: \"").skip(1).filter_map(|rest| rest.split('"').next());
    let named: Vec<_> = named.map(str::to_owned).collect();
    for name in &named {
        let function = name.strip_prefix(module).and_then(|rest| rest.strip_prefix("::")).expect("a path");
        assert!(text.contains(&format!("async fn {function}()")), "there is no test {name}");
    }
    named
}

#[test]
fn each_fault_has_its_row_and_nothing_was_lost() {
    let rows = figures::rows(&read("../docs/reliability.md"));
    let mut expected: Vec<_> = [tests("servers"), tests("pods")].concat();
    let mut found: Vec<_> = rows.iter().map(|cells| cells[1].trim_matches('`').to_owned()).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    for cells in &rows {
        assert_eq!(cells.len(), CELLS, "{cells:?}");
        let counts: Vec<u64> = cells[2..9].iter().map(|cell| cell.parse().expect("a number")).collect();
        assert!(counts[..3].iter().all(|count| *count > 0), "{cells:?}");
        assert_eq!(counts[3..6], [0; 3], "{cells:?}");
        for time in &cells[9..] {
            let seconds = time.strip_suffix(" s").and_then(|number| number.parse::<f64>().ok());
            assert!(seconds.is_some_and(|seconds| seconds >= 0.0), "{cells:?}");
        }
    }
}
