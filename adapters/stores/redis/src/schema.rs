//! The version of the layout that `keys` describes.

use crate::client::unavailable;
use crate::keys;
use crate::store::Redis;
use fred::prelude::KeysInterface;
use netweave_model::Result;
use netweave_model::port::Schema;

/// The version that this program reads and writes.
pub const SCHEMA: Schema = Schema::new(1, 0);

/// Returns the version to go by.
#[cfg(not(feature = "failpoints"))]
#[expect(clippy::unnecessary_wraps, reason = "in tests the version is read")]
pub(crate) fn own() -> Result<Schema> {
    Ok(SCHEMA)
}

/// Returns the version to go by: tests have a process take itself for another version of the program.
#[cfg(feature = "failpoints")]
pub(crate) fn own() -> Result<Schema> {
    std::env::var("STORE_SCHEMA").map_or(Ok(SCHEMA), |text| text.parse())
}

impl Redis {
    /// Reads the version of what is stored; `None` if nothing is.
    ///
    /// # Errors
    /// `Unavailable` (retryable). `Internal`: what is there is no version.
    pub async fn schema(&self) -> Result<Option<Schema>> {
        let found: Option<String> = self.client().get(keys::SCHEMA).await.map_err(unavailable)?;
        found.map(|text| text.parse()).transpose()
    }
}
