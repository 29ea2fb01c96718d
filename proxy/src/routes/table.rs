//! The table of all paths: path -> route.
