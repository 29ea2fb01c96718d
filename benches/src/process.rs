//! A measured process with its children: CPU time and memory, as the kernel counts them.

use crate::Result;
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::Child;
use std::time::Duration;

/// A process that is stopped when this is dropped.
pub struct Process(Child);

impl Process {
    /// Takes a child into care.
    pub fn new(child: Child) -> Self {
        crate::memory::began(child.id());
        Self(child)
    }

    /// Returns its number.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Returns the time on a CPU, user and kernel, of the process and its children so far, with that of threads that have ended.
    ///
    /// # Errors
    /// The process is gone.
    pub fn cpu(&self) -> Result<Duration> {
        self.family()?
            .into_iter()
            .map(|pid| time(clock_getcpuclockid(unistd::Pid::from_raw(pid.try_into()?))?))
            .sum()
    }

    /// Returns the resident memory of the process and its children, in bytes.
    ///
    /// # Errors
    /// The process is gone.
    pub fn resident(&self) -> Result<u64> {
        self.memory("VmRSS:")
    }

    /// Returns the most memory that was resident at any time, in bytes.
    ///
    /// # Errors
    /// The process is gone.
    pub fn peak(&self) -> Result<u64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, of: &str) -> Result<u64> {
        let mut kib = 0;
        for pid in self.family()? {
            let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
            let line = status.lines().find_map(|line| line.strip_prefix(of)).ok_or("no such figure")?;
            kib += line.trim().trim_end_matches(" kB").parse::<u64>()?;
        }
        Ok(kib << 10)
    }

    /// Returns how many files, sockets and the like the process itself has open.
    ///
    /// # Errors
    /// The process is gone.
    pub fn descriptors(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.0.id()))?.count())
    }

    /// Returns how many threads the process itself has.
    ///
    /// # Errors
    /// The process is gone.
    pub fn threads(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/task", self.0.id()))?.count())
    }

    /// Sends a signal to the process itself.
    ///
    /// # Errors
    /// The process is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw).ok_or("no process id")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Kills the process at once, as a power cut does, and waits until it is gone.
    ///
    /// # Errors
    /// The kernel does not let it.
    pub fn kill(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Fails if the process has ended.
    ///
    /// # Errors
    /// It has; the error says how.
    pub fn alive(&mut self) -> Result<()> {
        match self.0.try_wait()? {
            Some(status) => Err(format!("the server ended: {status}").into()),
            None => Ok(()),
        }
    }

    /// Asks the process to end and waits until it has, for a minute at most.
    ///
    /// # Errors
    /// It does not, or ends with an error.
    pub fn end(&mut self) -> Result<()> {
        crate::heap::ending(self.0.id());
        std::process::Command::new("kill").arg(self.0.id().to_string()).status()?;
        for _ in 0..1200 {
            std::thread::sleep(Duration::from_millis(50));
            match self.0.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("the server ended: {status}").into()),
                None => {}
            }
        }
        Err("the server does not end".into())
    }

    /// The process and its direct children: nginx works in those.
    fn family(&self) -> Result<Vec<u32>> {
        let pid = self.0.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        let children = children.split_ascii_whitespace().filter_map(|id| id.parse().ok());
        Ok(std::iter::once(pid).chain(children).collect())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        crate::memory::ending(self.0.id());
        if let Ok(Some(_)) = self.0.try_wait() {
            return;
        }
        crate::heap::ending(self.0.id());
        // SIGKILL of a master would leave its workers: ask first, by its own id.
        let asked = std::process::Command::new("kill").arg(self.0.id().to_string()).status();
        let gone = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            matches!(self.0.try_wait(), Ok(Some(_)))
        });
        if asked.is_err() || !gone {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }
}

fn time(clock: ClockId) -> Result<Duration> {
    Ok(clock_gettime(clock)?.into())
}

/// Returns the CPU time of this process, the load generator, so far.
///
/// # Errors
/// The kernel does not tell.
pub fn own_cpu() -> Result<Duration> {
    time(ClockId::CLOCK_PROCESS_CPUTIME_ID)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn the_time_of_a_thread_that_has_ended_counts() {
        const BUSY: Duration = Duration::from_millis(20);
        let before = own_cpu().unwrap();
        let work = || while time(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap() < BUSY {};
        thread::spawn(work).join().unwrap();
        assert!(own_cpu().unwrap() >= before + BUSY);
    }
}
