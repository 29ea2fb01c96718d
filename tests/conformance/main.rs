//! Every port's conformance suite, run by every implementation and decorator.

mod backend;
mod dead_letters;
mod deliveries;
mod failover;
mod leases;
mod log;
mod lossy;
mod pages;
mod parts;
mod pods;
mod repeats;
mod response_cache;
mod spread;
mod stores;
mod subscriptions;
mod switch;
