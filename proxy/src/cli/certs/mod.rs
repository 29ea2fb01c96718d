//! `netweave certs`: which file serves what, what is in it, and how long it lasts.

pub(super) mod facts;
mod peer;

use super::out::tame;
use super::source::Asked;
use super::verdict::{Finding, State};
use super::{Exit, Failure, Output, Process};
use crate::conf::certificates::certificate_files;
use crate::conf::tree::Conf;
use clap::Subcommand;
use facts::{Certificate, Looked};
use netweave_model::Timestamp;
use serde::Serialize;
use url::Url;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints chain, names and days left of every file that the configuration names, or of what a listener shows
    Inspect {
        /// A listener that speaks TLS; its chain is looked at, and the files are not
        #[arg(long, value_name = "HTTPS_URL")]
        url: Option<Url>,
    },
}

/// What was found, as JSON.
#[derive(Serialize)]
pub(super) struct Inspected {
    /// The worst finding.
    pub(super) state: State,
    /// The files, in the order of the configuration, or the listener.
    pub(super) files: Vec<Looked>,
}

impl Inspected {
    /// Looks at all files that a configuration names.
    pub(super) fn of_files(conf: &Conf, now: Timestamp) -> Self {
        Self::of(certificate_files(conf).iter().map(|file| facts::look(file, now)).collect())
    }

    fn of(files: Vec<Looked>) -> Self {
        let findings = files.iter().flat_map(|file| &file.findings);
        Self { state: findings.map(|finding| finding.state).max().unwrap_or_default(), files }
    }
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let Command::Inspect { url } = &args.command;
    let now = process.now();
    let inspected = if let Some(url) = url {
        Inspected::of(vec![peer::look(url, now).await?])
    } else {
        Inspected::of_files(&args.asked.conf(process)?, now)
    };
    match args.asked.output {
        Output::Json => process.out.json(&inspected)?,
        Output::Text => {
            for line in inspected.files.iter().flat_map(lines) {
                process.out.line(&tame(&line))?;
            }
        }
    }
    Ok(inspected.state.exit())
}

/// Lays out a file: what it is, what is in it, and what is not as it should be.
fn lines(file: &Looked) -> Vec<String> {
    let mut lines = vec![format!("{}  {}  {}", file.key, file.path, file.serves)];
    for (index, one) in file.certificates.iter().enumerate() {
        lines.push(format!("  {}. {}", index + 1, summary(one)));
        if !one.names.is_empty() {
            lines.push(format!("     names {}", one.names.join(", ")));
        }
        lines.push(format!("     issued by {}", one.issuer));
    }
    for list in &file.lists {
        let next = list.replaced_by.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let revoked = list.revoked;
        lines.push(format!("  revocations of {}: {revoked}, to be replaced: {next}", list.issuer));
    }
    let finding = |one: &Finding| format!("  {}: {}: {}", one.state.word(), one.what, one.change);
    lines.extend(file.findings.iter().map(finding));
    lines
}

fn summary(one: &Certificate) -> String {
    let authority = if one.authority { ", an authority" } else { "" };
    format!("{}{authority}, {} days left, until {}", one.subject, one.days_left, one.ends)
}
