//! What figures were measured on, and with what: the machine, the tree, the programs.

use crate::clock::now_us;
use crate::haproxy;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

/// The machine of a run.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The processor's model, as the kernel names it.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// The kernel's version.
    pub kernel: String,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// What decides the processor's clock; `unknown` where the kernel does not tell, as in most virtual machines.
    pub governor: String,
}

impl Machine {
    /// Looks at this machine.
    pub fn here() -> Self {
        let cpu = member("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        let memory = member("/proc/meminfo", "MemTotal").unwrap_or_default();
        let kib: u64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
        Self {
            cpu,
            cores: cores(),
            kernel: text("/proc/sys/kernel/osrelease").unwrap_or_else(|| "unknown".to_owned()),
            memory_mib: kib >> 10,
            governor: text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
                .unwrap_or_else(|| "unknown".to_owned()),
        }
    }

    /// Names the class whose figures may be compared with each other: the model and its cores, as a file's name.
    pub fn class(&self) -> String {
        let words = self.cpu.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        format!("{}-{}", words.collect::<Vec<_>>().join("-").to_lowercase(), self.cores)
    }

    /// Returns the members that a report carries.
    pub fn document(&self) -> Value {
        json!({
            "cpu": self.cpu, "cores": self.cores, "kernel": self.kernel, "memoryMiB": self.memory_mib,
            "governor": self.governor, "class": self.class(),
        })
    }
}

/// Returns how many cores this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Returns the time, in UTC, to the second.
pub(crate) fn date() -> String {
    let micros = i64::try_from(now_us()).unwrap_or_default();
    let second = Timestamp::from_second(micros / 1_000_000).unwrap_or_default();
    second.to_string()
}

/// Returns the commit of the tree as `run.sh` found it.
pub(crate) fn commit() -> String {
    std::env::var("BENCH_COMMIT").unwrap_or_else(|_| "unknown".to_owned())
}

/// Asks the measured programs for their versions; those that are not set are left out.
pub(crate) fn versions() -> Vec<(&'static str, String)> {
    let asked = [
        ("netweave", "BENCH_NETWEAVE", "--version"),
        ("nginx", "BENCH_NGINX", "-v"),
        ("redis", "BENCH_REDIS", "--version"),
        ("haproxy", "BENCH_HAPROXY", "-v"),
    ];
    let answers = asked.into_iter().filter_map(|(name, variable, flag)| {
        let program = PathBuf::from(std::env::var_os(variable)?);
        let output = haproxy::command(&program).arg(flag).output().ok()?;
        let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
        let said = String::from_utf8_lossy(&said);
        Some((name, said.lines().next()?.to_owned()))
    });
    let rust = std::env::var("BENCH_RUSTC").ok().map(|version| ("rustc", version));
    answers.chain(rust).collect()
}

fn text(file: &str) -> Option<String> {
    Some(fs::read_to_string(file).ok()?.trim().to_owned())
}

/// Returns what follows a name and a colon in a file of the kernel.
fn member(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_a_file_name_of_model_and_cores() {
        let machine = Machine { cpu: "Intel(R) Xeon(R) @ 2.10GHz".to_owned(), cores: 2, ..Machine::here() };
        assert_eq!(machine.class(), "intel-r-xeon-r-2-10ghz-2");
    }

    #[test]
    fn this_machine_has_memory_and_cores() {
        let machine = Machine::here();
        assert!(machine.memory_mib > 0 && machine.cores > 0 && !machine.kernel.is_empty());
    }
}
