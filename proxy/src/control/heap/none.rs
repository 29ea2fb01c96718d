//! What a build without the feature has to say.

use netweave_model::{Error, ErrorKind, Result};
use std::collections::BTreeMap;

/// A sampler, which this build never has.
pub(in crate::control) enum Sampler {}

impl Sampler {
    /// Returns the process's sampler.
    ///
    /// # Errors
    /// `Unsupported`: this build has none.
    pub(in crate::control) fn new() -> Result<Self> {
        let missing = "this build has no heap profile: build it with --features heap-profile";
        Err(Error::new(ErrorKind::Unsupported, missing))
    }

    /// Returns the bytes that live, by stack.
    pub(in crate::control) fn stacks(self) -> Result<BTreeMap<String, u64>> {
        match self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_how_to_get_a_build_that_can_tell() {
        let error = Sampler::new().map(Sampler::stacks).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.public(), "this build has no heap profile: build it with --features heap-profile");
    }
}
