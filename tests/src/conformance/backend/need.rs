//! What a case needs of a source, and whether it is there.

use super::Bench;
use netweave_model::port::Reach;

/// Something that not every source has; a case that needs it is skipped without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The backend calls its source over a network: its capability [`Reach::Network`]. The bench then has a wire.
    Network,
    /// The source tells a removal also when something is added at the same moment: see [`Bench::flaws`].
    MixedChanges,
}

impl Need {
    /// Tells whether a source has it. What a backend says of itself counts, never what its bench can or cannot do.
    pub(super) fn is_met(self, bench: &dyn Bench) -> bool {
        match self {
            Self::Network => bench.backend().capabilities().reach == Reach::Network,
            Self::MixedChanges => !bench.flaws().contains(&self),
        }
    }

    /// Says in words that it is not there.
    pub(super) fn absence(self) -> &'static str {
        match self {
            Self::Network => "no call goes over a network",
            Self::MixedChanges => "the source forgets a removal when it adds something at the same moment",
        }
    }
}
