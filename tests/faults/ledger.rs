//! What clients were acknowledged and what came at the callbacks, kept outside of the gateways, and the check of the one
//! against the other.
//!
//! Every edit of the inventory has a number, and the servers carry the number of their last one. An event tells from which
//! number to which a server went. So the events that a subscription got for a server make a chain, from a number that was
//! in the file when the 201 came to the one that is in it at the end: a missing event is a broken chain.

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::AddAssign;

/// One notification that a callback accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) sequence: u64,
    pub(crate) id: String,
    pub(crate) told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A server went from one edit to another.
    Change { server: usize, prior: u64, post: u64 },
    /// Notifications before this one are missing: read the inventory again.
    Resync,
}

/// Which pod acknowledged something, and when: nanoseconds since the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Acknowledged {
    pub(crate) pod: usize,
    pub(crate) at: u64,
}

/// A subscription whose 201 a client has seen.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) by: Acknowledged,
    /// Servers with an odd number are held back by its filter.
    pub(crate) filtered: bool,
    /// The edit of each server in the file when the 201 came.
    pub(crate) known: Vec<u64>,
}

/// What was found; all but the first two and `duplicates` must be none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    pub(crate) subscriptions: usize,
    /// Without repetitions.
    pub(crate) notifications: usize,
    /// Acknowledged, and not there.
    pub(crate) acknowledged_lost: usize,
    /// Deleted, and there.
    pub(crate) revived: usize,
    pub(crate) notifications_lost: usize,
    /// First deliveries that came after one with a higher number.
    pub(crate) disordered: usize,
    pub(crate) duplicates: usize,
    /// Repetitions with another id, and what a filter should have held back.
    pub(crate) wrong: usize,
    /// Notices that notifications are missing.
    pub(crate) resyncs: usize,
}

impl AddAssign for Findings {
    fn add_assign(&mut self, other: Self) {
        self.subscriptions += other.subscriptions;
        self.notifications += other.notifications;
        self.acknowledged_lost += other.acknowledged_lost;
        self.revived += other.revived;
        self.notifications_lost += other.notifications_lost;
        self.disordered += other.disordered;
        self.duplicates += other.duplicates;
        self.wrong += other.wrong;
        self.resyncs += other.resyncs;
    }
}

/// What is known of one server from what was told.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing was told yet; the file had this edit when the 201 came.
    Since(u64),
    At(u64),
    /// The subscriber had to read again.
    Unknown,
}

/// A place where notifications are missing: numbers, or what led from the last known state of a server to the next one.
#[derive(Debug)]
#[expect(dead_code, reason = "printed")]
struct Gap {
    missing: usize,
    /// The number of the notification that came after it.
    before: u64,
    server: usize,
    last: State,
    prior: u64,
}

impl Delivery {
    /// Reads a body that was posted to a callback.
    pub(crate) fn read(body: &Value) -> Self {
        let told = if body["notice"] == "resync" {
            Told::Resync
        } else {
            let (prior, post) = (&body["priorObjectState"], &body["postObjectState"]);
            Told::Change { server: server(post), prior: edit(prior), post: edit(post) }
        };
        Self {
            sequence: body["sequence"].as_u64().expect("a sequence number"),
            id: body["notificationId"].as_str().expect("an id").to_owned(),
            told,
        }
    }

    /// The edit to which a server went.
    pub(crate) fn edit(&self) -> Option<u64> {
        match self.told {
            Told::Change { post, .. } => Some(post),
            Told::Resync => None,
        }
    }
}

/// Writes the description of a server whose last edit has this number.
pub(crate) fn description(edit: u64) -> String {
    format!("edit {edit}")
}

/// Reads the number of a server's last edit; zero as it was in the beginning.
pub(crate) fn edit(state: &Value) -> u64 {
    let description = state["description"].as_str().expect("a description");
    description.strip_prefix("edit ").map_or(0, |number| number.parse().expect("a number"))
}

fn server(state: &Value) -> usize {
    let id = state["resourceId"].as_str().and_then(|id| id.strip_prefix("server-"));
    id.and_then(|number| number.parse().ok()).expect("a server")
}

impl Account {
    /// Whether everything was told, up to the edits that are in the file.
    pub(crate) fn is_told(&self, deliveries: &[Delivery], file: &[u64]) -> bool {
        self.stale(&self.states(&first(deliveries)).0, file) == 0
    }

    /// Compares what came with what must have come, once everything is told.
    pub(crate) fn check(&self, deliveries: &[Delivery], file: &[u64]) -> Findings {
        let mut found = arrivals(deliveries);
        let first = first(deliveries);
        let (states, gaps) = self.states(&first);
        found.subscriptions = 1;
        found.notifications_lost =
            gaps.iter().map(|gap| gap.missing).sum::<usize>() + self.stale(&states, file);
        if found.notifications_lost > 0 {
            self.show(&gaps, &states, file);
        }
        found.wrong += first.values().filter(|delivery| self.is_unwanted(delivery)).count();
        found
    }

    /// Says where something is missing, for who looks for the cause.
    fn show(&self, gaps: &[Gap], states: &[State], file: &[u64]) {
        let line = format!("filtered {}: {gaps:?}; told last {states:?}, of {file:?}\n", self.filtered);
        std::io::stdout().write_all(line.as_bytes()).expect("standard output takes a line");
    }

    /// Follows the chains of all servers; returns their ends, and where notifications are missing on the way.
    fn states(&self, first: &BTreeMap<u64, &Delivery>) -> (Vec<State>, Vec<Gap>) {
        let mut states: Vec<State> = self.known.iter().copied().map(State::Since).collect();
        let (mut next, mut gaps) = (1, Vec::new());
        for (sequence, delivery) in first {
            match delivery.told {
                Told::Resync => states.fill(State::Unknown),
                Told::Change { server, prior, post } => {
                    let skipped = usize::try_from(sequence - next).expect("a number of notifications");
                    let fits = match states[server] {
                        State::Since(known) => prior <= known,
                        State::At(last) => prior == last,
                        State::Unknown => true,
                    };
                    let missing = skipped + usize::from(!fits);
                    if missing > 0 {
                        gaps.push(Gap { missing, before: *sequence, server, last: states[server], prior });
                    }
                    states[server] = State::At(post);
                }
            }
            next = sequence + 1;
        }
        (states, gaps)
    }

    /// Counts the servers whose last state was not told.
    fn stale(&self, states: &[State], file: &[u64]) -> usize {
        let servers = states.iter().zip(file).enumerate();
        let due = servers.filter(|(server, _)| !self.is_held_back(*server));
        due.filter(|(_, (state, file))| match state {
            State::Since(last) | State::At(last) => last != *file,
            State::Unknown => false,
        })
        .count()
    }

    fn is_held_back(&self, server: usize) -> bool {
        self.filtered && !server.is_multiple_of(2)
    }

    fn is_unwanted(&self, delivery: &Delivery) -> bool {
        matches!(delivery.told, Told::Change { server, .. } if self.is_held_back(server))
    }
}

/// Counts repetitions and disorder in the order of arrival.
pub(crate) fn arrivals(deliveries: &[Delivery]) -> Findings {
    let mut found = Findings::default();
    let (mut seen, mut highest) = (BTreeMap::new(), 0);
    for delivery in deliveries {
        if let Some(first) = seen.insert(delivery.sequence, delivery) {
            found.duplicates += 1;
            found.wrong += usize::from(first != delivery);
            continue;
        }
        found.notifications += 1;
        found.disordered += usize::from(delivery.sequence < highest);
        found.resyncs += usize::from(delivery.told == Told::Resync);
        highest = highest.max(delivery.sequence);
    }
    found
}

/// The first delivery of each sequence number.
fn first(deliveries: &[Delivery]) -> BTreeMap<u64, &Delivery> {
    deliveries.iter().rev().map(|delivery| (delivery.sequence, delivery)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn change(sequence: u64, server: usize, prior: u64, post: u64) -> Delivery {
        Delivery { sequence, id: format!("id-{sequence}"), told: Told::Change { server, prior, post } }
    }

    fn resync(sequence: u64) -> Delivery {
        Delivery { sequence, id: format!("id-{sequence}"), told: Told::Resync }
    }

    /// A subscription that came when the file had edits 3 and 5.
    fn account(filtered: bool) -> Account {
        Account { by: Acknowledged::default(), filtered, known: vec![3, 5] }
    }

    /// Checks one against a file that has edits 7 and 9 at the end.
    fn check(deliveries: &[Delivery]) -> Findings {
        let account = account(false);
        assert_eq!(
            account.is_told(deliveries, &[7, 9]),
            account.stale(&account.states(&first(deliveries)).0, &[7, 9]) == 0
        );
        account.check(deliveries, &[7, 9])
    }

    fn lost(deliveries: &[Delivery]) -> usize {
        check(deliveries).notifications_lost
    }

    #[test]
    fn whole_chains_lack_nothing_also_if_edits_were_merged_or_repeated() {
        let whole = [change(1, 0, 3, 6), change(2, 1, 4, 9), change(3, 0, 6, 7)];
        assert_eq!(check(&whole), Findings { subscriptions: 1, notifications: 3, ..Findings::default() });
        let again = [&whole[..], &whole[1..2]].concat();
        assert_eq!(check(&again).duplicates, 1);
        assert_eq!((lost(&again), check(&again).wrong), (0, 0));
    }

    #[test]
    fn a_missing_notification_is_found_wherever_it_is() {
        assert_eq!(lost(&[change(1, 0, 3, 7)]), 1, "nothing of the other server came");
        assert_eq!(lost(&[change(1, 0, 3, 7), change(2, 1, 6, 9)]), 1, "the first one is missing");
        assert_eq!(lost(&[change(1, 0, 3, 7), change(3, 1, 5, 9)]), 1, "a number is missing");
        assert_eq!(
            lost(&[change(1, 0, 3, 5), change(2, 1, 5, 9), change(3, 0, 6, 7)]),
            1,
            "one in between is missing"
        );
        assert_eq!(lost(&[change(1, 0, 3, 7), change(2, 1, 5, 8)]), 1, "the last one is missing");
    }

    #[test]
    fn who_was_told_to_read_again_lacks_nothing_before_that() {
        assert_eq!(lost(&[change(1, 0, 3, 4), resync(900), change(901, 1, 8, 9)]), 0);
        assert_eq!(lost(&[resync(900), change(902, 1, 8, 9)]), 1);
        assert_eq!(check(&[resync(900)]).resyncs, 1);
    }

    #[test]
    fn disorder_and_other_repetitions_are_found() {
        let turned = [change(2, 1, 5, 9), change(1, 0, 3, 7)];
        assert_eq!((check(&turned).disordered, lost(&turned)), (1, 0));
        let other = Delivery { id: "other".into(), ..turned[0].clone() };
        assert_eq!(check(&[turned[0].clone(), other]).wrong, 1);
    }

    #[test]
    fn what_a_filter_holds_back_is_neither_expected_nor_welcome() {
        let account = account(true);
        let right = [change(1, 0, 3, 7)];
        assert_eq!(account.check(&right, &[7, 9]).notifications_lost, 0);
        let wrong = [change(1, 0, 3, 7), change(2, 1, 5, 9)];
        assert_eq!(account.check(&wrong, &[7, 9]).wrong, 1);
    }

    #[test]
    fn a_body_is_read() {
        let body = json!({
            "notificationId": "n", "sequence": 7,
            "priorObjectState": { "resourceId": "server-03", "description": "server 3" },
            "postObjectState": { "resourceId": "server-03", "description": description(12) },
        });
        let told = Told::Change { server: 3, prior: 0, post: 12 };
        assert_eq!(Delivery::read(&body), Delivery { sequence: 7, id: "n".into(), told });
        let body = json!({ "notificationId": "n", "sequence": 7, "notice": "resync" });
        assert_eq!(Delivery::read(&body).told, Told::Resync);
    }
}
