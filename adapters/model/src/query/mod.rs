//! The query language: filter, attribute selectors and page markers.
