//! The gateway on the allocator of the system, which valgrind sees; else as `netweave` starts it.

use netweave::clock::SystemClock;
use std::process::ExitCode;
use std::sync::Arc;

/// Runs one command of the gateway.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    netweave::listen::tls::install_provider();
    let arguments = std::iter::once("netweave".to_owned()).chain(arguments).map(Into::into);
    netweave::cli::main(arguments, std::env::vars().collect(), Arc::new(SystemClock))
}
