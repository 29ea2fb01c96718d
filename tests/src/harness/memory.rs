//! How much memory this process needs for something.

use std::path::Path;

/// Where the process reads its own state.
const STATUS: &str = "/proc/self/status";
const RESET: &str = "/proc/self/clear_refs";

/// What the process's memory grows by at most, from a moment on.
pub struct Growth {
    before_kib: usize,
}

impl Growth {
    /// Begins: forgets earlier peaks.
    pub fn begin() -> Self {
        // Source: proc(5), `clear_refs`: 5 resets the peak to what is resident now.
        std::fs::write(Path::new(RESET), "5").expect("the peak is reset");
        Self { before_kib: kib("VmRSS:") }
    }

    /// Returns the growth up to the peak since, in MiB.
    pub fn peak_mib(&self) -> usize {
        kib("VmHWM:").saturating_sub(self.before_kib) / 1024
    }
}

fn kib(field: &str) -> usize {
    let status = std::fs::read_to_string(STATUS).expect("the process's state");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("a field of it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn what_is_held_is_seen_even_after_it_is_gone() {
    let growth = Growth::begin();
    drop(std::hint::black_box(vec![1_u8; 64 << 20]));
    assert!((60..200).contains(&growth.peak_mib()), "{}", growth.peak_mib());
}
