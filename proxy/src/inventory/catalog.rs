//! The catalog: the views of all sources and kinds, read together with their version.
