//! The whole gateway, over its listeners, on real stores and the file backend.
