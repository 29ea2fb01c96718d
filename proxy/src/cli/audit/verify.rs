//! Judges a folder, and prints checkpoints for safe keeping.

use super::{Folder, public, unreadable};
use crate::audit::archive;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::verify::{Fault, Report, With, verify};
use crate::cli::{Exit, Failure, Output, Process};
use std::path::{Path, PathBuf};

/// Arguments of `audit verify`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    folder: Folder,
    /// The public key of the signatures (PEM); without it they are not checked
    #[arg(long, value_name = "FILE")]
    pubkey: Option<PathBuf>,
    /// Checkpoints that were kept elsewhere, as `audit checkpoint` prints them
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// The form of the verdict
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Arguments of `audit checkpoint`.
#[derive(Debug, clap::Args)]
pub(super) struct Checkpoints {
    /// The folder, `audit.file.directory` of the gateway
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The public key that the signatures must be of (PEM)
    #[arg(long, value_name = "FILE")]
    pubkey: Option<PathBuf>,
}

pub(super) fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let (secret, key) = (args.folder.secret()?, public(args.pubkey.as_deref())?);
    let against = args.against.as_deref().map(kept).transpose()?.unwrap_or_default();
    let with = With { secret: secret.as_ref(), key: key.as_ref(), against: &against };
    let report = verify(&args.folder.dir, &with).map_err(|error| unreadable(&args.folder.dir, &error))?;
    match args.output {
        Output::Json => process.out.json(&report)?,
        Output::Text => tell(&report, process)?,
    }
    Ok(if report.faults.is_empty() { Exit::Done } else { Exit::Damaged })
}

pub(super) fn checkpoints(args: &Checkpoints, process: &mut Process) -> Result<Exit, Failure> {
    let key = public(args.pubkey.as_deref())?;
    let listing = archive::list(&args.dir).map_err(|error| unreadable(&args.dir, &error))?;
    for path in listing.checkpoints.values() {
        let checkpoint = archive::checkpoint(path).map_err(|error| unreadable(path, &error))?;
        if key.as_ref().is_some_and(|key| !checkpoint.is_signed_by(key)) {
            return Err(Failure::new(
                Exit::Damaged,
                format!("{}: does not have the signature of this key", path.display()),
            ));
        }
        let line = serde_json::to_string(&checkpoint).map_err(std::io::Error::from)?;
        process.out.line(&line)?;
    }
    if listing.checkpoints.is_empty() {
        return Err(Failure::new(Exit::Failed, format!("{}: holds no checkpoint", args.dir.display())));
    }
    Ok(Exit::Done)
}

fn kept(path: &Path) -> Result<Vec<Checkpoint>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    let parse = |line: &str| {
        serde_json::from_str(line)
            .map_err(|error| Failure::new(Exit::Damaged, format!("{}: {error}", path.display())))
    };
    text.lines().filter(|line| !line.is_empty()).map(parse).collect()
}

/// Writes the verdict for people.
fn tell(report: &Report, process: &mut Process) -> Result<(), Failure> {
    let counts = format!(
        "writers {}, segments {}, records {}, checkpoints {}",
        report.writers.len(),
        report.segments,
        report.records,
        report.checkpoints
    );
    process.out.line(&counts)?;
    if let Some((from, to)) = report.from.as_ref().zip(report.to.as_ref()) {
        process.out.line(&format!("from {from} to {to}"))?;
    }
    for one in &report.writers {
        let end = if one.closed { "closed" } else { "running or killed" };
        let torn = if one.torn { ", ends within a line" } else { "" };
        process.out.line(&format!(
            "{}: {} to {}, signed to {}, {end}{torn}",
            one.writer, one.first, one.last, one.signed
        ))?;
    }
    for fault in &report.faults {
        process.out.line(&format!("bad: {}", place(fault)))?;
    }
    if !report.signatures {
        process.out.line("signatures were not checked: give --pubkey")?;
    }
    if report.faults.is_empty() {
        process.out.line("ok")?;
    }
    Ok(())
}

fn place(fault: &Fault) -> String {
    let place = fault.file.as_ref().unwrap_or(&fault.writer);
    let line = fault.line.map_or(String::new(), |line| format!(":{line}"));
    let record = fault.record.map_or(String::new(), |record| format!("record {record}: "));
    format!("{place}{line}: {record}{}", fault.what)
}
