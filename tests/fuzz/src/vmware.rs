//! Any bytes as an answer of a vCenter (SOAP): objects, or an error that blames nobody else.

use netweave_vmware::fuzz::answers;

/// Runs one input.
///
/// # Panics
/// See `vendor`.
pub fn run(bytes: &[u8]) {
    super::vendor::judge(bytes, answers);
}
