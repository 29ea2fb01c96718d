//! Fill: a read of something old or unknown asks the source, one call at a time.
