//! Time and randomness, which come in from outside so that tests never sleep.

use crate::time::Timestamp;
use uuid::Uuid;

/// The time of day.
pub trait Clock: Send + Sync {
    /// Returns the time now.
    fn now(&self) -> Timestamp;
}

/// Fresh identifiers and secrets.
pub trait Ids: Send + Sync {
    /// Returns a new random identifier.
    fn uuid(&self) -> Uuid;

    /// Returns random bytes fit for a signing secret.
    fn secret(&self) -> [u8; 32];
}
