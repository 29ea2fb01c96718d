//! Any bytes as an answer of EC2, Auto Scaling and STS (XML): objects, or an error that blames nobody else.

use netweave_aws::fuzz::answers;

/// Runs one input.
///
/// # Panics
/// See `vendor`.
pub fn run(bytes: &[u8]) {
    super::vendor::judge(bytes, answers);
}
