//! Acknowledgements of many deliveries with one call.
//!
//! Those that are ready while a call is under way wait for it and go with the next one, so nobody waits when there is little
//! to do, and a call serves many when there is much. Each has a name of its own and an answer of its own.

use crate::client::absent;
use crate::queue_scripts::queue_lua;
use crate::reply::{damaged, number};
use crate::store::Redis;
use fred::prelude::Value;
use futures::future::join_all;
use netweave_model::Result;
use netweave_model::port::Acked;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

queue_lua!(ACK, "q_ack.lua", "q_many.lua");

/// The most that one script does: it holds the server for about a millisecond, and nobody else is answered then.
const MOST: usize = 100;

/// What waits for the call under way.
#[derive(Default)]
pub(crate) struct Acks(Mutex<Gathered>);

#[derive(Default)]
struct Gathered {
    waiting: Vec<Ack>,
    /// Somebody makes the calls.
    busy: bool,
}

struct Ack {
    /// Those of one head.
    arguments: Vec<Value>,
    answer: oneshot::Sender<Result<Acked>>,
}

impl Acks {
    /// Adds one; returns whether the caller has to see to the calls.
    fn add(&self, ack: Ack) -> bool {
        let mut gathered = self.gathered();
        gathered.waiting.push(ack);
        !std::mem::replace(&mut gathered.busy, true)
    }

    /// Takes those that go with the next calls, by call; none if nobody makes calls from now on.
    fn next(&self) -> Vec<Vec<Ack>> {
        let mut gathered = self.gathered();
        let mut rest = std::mem::take(&mut gathered.waiting);
        gathered.busy = !rest.is_empty();
        let mut calls = Vec::new();
        while !rest.is_empty() {
            let later = rest.split_off(rest.len().min(MOST));
            calls.push(std::mem::replace(&mut rest, later));
        }
        calls
    }

    /// Answers that nothing was done to whoever waits; whoever comes next sees to the calls.
    fn break_off(&self) {
        let mut gathered = self.gathered();
        gathered.busy = false;
        gathered.waiting.clear();
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sees to the calls; if it is broken off, as with the runtime that it is on, nobody waits for ever.
struct Duty {
    acks: Arc<Acks>,
    done: bool,
}

impl Drop for Duty {
    fn drop(&mut self) {
        if !self.done {
            self.acks.break_off();
        }
    }
}

impl Redis {
    /// Acknowledges a head, whose arguments are given, with others that are ready.
    pub(super) async fn acknowledge(&self, arguments: Vec<Value>) -> Result<Acked> {
        let (answer, answered) = oneshot::channel();
        if self.acks().add(Ack { arguments, answer }) {
            // On its own: whoever waits for an answer may go away, and the others still want theirs.
            let duty = Duty { acks: Arc::clone(self.acks()), done: false };
            tokio::spawn(self.clone().acknowledge_all(duty));
        }
        answered.await.unwrap_or_else(|_| Err(absent()))
    }

    async fn acknowledge_all(self, mut duty: Duty) {
        while !duty.done {
            // What is about to be ready goes along.
            tokio::task::yield_now().await;
            let calls = duty.acks.next();
            duty.done = calls.is_empty();
            join_all(calls.into_iter().map(|acks| self.acknowledge_some(acks))).await;
        }
    }

    /// Makes one call for some, and one for each that cannot be done beside others.
    async fn acknowledge_some(&self, acks: Vec<Ack>) {
        let arguments = acks.iter().flat_map(|ack| ack.arguments.clone()).collect();
        match self.acknowledged(arguments, acks.len()).await {
            Ok(outcomes) => {
                for (ack, outcome) in acks.into_iter().zip(outcomes) {
                    match outcome {
                        Some(acked) => drop(ack.answer.send(Ok(acked))),
                        None => drop(tokio::spawn(self.clone().acknowledge_alone(ack))),
                    }
                }
            }
            Err(error) => {
                for ack in acks {
                    ack.answer.send(Err(error.echo())).ok();
                }
            }
        }
    }

    async fn acknowledge_alone(self, ack: Ack) {
        let outcome = self.acknowledged(ack.arguments, 1).await;
        let acked = outcome.and_then(|mut outcomes| {
            outcomes.pop().flatten().ok_or_else(|| damaged("what came of an acknowledgement"))
        });
        ack.answer.send(acked).ok();
    }

    /// Returns what came of each; nothing of one that cannot be done beside others.
    async fn acknowledged(&self, arguments: Vec<Value>, count: usize) -> Result<Vec<Option<Acked>>> {
        let outcomes = self.tell(&ACK, arguments).await?.into_array();
        if outcomes.len() != count {
            return Err(damaged("what came of acknowledgements"));
        }
        outcomes.iter().map(|outcome| Ok(acked(number(outcome)?))).collect()
    }
}

fn acked(outcome: i8) -> Option<Acked> {
    match outcome {
        0 => Some(Acked::Lost),
        1 => Some(Acked::Held),
        2 => Some(Acked::Emptied),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(name: usize) -> Ack {
        Ack { arguments: vec![name.to_string().into()], answer: oneshot::channel().0 }
    }

    fn names(calls: &[Vec<Ack>]) -> Vec<String> {
        calls.iter().flatten().flat_map(|ack| &ack.arguments).filter_map(Value::as_string).collect()
    }

    #[test]
    fn one_sees_to_the_calls_of_all_who_come_until_nobody_waits() {
        let acks = Acks::default();
        assert!(acks.add(ack(0)));
        assert!(!acks.add(ack(1)));
        assert_eq!(names(&acks.next()), ["0", "1"]);
        assert!(!acks.add(ack(2)), "the call is under way");
        assert_eq!(names(&acks.next()), ["2"]);
        assert!(acks.next().is_empty());
        assert!(acks.add(ack(3)));
    }

    #[test]
    fn nobody_waits_for_calls_that_are_broken_off_before_they_began() {
        let acks = Arc::new(Acks::default());
        let (answer, mut answered) = oneshot::channel();
        acks.add(Ack { arguments: Vec::new(), answer });
        let duty = Duty { acks: Arc::clone(&acks), done: false };
        drop(async move { drop(duty) });
        assert_eq!(answered.try_recv().unwrap_err(), oneshot::error::TryRecvError::Closed);
        assert!(acks.add(ack(1)));
    }

    #[test]
    fn a_call_does_not_become_long() {
        let acks = Acks::default();
        for name in 0..=MOST {
            acks.add(ack(name));
        }
        let calls = acks.next();
        assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [MOST, 1]);
        assert_eq!(names(&calls).last(), Some(&MOST.to_string()));
    }
}
