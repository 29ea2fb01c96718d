//! `netweave-load baseline [REPORT...]`: the figures that later ones are compared with, one file for each class of machines.

use netweave_benches::Result;
use netweave_benches::machine::Machine;
use netweave_benches::report::say;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Stores reports in place of those of the same bench; names the file, also if there is nothing to store.
pub(crate) fn run(reports: impl Iterator<Item = String>) -> Result<()> {
    let out = std::env::var_os("BENCH_OUT").map(PathBuf::from).ok_or("BENCH_OUT is not set")?;
    let machine = Machine::here();
    let file = out.join("baselines").join(format!("{}.json", machine.class()));
    let reports: Vec<Value> = reports.map(|report| read(Path::new(&report))).collect::<Result<_>>()?;
    if !reports.is_empty() {
        store(&file, &machine, reports)?;
    }
    say(&file.display().to_string())
}

fn read(report: &Path) -> Result<Value> {
    let text = std::fs::read(report).map_err(|error| format!("{}: {error}", report.display()))?;
    let report: Value = serde_json::from_slice(&text)?;
    let good = |name: &str| report.get(name).and_then(Value::as_bool);
    if good("valid") == Some(true) && good("interrupted") == Some(false) {
        return Ok(report);
    }
    Err("an invalid or interrupted report is no baseline".into())
}

fn store(file: &Path, machine: &Machine, reports: Vec<Value>) -> Result<()> {
    let known = std::fs::read(file).ok().map(|text| serde_json::from_slice::<Value>(&text)).transpose()?;
    let known = known.and_then(|known| known.get("profiles").and_then(Value::as_object).cloned());
    let mut profiles = known.unwrap_or_default();
    let mut fresh: Map<String, Value> = Map::new();
    for report in reports {
        let name = report.get("bench").and_then(Value::as_str).ok_or("a report has no `bench`")?.to_owned();
        let of_bench = fresh.entry(name).or_insert_with(|| json!([]));
        of_bench.as_array_mut().ok_or("no array")?.push(report);
    }
    profiles.extend(fresh);
    let folder = file.parent().ok_or("no folder")?;
    std::fs::create_dir_all(folder)?;
    let document = json!({ "machine": machine.document(), "profiles": profiles });
    // A reader sees the former file or this one.
    let new = file.with_extension("new");
    std::fs::write(&new, serde_json::to_vec_pretty(&document)?)?;
    Ok(std::fs::rename(new, file)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bench_is_replaced_and_the_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("baselines/class.json");
        let machine = Machine::here();
        let report = |bench: &str, summary: &str| json!({ "bench": bench, "summary": summary });
        store(
            &file,
            &machine,
            vec![report("small", "root=1"), report("small", "root=2"), report("idle", "cpu=1")],
        )
        .unwrap();
        store(&file, &machine, vec![report("small", "root=3")]).unwrap();
        let stored: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(stored["profiles"]["small"], json!([report("small", "root=3")]));
        assert_eq!(stored["profiles"]["idle"], json!([report("idle", "cpu=1")]));
    }

    #[test]
    fn an_invalid_report_is_no_baseline() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("small.json");
        std::fs::write(&file, json!({ "bench": "small", "valid": false, "interrupted": false }).to_string())
            .unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("no baseline"));
        std::fs::write(&file, json!({ "bench": "small", "valid": true, "interrupted": false }).to_string())
            .unwrap();
        assert!(read(&file).is_ok());
    }
}
