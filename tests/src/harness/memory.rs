//! How much memory a process needs for something.

use std::path::{Path, PathBuf};

/// What a process's memory grows by at most, from a moment on.
pub struct Growth {
    process: PathBuf,
    before_kib: usize,
}

impl Growth {
    /// Begins with this process: forgets earlier peaks.
    pub fn begin() -> Self {
        let process = PathBuf::from("/proc/self");
        reset(&process).expect("the peak is reset");
        let before_kib = kib(&process, "VmRSS:");
        Self { process, before_kib }
    }

    /// Begins with a process that this one has started. Where it is not to be looked into, its earlier peaks count as well,
    /// so the growth that is shown is never too small.
    pub fn of(pid: u32) -> Self {
        let process = PathBuf::from(format!("/proc/{pid}"));
        reset(&process).ok();
        let before_kib = kib(&process, "VmRSS:");
        Self { process, before_kib }
    }

    /// Returns the growth up to the peak since, in KiB.
    pub fn peak_kib(&self) -> usize {
        kib(&self.process, "VmHWM:").saturating_sub(self.before_kib)
    }

    /// Returns the growth up to the peak since, in MiB.
    pub fn peak_mib(&self) -> usize {
        self.peak_kib() / 1024
    }
}

/// Source: proc(5), `clear_refs`: 5 resets the peak to what is resident now.
fn reset(process: &Path) -> std::io::Result<()> {
    std::fs::write(process.join("clear_refs"), "5")
}

fn kib(process: &Path, field: &str) -> usize {
    let status = std::fs::read_to_string(process.join("status")).expect("the process's state");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("a field of it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn what_is_held_is_seen_even_after_it_is_gone() {
    let growth = Growth::begin();
    drop(std::hint::black_box(vec![1_u8; 64 << 20]));
    assert!((60..200).contains(&growth.peak_mib()), "{}", growth.peak_mib());
}
