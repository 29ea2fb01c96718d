//! Watcher: a backend's changes -> the change log, one leader per source.
