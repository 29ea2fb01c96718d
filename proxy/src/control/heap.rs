//! Who holds memory: the stacks by which what lives on the heap was allocated, as the allocator of the feature `heap-profile`
//! samples them. The allocator of other builds does not.
//!
//! What C libraries take, TLS among them, comes from the C library's allocator and is not seen.

#[cfg(not(feature = "heap-profile"))]
mod none;
#[cfg(feature = "heap-profile")]
mod sampled;

#[cfg(not(feature = "heap-profile"))]
pub(super) use none::Sampler;
#[cfg(feature = "heap-profile")]
pub(super) use sampled::Sampler;
