//! For tests only: this process kills itself before or after a named script, as a power cut would.
//!
//! It is compiled in by the feature `failpoints` alone, which no build for use has. `FAILPOINT` names a file; what it
//! says at the moment of a call, such as `after q_take`, is the step that is not survived.

use rustix::process::{Signal, getpid, kill_process};
use std::path::PathBuf;
use std::sync::LazyLock;

static FILE: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::var_os("FAILPOINT").map(PathBuf::from));

/// Passes a step, such as `after` the script `q_take`, or dies in it.
pub(crate) fn pass(when: &str, script: &str) {
    let Some(file) = &*FILE else { return };
    let armed = std::fs::read_to_string(file).is_ok_and(|step| step == format!("{when} {script}"));
    if armed {
        // Whether it worked shows at once: if it did, nothing more happens here.
        kill_process(getpid(), Signal::KILL).ok();
    }
}
