//! Sweeper: ends expired leases, probes callbacks before, trims the log.
