//! A ceiling for one process, held by the kernel: its memory and its share of a core, as a container has them.
//!
//! Version 2 of control groups where its controllers are to be had, version 1 otherwise. Only groups of this process's own
//! naming are made, and removed when this is dropped.

use crate::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

const ROOT: &str = "/sys/fs/cgroup";
/// Microseconds after which a share of a core is given anew, as Kubernetes has it.
const PERIOD_US: u64 = 100_000;
/// Becomes the program after it has put itself into each group that is named before `--`.
const ENTER: &str =
    r#"while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@""#;

/// How much a process may use.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Thousandths of a core.
    pub millicores: u64,
    /// Memory in MiB.
    pub mib: u64,
}

/// Groups that hold a process to a size.
pub struct Ceiling {
    version: Version,
    /// The group of memory, and in version 1 that of the processor.
    groups: Vec<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Ceiling {
    /// Makes the groups.
    ///
    /// # Errors
    /// There are no control groups to write to: run it as root, or in a container that may make its own.
    pub fn of(size: Size, name: &str) -> Result<Self> {
        let name = format!("netweave-bench-{}-{name}", std::process::id());
        let root = Path::new(ROOT);
        let controllers = fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
        let both =
            ["cpu", "memory"].iter().all(|one| controllers.split(' ').any(|found| found.trim() == *one));
        let (version, groups) = if both {
            fs::write(root.join("cgroup.subtree_control"), "+cpu +memory")?;
            (Version::Two, vec![root.join(name)])
        } else {
            (Version::One, ["memory", "cpu"].map(|kind| root.join(kind).join(&name)).to_vec())
        };
        let mut ceiling = Self { version, groups: Vec::new() };
        for group in groups {
            fs::create_dir(&group).map_err(|error| format!("{}: {error}", group.display()))?;
            ceiling.groups.push(group);
        }
        ceiling.limit(size)?;
        Ok(ceiling)
    }

    fn limit(&self, size: Size) -> Result<()> {
        let (bytes, quota) = ((size.mib << 20).to_string(), size.millicores * PERIOD_US / 1000);
        match self.version {
            Version::Two => {
                self.write("memory.max", &bytes)?;
                self.write("memory.swap.max", "0").ok();
                self.write("cpu.max", &format!("{quota} {PERIOD_US}"))
            }
            Version::One => {
                self.write("memory.limit_in_bytes", &bytes)?;
                self.write("cpu.cfs_period_us", &PERIOD_US.to_string())?;
                self.write("cpu.cfs_quota_us", &quota.to_string())
            }
        }
    }

    /// Returns a command that becomes the program within the groups.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", ENTER, "sh"]).args(&self.groups).arg("--").arg(program);
        command
    }

    /// Names what holds the ceiling.
    pub const fn holder(&self) -> &'static str {
        match self.version {
            Version::One => "cgroup v1",
            Version::Two => "cgroup v2",
        }
    }

    /// Returns the most memory that the group ever had, pages of files included, in bytes.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn peak(&self) -> Result<u64> {
        let file = if self.version == Version::Two { "memory.peak" } else { "memory.max_usage_in_bytes" };
        Ok(self.read(file)?.trim().parse()?)
    }

    /// Returns how often the kernel killed a process because the group's memory was used up.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn kills(&self) -> Result<u64> {
        let file = if self.version == Version::Two { "memory.events" } else { "memory.oom_control" };
        self.member(file, "oom_kill")
    }

    /// Returns in how many periods of 100 ms the share of a core was used up.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn throttled(&self) -> Result<u64> {
        self.member("cpu.stat", "nr_throttled")
    }

    fn member(&self, file: &str, name: &str) -> Result<u64> {
        let text = self.read(file)?;
        let found = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        found.ok_or_else(|| format!("{file} has no {name}").into())
    }

    fn read(&self, file: &str) -> Result<String> {
        Ok(fs::read_to_string(self.group(file)?.join(file))?)
    }

    fn write(&self, file: &str, text: &str) -> Result<()> {
        fs::write(self.group(file)?.join(file), text).map_err(|error| format!("{file}: {error}").into())
    }

    fn group(&self, file: &str) -> Result<&PathBuf> {
        let group = if file.starts_with("cpu") { self.groups.last() } else { self.groups.first() };
        group.ok_or_else(|| "no group".into())
    }
}

impl Drop for Ceiling {
    fn drop(&mut self) {
        for group in &self.groups {
            // A process that has just ended leaves its group a moment later.
            let gone = (0..100).any(|_| {
                let removed = fs::remove_dir(group).is_ok();
                if !removed {
                    sleep(Duration::from_millis(20));
                }
                removed
            });
            debug_assert!(gone, "{}", group.display());
        }
    }
}
