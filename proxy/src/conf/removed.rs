//! Keys that earlier versions had, for `netweave upgrade-check`.

/// A key that this version does not know any more.
#[derive(Debug)]
pub struct Removed {
    /// The key.
    pub path: &'static str,
    /// The first version without it.
    pub since: &'static str,
    /// What to write instead.
    pub instead: &'static str,
}

/// All of them.
pub const REMOVED: &[Removed] = &[Removed {
    path: "api.tls.minVersion",
    since: "0.1.0",
    instead: "`api.tls.profile`: `modern` for 1.3, `intermediate` for 1.2",
}];

#[cfg(test)]
mod tests {
    use super::super::load::{Sources, load};
    use super::*;

    #[test]
    fn what_is_removed_is_refused_as_unknown() {
        for Removed { path, .. } in REMOVED {
            let file = path.rsplit('.').fold("1".to_owned(), |text, key| format!("{{ {key}: {text} }}"));
            let loaded = load(&Sources { file: Some(&file), ..Sources::default() });
            assert!(loaded.faults.iter().any(|fault| fault.path == *path), "{path}: {:?}", loaded.faults);
        }
    }
}
