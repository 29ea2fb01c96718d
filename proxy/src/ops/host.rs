//! The name of this machine, which in a cluster is that of the pod.

/// The kernel's file of it.
const FILE: &str = "/proc/sys/kernel/hostname";
/// Longest name that is told.
const LONGEST: usize = 64;

/// Returns the name in the characters of host names; `host` if there is none.
pub fn name() -> String {
    let tame = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '-' };
    let name = std::fs::read_to_string(FILE).unwrap_or_default();
    let name: String = name.trim().chars().take(LONGEST).map(tame).collect();
    if name.is_empty() { "host".to_owned() } else { name }
}
