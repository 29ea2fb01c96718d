//! What is known of all infrastructures: views patched from the change log, and how they stay fresh.
//!
//! `view` holds one kind of one source, `catalog` all of them at one position of the log; `follow` is their only
//! writer. `feed` writes what one source says to the log, `fill` decides when it must be asked, `cache` keeps rendered
//! answers by version.

pub mod cache;
pub mod catalog;
pub mod feed;
pub mod fill;
pub mod follow;
pub mod per_kind;
pub mod sources;
pub mod view;

#[cfg(test)]
pub(crate) mod fakes;
