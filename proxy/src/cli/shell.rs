//! `netweave completion` and `netweave man`: what shells and `man` want to know of the command line.

use super::{Cli, Failure, Process};
use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;

/// Arguments of `completion`.
#[derive(Debug, clap::Args)]
pub(super) struct Completion {
    /// The shell
    #[arg(value_enum)]
    shell: Known,
}

/// The shells that are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Known {
    /// Bash.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
}

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub(super) struct Manual {
    /// The command, such as `doctor`; without it, the page of all
    command: Option<String>,
}

pub(super) fn completion(args: &Completion, process: &mut Process) -> Result<(), Failure> {
    let shell = match args.shell {
        Known::Bash => Shell::Bash,
        Known::Zsh => Shell::Zsh,
        Known::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "netweave", &mut script);
    process.out.text(&String::from_utf8_lossy(&script))
}

pub(super) fn manual(args: &Manual, process: &mut Process) -> Result<(), Failure> {
    let mut command = Cli::command();
    command.build();
    if let Some(name) = &args.command {
        let unknown = || Failure::new(super::Exit::Failed, format!("there is no command `{name}`"));
        command = command.find_subcommand(name).ok_or_else(unknown)?.clone();
    }
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    process.out.text(&String::from_utf8_lossy(&page))
}
