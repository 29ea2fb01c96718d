//! Faults of Redis servers.

use super::Breaker;
use crate::cli::lab::redis;
use crate::cli::lab::state::Part;
use crate::cli::{Exit, Failure};

/// The limit of memory of the lab's servers.
const MAXMEMORY: [&str; 4] = ["CONFIG", "SET", "maxmemory", redis::MAXMEMORY];
/// The gateways' user.
const USER: [&str; 3] = ["ACL", "SETUSER", "netweave"];
/// The keys of shared limits.
const LIMITS: &str = "~tally:*";

/// Returns the primary, a replica, and all three with the primary first.
fn servers(lab: &Breaker<'_>) -> Result<(Part, Part, Vec<Part>), Failure> {
    let servers = lab.servers()?;
    match servers.as_slice() {
        [primary, replica, ..] => Ok((primary.clone(), replica.clone(), servers)),
        _ => Err(Failure::new(Exit::Failed, "the lab lacks a server")),
    }
}

pub(super) fn primary(lab: &Breaker<'_>) -> Result<Part, Failure> {
    Ok(servers(lab)?.0)
}

pub(super) fn replica(lab: &Breaker<'_>) -> Result<String, Failure> {
    Ok(servers(lab)?.1.name)
}

pub(super) fn kill_all(lab: &mut Breaker<'_>) -> Result<(), Failure> {
    // Replicas first, or one of them takes over.
    servers(lab)?.2.iter().rev().try_for_each(|part| lab.kill(&part.name))
}

pub(super) fn full(lab: &mut Breaker<'_>) -> Result<(), Failure> {
    let (_, _, all) = servers(lab)?;
    lab.order(&all, &["CONFIG", "SET", "maxmemory", "1mb"], &MAXMEMORY)
}

pub(super) fn fills_up(lab: &mut Breaker<'_>) -> Result<(), Failure> {
    let (primary, _, all) = servers(lab)?;
    let limit = (used(&primary)? * 10 / 9).to_string();
    lab.order(&all, &["CONFIG", "SET", "maxmemory", &limit], &MAXMEMORY)
}

pub(super) fn evicts(lab: &mut Breaker<'_>) -> Result<(), Failure> {
    let (_, _, all) = servers(lab)?;
    let set = |policy| ["CONFIG", "SET", "maxmemory-policy", policy];
    lab.order(&all, &set("allkeys-lru"), &set("noeviction"))
}

/// Takes commands from the gateways' user, each named with a minus, and gives them back.
pub(super) fn rights(lab: &mut Breaker<'_>, commands: &[&str]) -> Result<(), Failure> {
    let (_, _, all) = servers(lab)?;
    let back: Vec<String> = commands.iter().map(|command| command.replacen('-', "+", 1)).collect();
    let back: Vec<&str> = back.iter().map(String::as_str).collect();
    lab.order(&all, &[&USER, commands].concat(), &[&USER, back.as_slice()].concat())
}

/// Takes the keys of shared limits from the gateways' user, and gives them back.
pub(super) fn limit_keys(lab: &mut Breaker<'_>) -> Result<(), Failure> {
    let (_, _, all) = servers(lab)?;
    let others = redis::patterns().into_iter().filter(|pattern| *pattern != LIMITS);
    let words: Vec<&str> = USER.into_iter().chain(["resetkeys"]).chain(others).collect();
    lab.order(&all, &words, &[USER.as_slice(), &[LIMITS]].concat())
}

/// Deletes all subscriptions, as a hand would.
pub(super) fn loses_keys(lab: &Breaker<'_>) -> Result<(), Failure> {
    let primary = primary(lab)?;
    let keys = redis::order(&primary, &["KEYS", "subscription:*"])?;
    if keys.is_empty() {
        return Err(Failure::new(Exit::Failed, "there is no subscription to lose"));
    }
    let words: Vec<&str> = ["DEL"].into_iter().chain(keys.iter().map(String::as_str)).collect();
    redis::order(&primary, &words).map(drop)
}

/// Returns the memory that a server uses, in bytes.
fn used(server: &Part) -> Result<u64, Failure> {
    let info = redis::order(server, &["INFO", "memory"])?.concat();
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    line.and_then(|number| number.trim().parse().ok())
        .ok_or_else(|| Failure::new(Exit::Failed, format!("{} does not say what it uses", server.name)))
}
