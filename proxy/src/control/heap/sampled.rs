//! What jemalloc samples, with the names of functions.

use jemalloc_pprof::{JemallocProfCtl, PROF_CTL};
use netweave_model::{Error, ErrorKind, Result};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::Mutex;

/// How the functions of the allocator begin, in which every stack ends.
const ALLOCATOR: &[&str] = &[
    "__rust_alloc",
    "__rust_realloc",
    "__rustc::",
    "_rjem_",
    "do_rallocx",
    "alloc::alloc::",
    "<alloc::alloc::",
    "tikv_jemallocator::",
    "<tikv_jemallocator::",
];

/// What a stack is called whose functions have no names.
const UNKNOWN: &str = "(unknown)";

/// The process's sampler.
pub(in crate::control) struct Sampler(Arc<Mutex<JemallocProfCtl>>);

impl Sampler {
    /// Returns the process's sampler.
    ///
    /// # Errors
    /// `Unavailable`: it does not sample.
    pub(in crate::control) fn new() -> Result<Self> {
        let off = "nothing is sampled: start the gateway with _RJEM_MALLOC_CONF=prof:true in its environment";
        PROF_CTL.clone().map(Self).ok_or_else(|| Error::new(ErrorKind::Unavailable, off))
    }

    /// Returns the bytes that live, by stack: functions from the outermost to the one that allocated, separated by `;`. Not to be
    /// called by a task.
    ///
    /// # Errors
    /// `Internal`: the samples cannot be written or read.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate of bytes, far below 2^53"
    )]
    pub(in crate::control) fn stacks(self) -> Result<BTreeMap<String, u64>> {
        let profile = self.0.blocking_lock().dump_profile();
        let profile =
            profile.map_err(|error| Error::internal("the samples cannot be read").with_source(error))?;
        let mut names = Names::default();
        let mut stacks = BTreeMap::new();
        for (stack, _) in profile.iter() {
            let mut functions = names.joined(&stack.addrs);
            if functions.is_empty() {
                functions.push_str(UNKNOWN);
            }
            *stacks.entry(functions).or_default() += stack.weight as u64;
        }
        Ok(stacks)
    }
}

/// The functions of addresses that were looked up: the caller first, then what was inlined.
#[derive(Default)]
struct Names(HashMap<usize, Vec<String>>);

impl Names {
    /// Writes a stack, its outermost address first, without the allocator's own functions.
    fn joined(&mut self, addresses: &[usize]) -> String {
        let mut stack = String::new();
        for address in addresses {
            for name in self.0.entry(*address).or_insert_with(|| looked_up(*address)) {
                if ALLOCATOR.iter().any(|own| name.starts_with(own)) {
                    return stack;
                }
                if !stack.is_empty() {
                    stack.push(';');
                }
                stack.push_str(name);
            }
        }
        stack
    }
}

fn looked_up(address: usize) -> Vec<String> {
    let mut names = Vec::new();
    backtrace::resolve(std::ptr::without_provenance_mut(address), |symbol| {
        if let Some(name) = symbol.name() {
            names.push(format!("{name:#}").replace([';', '\n'], ","));
        }
    });
    names.reverse();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_ends_where_the_allocator_begins() {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let known = [
            (1, owned(&["main", "__rust_begin_short_backtrace"])),
            (2, owned(&["f", "alloc::alloc::exchange_malloc"])),
            (3, owned(&["_rjem_malloc"])),
        ];
        let mut names = Names(known.into());
        assert_eq!(names.joined(&[1, 2, 3]), "main;__rust_begin_short_backtrace;f");
        assert_eq!(names.joined(&[2]), "f");
    }
}
