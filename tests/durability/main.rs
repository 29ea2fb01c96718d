//! Nothing acknowledged is lost: random sequences, kill -9, dropped unsynced writes.

mod agree;
mod dice;
mod disk;
mod file;
mod kill;
mod latency;
mod ledger;
mod load;
mod model;
mod power;
