//! What is known of all infrastructures: views patched from the change log, and how they stay fresh.

pub mod catalog;
pub mod fill;
pub mod follow;
pub mod sources;
pub mod view;
