//! What the client of a lab asks for, and how often its inventory changes; both look at the file each second.

use super::state::{Lab, hold, write};
use crate::cli::{Exit, Failure, Output, Process};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The file in the lab's folder.
const FILE: &str = "load.json";

/// The arguments: what is not named stays as it is.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Reads per second, of all gateways in turn
    #[arg(long, value_name = "N", value_parser = rate)]
    reads: Option<f64>,
    /// Subscriptions per second that are made and deleted
    #[arg(long, value_name = "N", value_parser = rate)]
    writes: Option<f64>,
    /// Changes of the inventory per second
    #[arg(long, value_name = "N", value_parser = rate)]
    changes: Option<f64>,
    /// Whether no read is like another, so that no cache can help
    #[arg(long, value_name = "true|false")]
    distinct: Option<bool>,
    /// Connections per second to the first gateway that ask for nothing
    #[arg(long, value_name = "N", value_parser = rate)]
    connections: Option<f64>,
}

/// What is asked for, per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Load {
    /// Reads.
    pub(super) reads: f64,
    /// Subscriptions that are made and deleted.
    pub(super) writes: f64,
    /// Changes of the inventory.
    pub(super) changes: f64,
    /// Whether no read is like another.
    pub(super) distinct: bool,
    /// Connections that ask for nothing.
    pub(super) connections: f64,
}

impl Default for Load {
    /// A quiet day: nine of ten reads are answered from the cache, and something changes now and then.
    fn default() -> Self {
        Self { reads: 10.0, writes: 0.2, changes: 0.1, distinct: false, connections: 0.0 }
    }
}

impl Load {
    /// Reads the file; the default if there is none, or none that can be read.
    pub(super) fn of(dir: &Path) -> Self {
        let text = std::fs::read_to_string(dir.join(FILE)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Writes the file.
    pub(super) fn save(&self, dir: &Path) -> Result<(), Failure> {
        let text =
            serde_json::to_string(self).map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        write(&dir.join(FILE), &text)
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|error: std::num::ParseFloatError| error.to_string())?;
    if (0.0..=1000.0).contains(&rate) { Ok(rate) } else { Err("must be from 0 to 1000".to_owned()) }
}

pub(super) fn run(args: &Args, dir: &Path, output: Output, process: &mut Process) -> Result<(), Failure> {
    let _held = hold(dir)?;
    let lab = Lab::load(dir)?;
    let before = Load::of(&lab.dir);
    let load = Load {
        reads: args.reads.unwrap_or(before.reads),
        writes: args.writes.unwrap_or(before.writes),
        changes: args.changes.unwrap_or(before.changes),
        distinct: args.distinct.unwrap_or(before.distinct),
        connections: args.connections.unwrap_or(before.connections),
    };
    load.save(&lab.dir)?;
    match output {
        Output::Json => process.out.json(&load),
        Output::Text => process.out.members(&serde_json::to_value(load).unwrap_or_default()),
    }
}
