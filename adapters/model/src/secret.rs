//! A secret text: never printed, overwritten when it is dropped.

use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroize;

/// A secret text. `Debug` shows `***`; there is no `Display`.
///
/// It can be written and read by serde, because a store must: whoever serialises a type that holds one tells it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Returns the text, for whoever signs, seals or sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_stored_as_it_is_and_never_printed() {
        let secret = Secret::from("whsec_canary");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"whsec_canary\"");
        assert_eq!(serde_json::from_str::<Secret>("\"whsec_canary\"").unwrap(), secret);
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "*** Some(***)");
    }
}
