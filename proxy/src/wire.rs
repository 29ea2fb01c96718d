//! Composition root: the only file that picks backends, stores and services.
