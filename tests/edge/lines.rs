//! The log of this process, as it would be on standard output.

use netweave::conf::tree::{Log, LogFormat};
use netweave::telemetry::log;
use std::io::{Result, Write};
use std::sync::{Mutex, Once, PoisonError};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static SETUP: Once = Once::new();

/// Keeps lines. The log hands over one whole line per write.
struct Keep;

impl Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Sets the log up, once for all tests of this process.
pub(crate) fn setup() {
    SETUP.call_once(|| {
        let conf = Log { level: "debug".to_owned(), format: LogFormat::Json };
        let before = std::panic::take_hook();
        log::init_to(&conf, || Keep).expect("no other log in this process");
        // The test's own panics are to be read as well.
        let ours = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            ours(panic);
            before(panic);
        }));
    });
}

/// Returns the lines so far that contain a text.
pub(crate) fn with(text: &str) -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    lines.iter().filter(|line| line.contains(text)).cloned().collect()
}

/// Returns the length of the longest line so far.
pub(crate) fn longest() -> usize {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    lines.iter().map(String::len).max().unwrap_or(0)
}
