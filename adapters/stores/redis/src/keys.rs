//! The keys of subscriptions and queues, which their scripts name themselves; `log` and `leases` have their own.
//!
//! * `subscription:ID`: JSON of what the interface shows; nothing else begins like this
//! * `submeta:ID`: hash of the subscription as a whole in `data`, and of what scripts need
//! * `subs:all`, `subs:owner:OWNER`: sets of the ids, ordered by id; `subs:exp`: the same, by the end of the lease
//! * `subs:like`: hash from owner, callback, consumer's id and filter to the id
//! * `subs:ver`: version of the subscriptions; `subs:matched`: of the last change after which others may match
//! * `subs:hist`: set of the ids by the version of their last change, for the latest 10,000 versions
//! * `q:ID`: list of the items; `qmeta:ID`: hash of claim and its pod, due time, place in `ready`, latest calls, counters
//! * `qatt:ID`: list of the latest attempts, newest first
//! * `claimed:POD`: hash of the queues that a pod holds, with token and call; the empty one has its latest call
//! * `ready`: set of the queues that may be taken, by when; `ready:turn`, `ready:claims`: counters
//! * `evb:NUMBER`: an event that items tell; `evb:refs`: hash of how many do; `evb:last`: counter
//! * `dead:NUMBER`: a dead letter; `dead:all`, `qdead:ID`: sets of the numbers; `dead:last`: counter
//! * `graves`: set of the expired subscriptions whose dead letters are still there, by when they ended
//! * `fan:cursor`: the sequence number of the log up to which events were fanned out; `fan:call`: the call that moved it
//! * `fan:part`: while a step of the fan-out is made in parts, hash of the event that each subscription got last in it
//! * `tomb:ID`: revision of one that ended, and the call if it was deleted, for an hour
//! * `sys:primary`: the server that wrote last; `sys:before`: the generation of the log before this one
//! * `sys:region`: the region that sends notifications; `sys:schema`: the version of this layout, such as `1.0`
//! * `sys:alive`: when leases were looked after last; `sys:held`, `sys:hold`: since when and until when none ends
//! * `pods`: set of the processes that live, by when they said so last
//! * `tally:NAME`: hash from the pod to what it has let through of a limit that all share, while anybody asks
//! * `sys:unsettled`: since when pods are waited for after a switch; `sys:entered`: set of those that are there
//!
//! The second level of the response cache is apart, and may be on another server:
//! * `cache:...`: an answer, as `cache/value.rs` lays it out; names are made by the gateway, which says what they hold

/// All dead letters.
pub(crate) const DEAD: &str = "dead:all";

/// The version of this layout.
pub(crate) const SCHEMA: &str = "sys:schema";

/// The region that sends notifications.
pub(crate) const REGION: &str = "sys:region";

/// All subscriptions.
pub(crate) const SUBSCRIPTIONS: &str = "subs:all";

/// The dead letters of a subscription.
pub(crate) fn dead_of(id: &str) -> String {
    format!("qdead:{id}")
}

/// The queue of a subscription.
pub(crate) fn queue_of(id: &str) -> String {
    format!("q:{id}")
}

/// The subscriptions of an owner.
pub(crate) fn owned_by(owner: &str) -> String {
    format!("subs:owner:{owner}")
}

/// The log, in the order in which scripts that begin with `log_common.lua` expect it.
pub(crate) fn log() -> Vec<String> {
    ["log:generation", "log:head", "log"].map(str::to_owned).to_vec()
}
