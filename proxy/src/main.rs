//! The `netweave` binary: collects what comes from outside and runs one command.

use netweave::clock::SystemClock;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

#[cfg(not(feature = "heap-profile"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// It samples who holds memory, if `_RJEM_MALLOC_CONF` in the environment has `prof:true`.
#[cfg(feature = "heap-profile")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // An allocation here is small and lives scattered: huge pages would more than double what stays resident, at idle
    // (59 against 27 MiB) and per connection. A kernel that refuses costs memory, nothing else.
    rustix::thread::disable_transparent_huge_pages(true).ok();
    if let Err(error) = stay_private() {
        let message = "netweave: the process cannot be kept from leaving its memory behind";
        writeln!(std::io::stderr(), "{message}: {error}").ok();
        return ExitCode::FAILURE;
    }
    netweave::listen::tls::install_provider();
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
    };
    let environment = std::env::vars_os().map(text).collect();
    netweave::cli::main(std::env::args_os(), environment, Arc::new(SystemClock))
}

/// Has the kernel write down no core and let no other process of the same user look into this one: keys are in memory.
fn stay_private() -> rustix::io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}
