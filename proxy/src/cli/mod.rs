//! The command line: one file per command. `docs/cli.md` is its manual.

mod audit;
mod backend;
mod backup;
mod bench;
mod capacity;
mod certs;
mod check_config;
mod client;
mod config;
mod control;
mod dead_letter;
mod diagnose;
mod doctor;
mod dr_drill;
mod drain;
mod exposition;
mod gateways;
pub mod gen_certs;
mod healthcheck;
mod lab;
mod log_level;
mod out;
mod plain;
mod profile;
mod receive;
mod redis;
mod reload;
mod runbook;
pub mod serve;
mod shell;
mod slo;
mod source;
mod subs;
mod support_bundle;
mod upgrade_check;
mod verdict;
mod version;
mod watch;
mod webhook;

use clap::{Parser, Subcommand, ValueEnum};
use netweave_model::port::Clock;
use netweave_model::{Error, ErrorKind, Timestamp};
use out::Out;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

/// How a command ends, as the exit code that scripts see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// A check failed, something is unhealthy, or there is no such object.
    Failed = 1,
    /// The command line, or what it asks for, is wrong.
    Usage = 2,
    /// The configuration has faults.
    Configuration = 3,
    /// The gateway, or something it depends on, cannot be reached.
    Unreachable = 4,
    /// The gateway does not allow it.
    Unauthorised = 5,
    /// Data is not what it was when it was written.
    Damaged = 6,
    /// Something else exists, or has changed meanwhile.
    Conflict = 7,
    /// It works, but something should be changed.
    Warnings = 8,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::from(0),
            Exit::Failed => Self::from(1),
            Exit::Usage => Self::from(2),
            Exit::Configuration => Self::from(3),
            Exit::Unreachable => Self::from(4),
            Exit::Unauthorised => Self::from(5),
            Exit::Damaged => Self::from(6),
            Exit::Conflict => Self::from(7),
            Exit::Warnings => Self::from(8),
        }
    }
}

/// Why a command ended early.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What the user reads; empty if there is nothing to say.
    pub message: String,
}

impl Failure {
    /// Makes a failure.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

/// Chooses the exit code of a gateway that could not start.
pub fn refused(error: &Error) -> ExitCode {
    let exit = match error.kind() {
        ErrorKind::Invalid | ErrorKind::TooLarge | ErrorKind::Unsupported => Exit::Configuration,
        ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited => Exit::Unreachable,
        ErrorKind::Unauthenticated | ErrorKind::Forbidden => Exit::Unauthorised,
        ErrorKind::Conflict | ErrorKind::PreconditionFailed => Exit::Conflict,
        ErrorKind::NotFound | ErrorKind::Internal => Exit::Failed,
    };
    exit.into()
}

/// Says why a store, or a server that a section of the configuration names, did not do what a command asked for.
fn store_failed(section: &str, error: &Error) -> Failure {
    let exit = if error.kind() == ErrorKind::Unavailable { Exit::Unreachable } else { Exit::Failed };
    let exit = if error.kind() == ErrorKind::Invalid { Exit::Configuration } else { exit };
    let keys: Vec<String> =
        error.params().iter().map(|one| format!("{section}.{}: {}", one.name, one.reason)).collect();
    Failure::new(exit, if keys.is_empty() { format!("{section}: {error}") } else { keys.join("\n") })
}

/// A reader that has gone away ends the command quietly.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(Exit::Done, "");
        }
        Self::new(Exit::Failed, format!("cannot write: {error}"))
    }
}

/// What a command gets from outside.
pub struct Process {
    /// The environment variables.
    pub environment: BTreeMap<String, String>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where results go.
    out: Out,
}

impl Process {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// The form of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs; its members stay as they are.
    Json,
}

/// The O-RAN O2-IMS edge gateway.
#[derive(Debug, Parser)]
#[command(name = "netweave", version, about, disable_help_subcommand = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the gateway
    Serve(serve::Args),
    /// Tells every fault of a configuration file; exits 3 if there is one
    CheckConfig(check_config::Args),
    /// Prints the default configuration, its schema, its reference, or the values in force
    Config(config::Args),
    /// Prints the page for an alert, or lists all pages; with --diagnose names the cause
    /// Makes the checks of a morning: gateways, Redis, sources, certificates, deliveries, audit
    Doctor(doctor::Args),
    /// Looks at certificates: chains, names, days left, and which file serves what
    Certs(certs::Args),
    /// Says what is used of what is configured, and which limit would be reached first
    Capacity(capacity::Args),
    /// Writes all that helps to find a trouble into one file, without secrets
    SupportBundle(support_bundle::Args),
    /// Prints the page for an alert, or lists all pages; with --diagnose names the cause
    Runbook(runbook::Args),
    /// Makes certificates for development and tests
    GenCerts(gen_certs::GenCerts),
    /// Lists, makes, deletes, tests and watches subscriptions
    Subs(subs::Args),
    /// Lists and replays notifications that were given up
    DeadLetter(dead_letter::Args),
    /// Lists, checks and refreshes the infrastructures behind a gateway
    Backend(backend::Args),
    /// Asks the Redis server of the configuration how it fares
    Redis(redis::Args),
    /// Writes all subscriptions to a file, checks such a file, and puts it into a store
    Backup(backup::Args),
    /// Makes and restores a backup, measures both, and compares with what an environment is promised
    DrDrill(dr_drill::Args),
    /// Says what an upgrade to this version would meet: keys of the configuration, schema version of the store
    UpgradeCheck(upgrade_check::Args),
    /// Reads, verifies and exports the folder of an audit log
    Audit(audit::Args),
    /// Runs the whole topology of production on this machine, and breaks parts of it
    Lab(lab::Args),
    /// Runs the benches of a source tree, and compares their figures
    Bench(bench::Args),
    /// Receives notifications
    Webhook(webhook::Args),
    /// Asks a gateway on this machine whether it lives, or is ready; exits 0 or 1
    Healthcheck(healthcheck::Args),
    /// Has the gateway of this machine finish what runs, and end
    Drain(drain::Args),
    /// Has the gateway of this machine read its configuration and certificates again
    Reload(reload::Args),
    /// Has the gateway of this machine log more, or less, for a while
    LogLevel(log_level::Args),
    /// Says where the processor time of the gateway of this machine goes: samples of its stacks, or a flame graph
    Profile(profile::Args),
    /// Prints the service level objectives as a gateway's process measures them; exits 1 if one is missed
    Slo(slo::Args),
    /// Prints a script that completes the command line in a shell
    Completion(shell::Completion),
    /// Prints the manual page, as `man` reads it
    Man(shell::Manual),
    /// Prints version and features
    Version(version::Args),
}

/// Runs the command that the arguments ask for.
pub fn main(
    arguments: impl IntoIterator<Item = OsString>,
    environment: BTreeMap<String, String>,
    clock: Arc<dyn Clock>,
) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            return if error.print().is_ok() { exit.into() } else { Exit::Usage.into() };
        }
    };
    let mut process = Process { out: Out::of_process(&environment), environment, clock };
    match run(&cli.command, &mut process) {
        Ok(code) => code,
        Err(failure) => {
            out::complain(&failure.message);
            failure.exit.into()
        }
    }
}

fn run(command: &Command, process: &mut Process) -> Result<ExitCode, Failure> {
    let done = |()| ExitCode::from(Exit::Done);
    match command {
        Command::Serve(args) => serve::run(args, process),
        Command::CheckConfig(args) => check_config::run(args, process).map(ExitCode::from),
        Command::Config(args) => config::run(args, process).map(done),
        Command::Doctor(args) => block_on(doctor::run(args, process))?.map(ExitCode::from),
        Command::Certs(args) => block_on(certs::run(args, process))?.map(ExitCode::from),
        Command::Capacity(args) => block_on(capacity::run(args, process))?.map(ExitCode::from),
        Command::SupportBundle(args) => block_on(support_bundle::run(args, process))?.map(done),
        Command::Runbook(args) => block_on(runbook::run(args, process))?.map(ExitCode::from),
        Command::GenCerts(args) => make_certificates(args, process).map(done),
        Command::Subs(args) => block_on(subs::run(args, process))?.map(done),
        Command::DeadLetter(args) => block_on(dead_letter::run(args, process))?.map(done),
        Command::Backend(args) => block_on(backend::run(args, process))?.map(ExitCode::from),
        Command::Redis(args) => block_on(redis::run(args, process))?.map(ExitCode::from),
        Command::Backup(args) => block_on(backup::run(args, process))?.map(done),
        Command::DrDrill(args) => block_on(dr_drill::run(args, process))?.map(ExitCode::from),
        Command::UpgradeCheck(args) => block_on(upgrade_check::run(args, process))?.map(ExitCode::from),
        Command::Audit(args) => audit::run(args, process).map(ExitCode::from),
        Command::Lab(args) => lab::run(args, process).map(ExitCode::from),
        Command::Bench(args) => bench::run(args, process).map(ExitCode::from),
        Command::Webhook(args) => block_on(webhook::run(args, process))?.map(done),
        Command::Healthcheck(args) => block_on(healthcheck::run(args, process))?.map(done),
        Command::Drain(args) => block_on(drain::run(args, process))?.map(done),
        Command::Reload(args) => block_on(reload::run(args, process))?.map(ExitCode::from),
        Command::LogLevel(args) => block_on(log_level::run(args, process))?.map(done),
        Command::Profile(args) => block_on(profile::run(args, process))?.map(done),
        Command::Slo(args) => block_on(slo::run(args, process))?.map(ExitCode::from),
        Command::Completion(args) => shell::completion(args, process).map(done),
        Command::Man(args) => shell::manual(args, process).map(done),
        Command::Version(args) => version::run(args, process).map(done),
    }
}

/// Makes certificates and names the files.
fn make_certificates(args: &gen_certs::GenCerts, process: &mut Process) -> Result<(), Failure> {
    let failure = |error: &Error| {
        let exists = error.params().iter().any(|param| param.name == "--force");
        Failure::new(if exists { Exit::Conflict } else { Exit::Failed }, error.public())
    };
    for path in args.run(process.now()).map_err(|error| failure(&error))? {
        process.out.line(&path.display().to_string())?;
    }
    Ok(())
}

/// Runs a client's future on this thread.
fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Failed, format!("cannot start: {error}")))?;
    Ok(runtime.block_on(future))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_is_in_the_manual() {
        let manual = include_str!("../../../docs/cli.md");
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            assert!(manual.contains(&format!("\n## {name}\n")), "{name}");
            for inner in command.get_subcommands() {
                assert!(
                    manual.contains(&format!("`{name} {}", inner.get_name())),
                    "{name} {}",
                    inner.get_name()
                );
            }
            for flag in command.get_arguments().filter_map(|argument| argument.get_long()) {
                assert!(flag == "help" || manual.contains(&format!("--{flag}")), "{name} --{flag}");
            }
        }
    }
}
