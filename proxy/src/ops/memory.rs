//! The process's resident memory, as the kernel counts it, and what its control group leaves it.

use std::path::Path;

/// Returns the resident memory in bytes; `None` where there is no `/proc`.
pub(crate) fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u32 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(f64::from(kib) * 1024.0)
}

/// Returns how much more memory the process may take, in bytes; `None` if nothing bounds it, as far as can be seen.
///
/// What counts is `memory.max` of its own control group, of version 2.
pub(crate) fn left() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let limit = std::fs::read_to_string(Path::new("/sys/fs/cgroup").join(group).join("memory.max")).ok()?;
    let limit: u64 = limit.trim().parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a size of memory is a whole number"
    )]
    let resident = resident()? as u64;
    Some(limit.saturating_sub(resident))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_some_memory() {
        assert!(resident().is_some_and(|bytes| bytes > 100_000.0));
    }
}
