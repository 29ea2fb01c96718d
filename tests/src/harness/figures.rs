//! Figures that a test measured, for the last line of its suite.

use std::fs::OpenOptions;
use std::io::Write;

/// Records `key=value` pairs: in the file that `NETWEAVE_FIGURES` names, else on standard output as `figure: ...`.
pub fn record(pairs: &str) {
    let line = format!("{pairs}\n");
    if let Some(path) = std::env::var_os("NETWEAVE_FIGURES") {
        let mut file =
            OpenOptions::new().append(true).create(true).open(path).expect("the file of figures opens");
        file.write_all(line.as_bytes()).expect("the file of figures takes a line");
    } else {
        let line = format!("figure: {line}");
        std::io::stdout().write_all(line.as_bytes()).expect("standard output takes a line");
    }
}

/// Whether the counts of the published figures are asked for, instead of the small ones.
pub fn full() -> bool {
    std::env::var_os("NETWEAVE_FULL").is_some()
}
