//! `counts check BASELINE LIST`: what requests cost in instructions and allocations, which no other work on the machine changes.
//!
//! It runs itself under valgrind: as the gateway, as a bare Pingora server, and as what does single operations. `write` instead of
//! `check` writes the baseline. Who allocates is written to the file LIST.

mod allocations;
mod gateway;
mod instructions;
#[path = "../micro/operations/mod.rs"]
mod operations;
mod pingora;
mod scene;

use netweave_benches::report::say;
use netweave_benches::{Result, baseline};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: counts check|write BASELINE LIST";

fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().ok_or(USAGE)?;
    if what == "gateway" {
        return Ok(gateway::run(arguments));
    }
    netweave::listen::tls::install_provider();
    if what == "operations" {
        instructions::run()?;
        return Ok(ExitCode::SUCCESS);
    }
    let (first, second) = (arguments.next().ok_or(USAGE)?, arguments.next().ok_or(USAGE)?);
    match what.as_str() {
        "pingora" => pingora::serve(&first, Path::new(&second))?,
        "check" => {
            let counts = count(Path::new(&second))?;
            say(&figures(&counts))?;
            let held = baseline::check(&counts, Path::new(&first))?;
            if !(lean(&counts)? && held) {
                return Ok(ExitCode::FAILURE);
            }
        }
        "write" => baseline::write(&count(Path::new(&second))?, Path::new(&first))?,
        _ => return Err(USAGE.into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Says whether a hit allocates no more often than a bare Pingora server that sends the same.
fn lean(counts: &baseline::Counts) -> Result<bool> {
    let mut lean = true;
    for protocol in ["HTTP/1.1", "HTTP/2"] {
        let of = |server: &str| counts.get(&format!("cached GET, {protocol}, {server}: blocks")).copied();
        let (gateway, pingora) = (of("gateway"), of("bare Pingora"));
        let holds = gateway.is_some() && gateway <= pingora;
        let word = if holds { "ok" } else { "not ok" };
        say(&format!("{word} a hit over {protocol} allocates no more often than Pingora alone"))?;
        lean &= holds;
    }
    Ok(lean)
}

/// Says what is published, in the form in which suites give their figures.
fn figures(counts: &baseline::Counts) -> String {
    let of = |name: &str| counts.get(&format!("cached GET, HTTP/1.1, {name}")).copied().unwrap_or_default();
    let (gateway, pingora) = (of("gateway: blocks"), of("bare Pingora: blocks"));
    let instructions = of("gateway: instructions");
    format!("figure: allocations={gateway} pingora={pingora} instructions={instructions}")
}

fn count(list: &Path) -> Result<baseline::Counts> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut counts = runtime.block_on(allocations::count(folder.path(), list))?;
    counts.extend(runtime.block_on(instructions::count(folder.path()))?);
    Ok(counts)
}
