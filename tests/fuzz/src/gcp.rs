//! Any bytes as an answer of Compute Engine (JSON): objects, or an error that blames nobody else.

use netweave_gcp::fuzz::answers;

/// Runs one input.
///
/// # Panics
/// See `vendor`.
pub fn run(bytes: &[u8]) {
    super::vendor::judge(bytes, answers);
}
