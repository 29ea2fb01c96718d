//! `netweave upgrade-check`: what this version would meet where another one runs now. Nothing is changed.

use super::source::Asked;
use super::{Exit, Failure, Output, Process, store_failed};
use crate::clock::SystemIds;
use crate::conf::fault::{Fault, Origin};
use crate::conf::removed::{REMOVED, Removed};
use netweave_adapters::StoreConf;
use netweave_model::port::Schema;
use serde::Serialize;
use std::sync::Arc;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The version that runs now, `MAJOR.MINOR` or `MAJOR.MINOR.PATCH`
    #[arg(long, value_name = "VERSION", value_parser = version)]
    from: Option<Schema>,
    #[command(flatten)]
    asked: Asked,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Weight {
    Ok,
    Warning,
    Fault,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    about: &'static str,
    weight: Weight,
    what: String,
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let (loaded, _) = args.asked.loaded(process)?;
    let mut findings = Vec::new();
    findings.extend(args.from.map(of_versions));
    findings.extend(loaded.faults.iter().map(|fault| of_key(fault, Weight::Fault)));
    let unknown = loaded.warnings.iter().filter(|fault| matches!(fault.origin, Origin::Variable(_)));
    findings.extend(unknown.map(|fault| of_key(fault, Weight::Warning)));
    let readable = loaded.faults.is_empty();
    if readable {
        findings.push(finding("configuration", Weight::Ok, "every key is known to this version"));
        findings.push(of_store(&loaded.unchecked().state).await?);
    } else {
        findings.push(finding(
            "store",
            Weight::Warning,
            "is not looked at before the configuration is right",
        ));
    }
    print(args.asked.output, &findings, process)?;
    Ok(exit(&findings, readable))
}

fn exit(findings: &[Finding], readable: bool) -> Exit {
    let any = |weight| findings.iter().any(|finding| finding.weight == weight);
    match (readable, any(Weight::Fault), any(Weight::Warning)) {
        (false, _, _) => Exit::Configuration,
        (true, true, _) => Exit::Failed,
        (true, false, true) => Exit::Warnings,
        (true, false, false) => Exit::Done,
    }
}

fn print(output: Output, findings: &[Finding], process: &mut Process) -> Result<(), Failure> {
    let own = env!("CARGO_PKG_VERSION");
    if output == Output::Json {
        return process.out.json(&serde_json::json!({ "to": own, "findings": findings }));
    }
    process.out.line(&format!("netweave {own}"))?;
    for Finding { about, weight, what } in findings {
        let word = match weight {
            Weight::Ok => "ok",
            Weight::Warning => "warning",
            Weight::Fault => "fault",
        };
        process.out.line(&format!("{word}: {about}: {what}"))?;
    }
    Ok(())
}

fn finding(about: &'static str, weight: Weight, what: impl Into<String>) -> Finding {
    Finding { about, weight, what: what.into() }
}

/// Judges the step from one version of the program to this one: it is made one minor version at a time.
fn of_versions(from: Schema) -> Finding {
    let Ok(to) = version(env!("CARGO_PKG_VERSION")) else {
        return finding("version", Weight::Fault, "this program's own version cannot be read");
    };
    let near = from.major == to.major && from.minor.abs_diff(to.minor) <= 1;
    if near {
        return finding("version", Weight::Ok, format!("gateways of {from} and {to} may run side by side"));
    }
    let what = format!("from {from} to {to} is more than one minor version: go through those in between");
    finding("version", Weight::Fault, what)
}

fn of_key(fault: &Fault, weight: Weight) -> Finding {
    let what = match REMOVED.iter().find(|removed| removed.path == fault.path) {
        Some(Removed { since, instead, .. }) => {
            format!("{}: {}: removed in {since}; write {instead}", fault.origin, fault.path)
        }
        None => fault.to_string(),
    };
    finding("configuration", weight, what)
}

/// Says what a start of this version would do to the store.
async fn of_store(state: &StoreConf) -> Result<Finding, Failure> {
    let Some(own) = state.own_schema() else {
        return Ok(finding("store", Weight::Ok, "is lost with its process, so any version may follow"));
    };
    let found = state.schema(Arc::new(SystemIds)).await.map_err(|error| store_failed("state", &error))?;
    let what = match (found, own.on(found)) {
        (_, Err(error)) => return Ok(finding("store", Weight::Fault, error.to_string())),
        (None, Ok(now)) => format!("has no schema version yet: the first start writes {now}"),
        (Some(found), Ok(now)) if now == found && own == found => {
            format!("has schema {found}: nothing changes")
        }
        (Some(found), Ok(now)) if now == found => {
            format!(
                "has schema {found}, this version knows {own}: it runs beside the newer one and changes nothing"
            )
        }
        (Some(found), Ok(now)) => {
            format!(
                "has schema {found}: the first start writes {now}; gateways of {found} go on, older ones do not start"
            )
        }
    };
    Ok(finding("store", Weight::Ok, what))
}

/// Reads the first two numbers of a version.
fn version(text: &str) -> Result<Schema, String> {
    let mut numbers = text.split('.');
    let mut next = || numbers.next().and_then(|number| number.parse().ok());
    let read = (next(), next());
    let (Some(major), Some(minor)) = read else { return Err("write MAJOR.MINOR.PATCH".to_owned()) };
    Ok(Schema::new(major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_one_minor_version() {
        let own = version(env!("CARGO_PKG_VERSION")).unwrap();
        let weight = |major, minor| of_versions(Schema::new(major, minor)).weight;
        assert_eq!(weight(own.major, own.minor), Weight::Ok);
        assert_eq!(weight(own.major, own.minor + 1), Weight::Ok);
        assert_eq!(weight(own.major, own.minor + 2), Weight::Fault);
        assert_eq!(weight(own.major + 1, own.minor), Weight::Fault);
        assert!(version("1").is_err() && version("x.y").is_err());
    }

    #[test]
    fn the_exit_is_of_the_worst_finding() {
        let of = |weights: &[Weight]| {
            weights.iter().map(|weight| finding("store", *weight, "")).collect::<Vec<_>>()
        };
        assert_eq!(exit(&of(&[Weight::Ok]), true), Exit::Done);
        assert_eq!(exit(&of(&[Weight::Ok, Weight::Warning]), true), Exit::Warnings);
        assert_eq!(exit(&of(&[Weight::Fault, Weight::Warning]), true), Exit::Failed);
        assert_eq!(exit(&of(&[Weight::Fault]), false), Exit::Configuration);
    }
}
