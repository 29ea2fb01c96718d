//! Who holds the gateway's memory, in a round of its own that is not counted.
//!
//! What lives on the heap is looked at by the stack that allocated it, before each gateway is ended. The gateway of that round is
//! built with the feature `heap-profile`.

mod holders;

pub use holders::Holder;

use crate::flame::{draw, stacks::Frame};
use crate::{Result, memory, session};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// The heading of the report's section.
pub(crate) const TITLE: &str = "Who holds the gateway's memory";
/// How it came about.
pub(crate) const ABOUT: &str = "Of a round that is not counted, by a build with jemalloc in place of mimalloc: what lived on the heap when the \
    gateway was about to be ended, estimated from a sample of each 16 KiB allocated. What C libraries take, TLS among them, is not in it, nor what the \
    allocator itself holds. A function is the innermost of the gateway's own in the stack that allocated.";
/// The columns of a profile's table.
pub(crate) const COLUMNS: [&str; 3] = ["function", "MiB", "share"];

/// What the allocator is told: to take a sample of each 2^14 bytes.
const SAMPLED: (&str, &str) = ("_RJEM_MALLOC_CONF", "prof:true,lg_prof_sample:14");
/// Where the gateway is asked, in its folder.
const SOCKET: &str = "heap.sock";

/// What was live in a gateway.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The name of its folder.
    pub name: String,
    /// All of it.
    pub bytes: u64,
    /// The largest ones.
    pub holders: Vec<Holder>,
    /// As SVG.
    pub flame: String,
}

struct Round {
    /// The gateway's program, in the round.
    program: Option<PathBuf>,
    /// Numbers and folders of gateways that run.
    gateways: Vec<(u32, PathBuf)>,
    faults: Vec<String>,
}

static ROUND: Mutex<Round> = Mutex::new(Round { program: None, gateways: Vec::new(), faults: Vec::new() });

fn round_of<T>(f: impl FnOnce(&mut Round) -> T) -> T {
    f(&mut ROUND.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Runs a bench as a round that is not counted, with a program that samples its heap; the report shows the profiles. Returns why
/// there are fewer than gateways.
///
/// # Errors
/// There is none; the error says why.
pub async fn round(bench: impl Future<Output = Result<()>>, program: PathBuf) -> Result<Vec<String>> {
    session::rehearse();
    round_of(|round| round.program = Some(program));
    let done = bench.await;
    let mut faults = round_of(|round| {
        (round.program, round.gateways) = (None, Vec::new());
        std::mem::take(&mut round.faults)
    });
    // With samples a gateway is slower and larger, which not every bench bears.
    faults.extend(done.err().map(|error| format!("the round for the heap's profile failed: {error}")));
    memory::forget();
    session::rehearsed();
    if session::heaps().is_empty() {
        return Err(format!("no gateway's heap was looked at: {}", faults.join("; ")).into());
    }
    Ok(faults)
}

/// Returns the program of the gateway in such a round.
pub fn program() -> Option<PathBuf> {
    round_of(|round| round.program.clone())
}

/// Has a gateway that is about to be started take samples, in such a round.
pub(crate) fn prepare(command: &mut Command) {
    if program().is_some() {
        command.env(SAMPLED.0, SAMPLED.1).env("NETWEAVE_OPS_CONTROL", SOCKET);
    }
}

/// Takes a gateway into view that was started in a folder.
pub(crate) fn began(pid: u32, folder: &Path) {
    round_of(|round| {
        if round.program.is_some() {
            round.gateways.push((pid, folder.to_owned()));
        }
    });
}

/// Looks at the heap of a process that is about to be ended, if it is such a gateway.
pub(crate) fn ending(pid: u32) {
    let Some((program, folder)) = round_of(|round| {
        let at = round.gateways.iter().position(|(one, _)| *one == pid)?;
        Some((round.program.clone()?, round.gateways.swap_remove(at).1))
    }) else {
        return;
    };
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match stacks(&program, &folder).and_then(|text| Profile::of(&name, &text)) {
        Ok(profile) => session::held(profile),
        Err(error) => round_of(|round| round.faults.push(format!("no heap profile of {name}: {error}"))),
    }
}

/// Asks a gateway for its profile.
fn stacks(program: &Path, folder: &Path) -> Result<String> {
    let output = Command::new(program)
        .args(["profile", "--heap", "--socket"])
        .arg(folder.join(SOCKET))
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

impl Profile {
    /// Reads what `netweave profile --heap` printed.
    ///
    /// # Errors
    /// There is nothing in it.
    fn of(name: &str, text: &str) -> Result<Self> {
        let stacks = holders::stacks(text);
        let root = Frame::of_stacks(
            stacks.iter().map(|(stack, bytes)| (holders::own(stack).iter().copied(), *bytes)),
        );
        if root.weight == 0 {
            return Err("it has no sample".into());
        }
        Ok(Self {
            name: name.to_owned(),
            bytes: root.weight,
            holders: holders::largest(&stacks),
            flame: draw::svg(&root, |bytes| format!("{} MiB", mib(bytes)))?,
        })
    }

    /// Returns its heading.
    pub(crate) fn title(&self) -> String {
        format!("{}: {} MiB", self.name, mib(self.bytes))
    }

    /// Returns it for machines, without the drawing.
    pub(crate) fn document(&self) -> Value {
        let holders = self.holders.iter().map(|one| {
            let share = draw::share(one.bytes, self.bytes);
            json!({ "function": one.function, "bytes": one.bytes, "share": (share * 1000.0).round() / 1000.0 })
        });
        json!({ "name": self.name, "bytes": self.bytes, "holders": holders.collect::<Vec<_>>() })
    }

    /// Returns it as a section.
    pub(crate) fn markdown(&self) -> Result<String> {
        let mut text = format!("\n## {TITLE}, {}\n\n{ABOUT}\n\n", self.title());
        writeln!(text, "| {} |\n|{}", COLUMNS.join(" | "), "---|".repeat(COLUMNS.len()))?;
        for holder in &self.holders {
            let [function, rest @ ..] = holder.cells(self.bytes);
            writeln!(text, "| `{}` | {} |", function.replace('|', "\\|"), rest.join(" | "))?;
        }
        Ok(text)
    }
}

/// Writes bytes in MiB, with one digit after the point.
#[expect(clippy::cast_precision_loss, reason = "for people")]
fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests;
