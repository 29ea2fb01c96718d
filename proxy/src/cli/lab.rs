//! `netweave lab`: the topology of production on this machine, as processes, and faults in it by name.
//!
//! Three gateways, three Redis servers, three Sentinels, an inventory that changes, a client, a receiver of webhooks, one of the
//! audit log, and Prometheus if there is one. All listen on the loopback interface; all files are in one folder.

mod conf;
mod fault;
mod load;
mod pki;
mod ports;
mod process;
mod redis;
mod state;
mod status;
mod trouble;
mod undo;
mod up;
mod work;

use super::{Exit, Failure, Output, Process, block_on};
use clap::Subcommand;
use state::{Lab, hold};
use std::path::{Path, PathBuf};

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    /// The lab's folder
    #[arg(long, value_name = "DIR", default_value = ".netweave/lab", global = true)]
    dir: PathBuf,
    /// The form of the result
    #[arg(short, long, value_enum, default_value_t, global = true)]
    output: Output,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts everything, waits until it is ready, and prints what to try
    Up(up::Args),
    /// Ends everything that `up` started; files stay
    Down,
    /// Shows each part, and the faults that were injected; exits 1 if not all is well
    Status,
    /// Injects a fault, or with --undo removes it; without a name, lists all
    Fault(fault::Args),
    /// Sets what the client asks for, and how often the inventory changes
    Load(load::Args),
    /// Runs a part that is no program of its own
    #[command(hide = true)]
    Part(work::Args),
}

pub(super) fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let dir = std::path::absolute(&args.dir).map_err(|error| state::failed(&args.dir, &error))?;
    match &args.command {
        Command::Up(up) => up::run(up, &dir, args.output, process).map(|()| Exit::Done),
        Command::Down => down(&dir, process).map(|()| Exit::Done),
        Command::Status => status::run(&dir, args.output, process),
        Command::Fault(fault) => fault::run(fault, &dir, args.output, process).map(|()| Exit::Done),
        Command::Load(load) => load::run(load, &dir, args.output, process).map(|()| Exit::Done),
        Command::Part(part) => block_on(work::run(part, &dir))?.map(|()| Exit::Done),
    }
}

fn down(dir: &Path, process: &mut Process) -> Result<(), Failure> {
    let _held = hold(dir)?;
    let Some(lab) = Lab::find(dir)? else {
        return process.out.line(&format!("there is no lab in {}", dir.display()));
    };
    lab.end()?;
    lab.forget()?;
    process.out.line(&format!("ended {} parts; the files stay in {}", lab.parts.len(), dir.display()))
}
