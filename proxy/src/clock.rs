//! The machine's clock and its randomness.

use netweave_model::Timestamp;
use netweave_model::port::{Clock, Ids};
use uuid::Uuid;

/// The time of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// Randomness of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemIds;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

impl Ids for SystemIds {
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }

    /// Two random UUIDs: 244 random bits.
    fn secret(&self) -> [u8; 32] {
        let mut secret = [0; 32];
        let halves = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()];
        for (byte, random) in secret.iter_mut().zip(halves.into_iter().flatten()) {
            *byte = random;
        }
        secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_ids_differ_each_time() {
        assert_ne!(SystemIds.secret(), SystemIds.secret());
        assert_ne!(SystemIds.uuid(), SystemIds.uuid());
        assert!(SystemIds.secret().iter().rev().take(16).any(|byte| *byte != 0));
    }
}
