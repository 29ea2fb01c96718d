//! `netweave check-config`: every fault of a file at once.

use super::{Exit, Failure, Output, Process, source};
use crate::conf::check;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file; `-` is standard input
    file: PathBuf,
    /// Does not open the files that the configuration names
    #[arg(long)]
    skip_files: bool,
    /// The form of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

pub(super) fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let text = source::read(&args.file)?;
    let mut loaded = source::loaded(process, Some(&text), None, source::Ports::default());
    if !args.skip_files {
        let mut findings = check::files(loaded.unchecked(), process.now());
        findings.extend(check::inventories(loaded.unchecked()));
        loaded.add(findings);
    }
    let exit = if loaded.faults.is_empty() { Exit::Done } else { Exit::Configuration };
    if args.output == Output::Json {
        let value = json!({ "file": args.file, "faults": loaded.faults, "warnings": loaded.warnings });
        process.out.json(&value)?;
        return Ok(exit);
    }
    let file = args.file.display();
    for (word, list) in [("fault", &loaded.faults), ("warning", &loaded.warnings)] {
        for fault in list {
            let place = if fault.origin.position().is_some() { format!("{file}:") } else { String::new() };
            process.out.line(&format!("{word}: {place}{fault}"))?;
        }
    }
    let (faults, warnings) = (loaded.faults.len(), loaded.warnings.len());
    process.out.line(&format!("{file}: {faults} faults, {warnings} warnings"))?;
    Ok(exit)
}
