//! `netweave bench`: runs the benches of a source tree, and says whether figures have changed beyond their noise.
//!
//! The load generator is no part of this program: `benches/run.sh` of the tree builds and runs it.

mod change;
mod compare;
mod reports;

use super::{Exit, Failure, Process};
use clap::Subcommand;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

/// Where a source tree keeps its benches.
const SCRIPT: &str = "benches/run.sh";

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the profiles of a source tree, one a line
    Profiles(Tree),
    /// Builds and measures a profile; its report goes to `target/bench` of the tree
    Run(Run),
    /// Compares two reports, or folders of at least 5 reports each; exits 1 with --fail-slower if something is
    Compare(compare::Args),
}

/// A source tree.
#[derive(Debug, clap::Args)]
struct Tree {
    /// The source tree
    #[arg(long, value_name = "DIR", default_value = ".")]
    tree: PathBuf,
}

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
struct Run {
    /// The profile; `profiles` lists them
    profile: String,
    #[command(flatten)]
    tree: Tree,
    /// How often it is measured; 5 or more can be compared run by run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=200))]
    runs: u16,
    #[command(flatten)]
    looks: Looks,
    /// Measures the program as it is shipped, which takes some twenty minutes to build
    #[arg(long)]
    shipped: bool,
    #[command(flatten)]
    kept: Kept,
    /// What the profile itself takes
    #[arg(last = true, value_name = "ARGUMENT")]
    more: Vec<String>,
}

/// What is looked at in rounds that are not counted.
#[derive(Clone, Copy, Debug, clap::Args)]
struct Looks {
    /// Draws where the gateway spends its CPU time, by `perf`
    #[arg(long)]
    flame: bool,
    /// Says who holds the gateway's memory when the load is over, by a build that is made for it
    #[arg(long)]
    heap: bool,
}

/// Figures that are kept for a class of machines.
#[derive(Clone, Copy, Debug, clap::Args)]
struct Kept {
    /// Keeps the figures as those of this class of machines
    #[arg(long, conflicts_with = "baseline")]
    save_baseline: bool,
    /// Compares with the figures that were kept
    #[arg(long)]
    baseline: bool,
}

pub(super) fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    match &args.command {
        Command::Profiles(tree) => profiles(tree, process).map(|()| Exit::Done),
        Command::Run(run) => Err(become_script(run)?),
        Command::Compare(compare) => compare::run(compare, process),
    }
}

/// Prints what the tree's script lists.
fn profiles(tree: &Tree, process: &mut Process) -> Result<(), Failure> {
    let script = tree.script()?;
    let failed = |error: std::io::Error| Failure::new(Exit::Failed, format!("{}: {error}", script.display()));
    let output = std::process::Command::new(&script).arg("--list").output().map_err(failed)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Failure::new(Exit::Failed, format!("{} --list: {said}", script.display())));
    }
    process.out.text(&String::from_utf8_lossy(&output.stdout))
}

/// Becomes the tree's script, so that its exit code and signals are those of this process; returns only if it cannot.
fn become_script(run: &Run) -> Result<Failure, Failure> {
    let script = run.tree.script()?;
    let error = std::process::Command::new(&script).args(run.arguments()).exec();
    Ok(Failure::new(Exit::Failed, format!("{}: {error}", script.display())))
}

impl Run {
    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![self.profile.clone(), "--runs".to_owned(), self.runs.to_string()];
        let flags = [
            (self.looks.flame, "--flame"),
            (self.looks.heap, "--heap"),
            (self.shipped, "--shipped"),
            (self.kept.save_baseline, "--save-baseline"),
            (self.kept.baseline, "--baseline"),
        ];
        arguments.extend(flags.iter().filter(|(given, _)| *given).map(|(_, flag)| (*flag).to_owned()));
        arguments.extend(self.more.iter().cloned());
        arguments
    }
}

impl Tree {
    /// Returns the script of the tree.
    fn script(&self) -> Result<PathBuf, Failure> {
        let tree = std::path::absolute(&self.tree).unwrap_or_else(|_| self.tree.clone());
        let missing = [SCRIPT, "Cargo.toml"].into_iter().find(|file| !Path::is_file(&tree.join(file)));
        match missing {
            None => Ok(tree.join(SCRIPT)),
            Some(file) => Err(Failure::new(
                Exit::Usage,
                format!(
                    "{} is no source tree of netweave: it has no {file}; name one with --tree",
                    tree.display()
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_goes_to_the_script() {
        let run = Run {
            profile: "cache-second-level".to_owned(),
            tree: Tree { tree: PathBuf::from(".") },
            runs: 5,
            looks: Looks { flame: true, heap: true },
            shipped: true,
            kept: Kept { save_baseline: false, baseline: true },
            more: vec!["--full".to_owned()],
        };
        assert_eq!(
            run.arguments(),
            ["cache-second-level", "--runs", "5", "--flame", "--heap", "--shipped", "--baseline", "--full"]
        );
    }

    #[test]
    fn a_folder_that_is_no_source_tree_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree { tree: folder.path().to_owned() };
        let failure = tree.script().unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.contains("it has no benches/run.sh"), "{}", failure.message);
    }
}
