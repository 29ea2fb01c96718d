//! What is made of files, and made anew when they hold something else.

use crate::digest::sha256;
use arc_swap::ArcSwap;
use netweave_model::Result;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// A value that is made of files. What cannot be made leaves the old one in place, and is tried once.
pub(super) struct Watched<T> {
    files: Vec<PathBuf>,
    make: fn(&[PathBuf]) -> Result<T>,
    value: ArcSwap<T>,
    /// The hash of what the files held when the value was made last, well or not.
    seen: Mutex<String>,
}

impl<T> Watched<T> {
    /// Makes the value for the first time.
    ///
    /// # Errors
    /// Those of `make`.
    pub(super) fn new(files: Vec<PathBuf>, make: fn(&[PathBuf]) -> Result<T>) -> Result<Self> {
        let seen = Mutex::new(contents(&files));
        let value = ArcSwap::from_pointee(make(&files)?);
        Ok(Self { files, make, value, seen })
    }

    /// Returns the value as it is now.
    pub(super) fn now(&self) -> Arc<T> {
        self.value.load_full()
    }

    /// Makes the value anew if the files hold something else; `None` if they do not.
    pub(super) fn look(&self) -> Option<Result<()>> {
        let contents = contents(&self.files);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == contents {
            return None;
        }
        *seen = contents;
        Some((self.make)(&self.files).map(|value| self.value.store(Arc::new(value))))
    }
}

/// Returns a hash of what files hold; what cannot be read is a content of its own.
fn contents(files: &[PathBuf]) -> String {
    let one = |path: &PathBuf| std::fs::read(path).map_or_else(|_| "-".to_owned(), |bytes| sha256(&bytes));
    sha256(files.iter().map(one).collect::<String>().as_bytes())
}
