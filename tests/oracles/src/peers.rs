//! Where the programs and scripts of the peers are.

use std::path::{Path, PathBuf};

/// Returns the folder of the programs, as `run.sh` names it.
pub(crate) fn folder() -> PathBuf {
    std::env::var_os("PEERS_DIR").expect("PEERS_DIR: run tests/oracles/run.sh").into()
}

/// Finds a program, which must be there.
#[expect(clippy::unnecessary_wraps, reason = "the harness asks a home that may not have it")]
pub(crate) fn program(name: &str, script: &str) -> Option<PathBuf> {
    let program = folder().join("bin").join(name);
    assert!(program.exists(), "no {}: run tests/peers/{script}", program.display());
    Some(program)
}

/// Returns the path of a script or the like in `tests/peers`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../peers").join(name)
}
