//! How many instructions the functions of the hot path take, and a whole cached GET.
//!
//! Callgrind counts what happens while a function of a given name runs: for the operations one that calls them, for the GET the
//! gateway's task of a connection. It shows programs a CPU of its own, so that counts hardly depend on the machine's.

use crate::operations;
use crate::scene::{Protocol, Scene, Tool, WARM_UP, Who};
use netweave_benches::Result;
use netweave_benches::baseline::Counts;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// Requests of the run that counts a GET.
const REQUESTS: usize = 200;
/// The function in which an operation is counted, as callgrind names it.
const MEASURED: &str = "counts::instructions::measured";
/// The function in which a GET is counted: what a connection's task does when it is woken.
const CONNECTION: &str = "netweave::listen::gate::Gate<A>::serve::{{closure}}";

/// Counts everything; the folder is that of the servers.
///
/// # Errors
/// A server or valgrind fails.
pub(crate) async fn count(folder: &Path) -> Result<Counts> {
    let mut counts = operations_of_child(folder)?;
    let out = folder.join("get");
    let options = callgrind(&out, CONNECTION);
    Scene::new(folder)?.run(&Tool { options }, Who::Gateway, Protocol::H1, REQUESTS).await?;
    let requests = u64::try_from(REQUESTS + WARM_UP)?;
    counts.insert(
        "cached GET, HTTP/1.1, gateway: instructions".to_owned(),
        total(&fs::read_to_string(out)?)? / requests,
    );
    Ok(counts)
}

/// Does each operation twice, and once more where it is counted; prints their names. This is the child.
///
/// # Errors
/// An operation fails.
pub(crate) fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _entered = runtime.enter();
    for mut operation in operations::all()? {
        (operation.run)()?;
        (operation.run)()?;
        measured(&mut *operation.run)?;
        writeln!(std::io::stdout().lock(), "{}", operation.name)?;
    }
    Ok(())
}

#[inline(never)]
fn measured(run: &mut dyn FnMut() -> netweave_model::Result<()>) -> netweave_model::Result<()> {
    run()
}

fn operations_of_child(folder: &Path) -> Result<Counts> {
    let out = folder.join("operations");
    let mut options = callgrind(&out, MEASURED);
    options.push(format!("--dump-after={MEASURED}"));
    let child = Tool { options }.command()?.arg("operations").output()?;
    if !child.status.success() {
        return Err(format!("the operations failed: {}", String::from_utf8_lossy(&child.stderr)).into());
    }
    let mut counts = Counts::new();
    for (index, name) in String::from_utf8(child.stdout)?.lines().enumerate() {
        let dump = fs::read_to_string(format!("{}.{}", out.display(), index + 1))?;
        counts.insert(format!("{name}: instructions"), total(&dump)?);
    }
    Ok(counts)
}

fn callgrind(out: &Path, function: &str) -> Vec<String> {
    vec![
        "--tool=callgrind".to_owned(),
        format!("--callgrind-out-file={}", out.display()),
        format!("--toggle-collect={function}"),
    ]
}

/// Reads the number of instructions of a dump.
fn total(dump: &str) -> Result<u64> {
    let line = dump.lines().find_map(|line| line.strip_prefix("totals:"));
    let count = line.ok_or("a dump has no total")?.trim().parse()?;
    // A name that no function has any more would compare nothing with nothing.
    if count == 0 { Err("nothing was counted".into()) } else { Ok(count) }
}
