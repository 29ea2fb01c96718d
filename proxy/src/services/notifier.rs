//! Notifier: takes due queue heads and posts them to their callbacks.
