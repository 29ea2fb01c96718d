//! `netweave config`: what can be configured, and what is.

use super::{Exit, Failure, Output, Process, source};
use crate::conf::print::{self, Difference};
use crate::conf::schema;
use clap::Subcommand;
use serde_json::Value;
use std::path::PathBuf;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the default file: every key with its meaning
    Default,
    /// Prints the JSON Schema of the file
    Schema,
    /// Prints the reference of all keys, in Markdown
    Reference,
    /// Prints the values in force, secrets masked
    Show {
        /// The configuration file
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Says where each value comes from: line and column, variable, flag, or defaults
        #[arg(long)]
        origin: bool,
        /// The form of the result
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Prints each value that two files differ in, secrets masked
    Diff {
        /// The old file
        old: PathBuf,
        /// The new file
        new: PathBuf,
        /// The form of the result
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Says what a key means: form, range, default of each topology, environment variable
    Explain {
        /// The key, such as `limits.perIdentity.rate`, `backends[].path` or `state`
        key: String,
        /// The form of the result
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
}

pub(super) fn run(args: &Args, process: &mut Process) -> Result<(), Failure> {
    match &args.command {
        Command::Default => {
            let text =
                print::default_file().map_err(|fault| Failure::new(Exit::Failed, fault.to_string()))?;
            process.out.text(&text)
        }
        Command::Schema => process.out.json(&schema::document()),
        Command::Reference => process.out.text(&print::reference()),
        Command::Show { config, origin, output } => {
            let text = config.as_deref().map(source::read).transpose()?;
            let loaded = source::loaded(process, text.as_deref(), None, source::Ports::default());
            if !loaded.faults.is_empty() {
                return Err(source::failure(config.as_deref(), &loaded.faults));
            }
            match output {
                Output::Text => process.out.text(&print::effective(loaded.tree(), *origin)),
                Output::Json => process.out.json(&print::effective_json(loaded.tree(), *origin)),
            }
        }
        Command::Diff { old, new, output } => diff([old, new], *output, process),
        Command::Explain { key, output } => {
            let found = print::explain(key).map_err(|reason| Failure::new(Exit::Failed, reason))?;
            match output {
                Output::Json => process.out.json(&found),
                Output::Text => found.lines().iter().try_for_each(|line| process.out.line(line)),
            }
        }
    }
}

/// Prints what two files differ in, with the environment applied to both as `serve` would.
fn diff(files: [&PathBuf; 2], output: Output, process: &mut Process) -> Result<(), Failure> {
    let load = |file: &PathBuf| {
        let text = source::read(file)?;
        let loaded = source::loaded(process, Some(&text), None, source::Ports::default());
        let faults = &loaded.faults;
        if faults.is_empty() { Ok(loaded) } else { Err(source::failure(Some(file), faults)) }
    };
    let [old, new] = [load(files[0])?, load(files[1])?];
    let found = print::differences(old.tree(), new.tree());
    match output {
        Output::Json => process.out.json(&found),
        Output::Text => {
            let change = |live| if live { "live" } else { "restart" };
            let row = |one: &Difference| {
                vec![one.path.clone(), shown(&one.old), shown(&one.new), change(one.live).to_owned()]
            };
            process.out.table(&["KEY", "OLD", "NEW", "CHANGE"], &found.iter().map(row).collect::<Vec<_>>())
        }
    }
}

/// Writes a value in one cell; what is not there is a dash.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
