//! What is known of all infrastructures: views patched from the change log, and how they stay fresh.
//!
//! `view` holds one kind of one source, `catalog` all of them at one position of the log; `follow` and `patch` are their
//! only writer. `feed` writes what one source says to the log, under its `lease`. `fill` decides when a source must be
//! asked (`class` has the lifetimes, `line` what is wanted of one source) and `filler` asks. `cache` keeps rendered answers
//! by `version`, a digest of what they were made of, large ones if `doorkeeper` remembers the question; `second` finds
//! those of other pods.

pub mod cache;
pub mod catalog;
pub mod class;
mod doorkeeper;
pub mod feed;
pub mod fill;
pub mod filler;
pub mod follow;
pub mod lease;
pub mod line;
mod patch;
pub mod per_kind;
pub mod second;
pub mod sources;
pub mod version;
pub mod view;

#[cfg(test)]
pub(crate) mod fakes;
