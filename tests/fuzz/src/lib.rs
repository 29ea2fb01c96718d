//! The bodies of the fuzz targets, one module each, with a function on bytes that panics at a finding.
//!
//! The binaries give them to libFuzzer; `tests/security/corpora.rs` takes this same file in and runs every file of `corpus`,
//! and some mutations of each, in every test run.

pub mod audit;
pub mod aws;
pub mod conf;
pub mod exclusion;
pub mod filter;
pub mod gcp;
pub mod head;
pub mod identity;
pub mod inventory;
pub mod jwt;
pub mod kubernetes;
pub mod object;
mod vendor;
pub mod vmware;
pub mod webhook;

/// A target's body.
pub type Body = fn(&[u8]);

/// Every target by the name of its folder in `corpus`.
pub const TARGETS: &[(&str, Body)] = &[
    ("audit", audit::run),
    ("aws", aws::run),
    ("conf", conf::run),
    ("exclusion", exclusion::run),
    ("filter", filter::run),
    ("gcp", gcp::run),
    ("head", head::run),
    ("identity", identity::run),
    ("inventory", inventory::run),
    ("jwt", jwt::run),
    ("kubernetes", kubernetes::run),
    ("object", object::run),
    ("vmware", vmware::run),
    ("webhook", webhook::run),
];
