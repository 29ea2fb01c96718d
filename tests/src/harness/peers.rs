//! The programs that tests talk to, as the scripts of `tests/peers` leave them.

use std::path::{Path, PathBuf};

/// Returns their folder: what `PEERS_DIR` names, else `peers` beside the gateway's own.
pub fn folder() -> PathBuf {
    let named = std::env::var_os("PEERS_DIR").map(PathBuf::from);
    named.unwrap_or_else(|| {
        super::gateway::program().ancestors().nth(2).unwrap_or(Path::new(".")).join("peers")
    })
}

/// Finds a program; `None` if it is not there and `NETWEAVE_REQUIRE_PEERS` does not ask for it.
pub fn program(name: &str, script: &str) -> Option<PathBuf> {
    let program = folder().join("bin").join(name);
    if program.exists() {
        return Some(program);
    }
    let required = std::env::var_os("NETWEAVE_REQUIRE_PEERS").is_some();
    assert!(!required, "no {name} in {}: run tests/peers/{script}", folder().display());
    None
}

/// Returns the path of one of the peers' own files, such as `compute/fake.py`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}
