//! Where the processor's time goes: samples of this process's own stacks, taken for a while when somebody asks for it. And who
//! holds memory, in a build that can tell.
//!
//! The kernel interrupts whichever thread has used the processor for so long, and its stack is noted; threads that wait are not
//! seen. Samples take memory, of which the process keeps a part until it ends, so none are taken where there is too little.

use super::heap::Sampler;
use crate::ops::memory;
use netweave_model::{Error, ErrorKind, Result};
use pprof::{Frames, ProfilerGuard, ProfilerGuardBuilder};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::spawn_blocking;
use tracing::info;

/// Longest time for which samples are taken, in seconds.
pub const LONGEST: u64 = 60;
/// Most samples of a second of processor time; the kernel may take fewer.
pub const FASTEST: u32 = 999;
/// Most bytes of stacks; of more, the rarest are left out.
pub const MAX_STACKS: usize = 8 << 20;
/// Under this name stacks are counted that are left out.
const LEFT_OUT: &str = "(left out)";
/// Libraries within which no stack is noted: their locks may be held by the thread that is interrupted.
const NOT_WITHIN: [&str; 4] = ["libc", "libgcc", "pthread", "vdso"];
/// Memory that samples and the names of functions may take, in bytes. Measured, with a reserve.
const MEMORY: u64 = 400 << 20;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asked {
    /// How long, in seconds.
    pub seconds: u64,
    /// Samples of a second of processor time.
    pub frequency: u32,
}

impl Asked {
    /// Refuses what is out of bounds.
    ///
    /// # Errors
    /// `Invalid`: a number is too small or too large.
    fn check(self) -> Result<Self> {
        if !(1..=LONGEST).contains(&self.seconds) {
            return Err(Error::invalid("/seconds", format!("must be 1 to {LONGEST}")));
        }
        if !(1..=FASTEST).contains(&self.frequency) {
            return Err(Error::invalid("/frequency", format!("must be 1 to {FASTEST}")));
        }
        Ok(self)
    }
}

/// Takes samples, for one who asks at a time.
pub struct Profiler {
    /// Where a file of samples can be written that do not fit in memory.
    folder: PathBuf,
    one: Mutex<()>,
}

impl Profiler {
    /// Makes a profiler whose file goes to a folder.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, one: Mutex::new(()) }
    }

    /// Takes samples for a while; returns a line for each stack: functions from the outermost to the innermost, separated by `;`,
    /// and how often it was seen. The most frequent come first, and [`MAX_STACKS`] bounds all of it.
    ///
    /// # Errors
    /// `Invalid`: more is asked for than there may be. `Conflict`: samples are being taken. `Unavailable`: the process may not take
    /// the memory for it. `Internal`: the sampler cannot be started.
    ///
    /// # Cancel safety
    /// No more samples are taken once the future is dropped.
    pub async fn stacks(&self, asked: Asked) -> Result<String> {
        let asked = asked.check()?;
        let _one = self.begin()?;
        let guard = blocking(move || start(asked.frequency)).await??;
        info!(
            seconds = asked.seconds,
            frequency = asked.frequency,
            "a profile of the processor's time is being taken"
        );
        tokio::time::sleep(Duration::from_secs(asked.seconds)).await;
        blocking(move || finish(&guard)).await?
    }

    /// Returns a line for each stack by which memory was allocated that lives, with its bytes, in the form and within the bound of
    /// [`Self::stacks`]; the largest come first.
    ///
    /// # Errors
    /// `Unsupported`: this build has no heap profile. `Conflict`, `Unavailable`: as [`Self::stacks`], or nothing is sampled.
    /// `Internal`: the samples cannot be read.
    pub async fn heap(&self) -> Result<String> {
        let sampler = Sampler::new()?;
        let _one = self.begin()?;
        info!("a profile of the heap is being taken");
        Ok(written(blocking(move || sampler.stacks()).await??))
    }

    /// Reserves the profiler for one who asks.
    fn begin(&self) -> Result<MutexGuard<'_, ()>> {
        let taken = "a profile is being taken; ask again when it is done";
        let one =
            self.one.try_lock().map_err(|error| Error::new(ErrorKind::Conflict, taken).with_source(error))?;
        is_affordable(memory::left())?;
        // It holds from the first time on.
        tempfile::env::override_temp_dir(&self.folder).ok();
        Ok(one)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.map_err(|error| Error::internal("the sampler broke").with_source(error))
}

fn is_affordable(left: Option<u64>) -> Result<()> {
    match left {
        Some(left) if left < MEMORY => Err(Error::new(
            ErrorKind::Unavailable,
            format!(
                "a profile needs {} MiB of memory, and the limit leaves {} MiB",
                MEMORY >> 20,
                left >> 20
            ),
        )),
        _ => Ok(()),
    }
}

fn start(frequency: u32) -> Result<ProfilerGuard<'static>> {
    let frequency = i32::try_from(frequency).unwrap_or(1);
    let builder = ProfilerGuardBuilder::default().frequency(frequency).blocklist(&NOT_WITHIN);
    builder.build().map_err(|error| Error::internal("the sampler cannot be started").with_source(error))
}

fn finish(guard: &ProfilerGuard<'static>) -> Result<String> {
    let report = guard.report().build();
    let report = report.map_err(|error| Error::internal("the samples cannot be read").with_source(error))?;
    Ok(written(folded(&report.data)))
}

/// Puts stacks together that differ only in the thread, or in where in a function they were.
fn folded(samples: &HashMap<Frames, isize>) -> BTreeMap<String, u64> {
    let mut stacks = BTreeMap::new();
    for (frames, count) in samples {
        let outermost_first = frames.frames.iter().rev().flat_map(|inlined| inlined.iter().rev());
        let mut stack = frames.thread_name.replace(';', ",");
        for symbol in outermost_first {
            stack.push(';');
            stack.push_str(&symbol.name().replace([';', '\n'], ","));
        }
        *stacks.entry(stack).or_default() += u64::try_from(*count).unwrap_or(0);
    }
    stacks
}

fn written(stacks: BTreeMap<String, u64>) -> String {
    let mut stacks: Vec<(String, u64)> = stacks.into_iter().collect();
    stacks.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let (mut text, mut left_out) = (String::new(), 0);
    for (stack, count) in stacks {
        if left_out == 0 && text.len() + stack.len() < MAX_STACKS {
            line(&mut text, &stack, count);
        } else {
            left_out += count;
        }
    }
    if left_out > 0 {
        line(&mut text, LEFT_OUT, left_out);
    }
    text
}

fn line(text: &mut String, stack: &str, count: u64) {
    for part in [stack, " ", &count.to_string(), "\n"] {
        text.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        let asked = |seconds, frequency| Asked { seconds, frequency }.check().is_ok();
        assert!(asked(1, 1) && asked(60, 999));
        assert!(!asked(0, 99) && !asked(61, 99) && !asked(1, 0) && !asked(1, 1000));
    }

    #[test]
    fn without_the_memory_for_it_there_is_no_profile() {
        assert!(is_affordable(None).is_ok() && is_affordable(Some(MEMORY)).is_ok());
        let error = is_affordable(Some(100 << 20)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.public(), "a profile needs 400 MiB of memory, and the limit leaves 100 MiB");
    }

    #[test]
    fn the_rarest_stacks_are_left_out_and_counted() {
        let long = |name: char| name.to_string().repeat(MAX_STACKS / 3);
        let stacks = [('a', 1), ('b', 5), ('c', 2), ('d', 3)].map(|(name, count)| (long(name), count));
        let text = written(stacks.into_iter().collect());
        let ends = |line: &str| (line.chars().next(), line.rsplit(' ').next().map(str::to_owned));
        let lines: Vec<_> = text.lines().map(ends).collect();
        let line = |first, count: &str| (Some(first), Some(count.to_owned()));
        assert_eq!(lines, [line('b', "5"), line('d', "3"), line('(', "3")]);
        assert_eq!(written([("x;y".to_owned(), 2)].into_iter().collect()), "x;y 2\n");
    }
}
