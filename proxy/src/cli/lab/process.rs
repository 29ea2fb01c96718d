//! The processes of a lab: started so that they outlive the command, found again by number and start time, ended.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Where the kernel names this start of the machine.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";
/// Members of `/proc/PID/stat` behind the program's name, up to the start time.
const TO_START: usize = 19;

/// A process, so named that another one which got its number is not taken for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    /// Its number.
    pub(super) pid: i32,
    /// When it was started, in the kernel's ticks since the machine was.
    started: u64,
    /// The start of the machine.
    boot: String,
}

/// What a process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Life {
    /// It runs.
    Running,
    /// It was stopped where it is, and can go on.
    Paused,
    /// It has ended.
    Ended,
}

impl Process {
    /// Starts a command in a folder; what it prints is added to the log.
    ///
    /// # Errors
    /// The program cannot be started, or the log not be written.
    pub(super) fn start(command: &[String], folder: &Path, log: &Path) -> Result<Self> {
        let (program, arguments) = command.split_first().ok_or(ErrorKind::InvalidInput)?;
        let log = OpenOptions::new().append(true).create(true).open(log)?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", path)
            .stdin(Stdio::null())
            .stderr(log.try_clone()?)
            .stdout(log)
            .process_group(0)
            .spawn()?;
        let pid = i32::try_from(child.id()).map_err(Error::other)?;
        let (_, started) = look(pid).ok_or_else(|| Error::other("it ended at once"))?;
        Ok(Self { pid, started, boot: boot() })
    }

    /// Says what it is doing.
    pub(super) fn life(&self) -> Life {
        match look(self.pid) {
            Some((state, started)) if started == self.started && boot() == self.boot => match state {
                'Z' | 'X' => Life::Ended,
                'T' | 't' => Life::Paused,
                _ => Life::Running,
            },
            _ => Life::Ended,
        }
    }

    /// Sends a signal, unless it has ended.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        let Some(pid) = Pid::from_raw(self.pid) else { return Ok(()) };
        // Held open, the number cannot become that of another process between the look and the signal.
        let Ok(held) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(()) };
        if self.life() == Life::Ended {
            return Ok(());
        }
        Ok(pidfd_send_signal(&held, signal)?)
    }
}

/// Reads the state of a process and when it was started; `None` if there is none.
fn look(pid: i32) -> Option<(char, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut members = rest.split(' ');
    let state = members.next()?.chars().next()?;
    Some((state, members.nth(TO_START - 1)?.parse().ok()?))
}

fn boot() -> String {
    std::fs::read_to_string(BOOT).map(|text| text.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn sleeper(folder: &Path) -> Process {
        let command = ["sleep", "60"].map(str::to_owned);
        Process::start(&command, folder, &folder.join("log")).unwrap()
    }

    fn becomes(process: &Process, life: Life) -> bool {
        (0..1000).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            process.life() == life
        })
    }

    #[test]
    fn a_process_is_paused_resumed_and_ended() {
        let folder = tempfile::tempdir().unwrap();
        let process = sleeper(folder.path());
        for (signal, life) in
            [(Signal::STOP, Life::Paused), (Signal::CONT, Life::Running), (Signal::KILL, Life::Ended)]
        {
            process.signal(signal).unwrap();
            assert!(becomes(&process, life), "{life:?}");
        }
        process.signal(Signal::KILL).unwrap();
    }

    #[test]
    fn another_process_with_the_number_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let process = sleeper(folder.path());
        for other in [
            Process { started: process.started + 1, ..process.clone() },
            Process { boot: "another start".to_owned(), ..process.clone() },
        ] {
            assert_eq!(other.life(), Life::Ended);
            other.signal(Signal::KILL).unwrap();
        }
        assert_eq!(process.life(), Life::Running);
        process.signal(Signal::KILL).unwrap();
    }
}
