//! Nothing acknowledged is lost: random sequences, kill -9, dropped unsynced writes.
