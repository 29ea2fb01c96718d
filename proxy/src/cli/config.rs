//! `netweave config`: what can be configured, and what is.

use super::{Failure, Output, Process, source};
use crate::conf::{print, schema};
use clap::Subcommand;
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
}

pub(super) fn run(args: &Args, process: &mut Process) -> Result<(), Failure> {
    match &args.command {
        Command::Default => {
            let text = print::default_file()
                .map_err(|fault| Failure::new(super::Exit::Failed, fault.to_string()))?;
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
    }
}
