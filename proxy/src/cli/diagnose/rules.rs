//! The rules, by what they look at.

pub(super) mod audit;
pub(super) mod certificates;
pub(super) mod clients;
pub(super) mod delivery;
pub(super) mod inventory;
pub(super) mod pods;
pub(super) mod redis;
