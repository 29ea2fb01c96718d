//! Queues, claims and dead letters; each operation is one script.

mod acks;
mod arguments;
mod event;
mod item;

pub(crate) use self::acks::Acks;
use crate::keys;
use crate::queue_scripts::{limit, queue_lua, refused};
use crate::reply::{damaged, json, list, number as read_number, position, text};
use crate::scripts::{Lua, Refusal, millis, number};
use crate::store::Redis;
use async_trait::async_trait;
use fred::prelude::Value;
use netweave_model::port::refusal::{no_subscription, queue_full};
use netweave_model::port::{
    Acked, Attempt, Backlog, Claim, DeadLetter, DeadLetterReason, Deliveries, FanOut, FanOutOutcome, Item,
    Notice, Replay, Standing,
};
use netweave_model::{Error, Event, Id, Position, Result, Timestamp};
use std::sync::Arc;
use std::time::Duration;

queue_lua!(reads BACKLOG, "q_backlog.lua");
queue_lua!(CURSOR, "q_cursor.lua", "log_common.lua", "q_fan.lua", "sys_settled.lua");
queue_lua!(DEAD_LETTER, "q_dead_letter.lua");
queue_lua!(reads DEAD_LETTERS, "q_dead_letters.lua", "q_bodies.lua");
queue_lua!(DEFER, "q_defer.lua");
queue_lua!(ENQUEUE, "q_enqueue.lua", "q_asked.lua");
queue_lua!(FAN_OUT, "q_fan_out.lua", "log_common.lua", "q_fan.lua", "q_many.lua");
queue_lua!(LET_GO, "q_let_go.lua");
queue_lua!(reads NEXT_DUE, "q_next_due.lua");
queue_lua!(REPLAY, "q_replay.lua", "q_asked.lua");
queue_lua!(TAKE, "q_take.lua", "q_bodies.lua", "q_many.lua", "sys_settled.lua");

/// The most dead letters that one call queues again.
const REPLAY_LIMIT: u64 = 1_000;

/// The most items that one script queues: it holds the server for some milliseconds, and nobody else is answered then.
const PART: usize = 100;

/// Pause between two looks whether all pods have said what they know after a change of primaries.
const SETTLING: Duration = Duration::from_millis(50);

impl Redis {
    /// Runs a script that says whether it did something.
    async fn did(&self, script: &'static Lua, arguments: Vec<Value>) -> Result<bool> {
        Ok(read_number::<u8>(&self.tell(script, arguments).await?)? == 1)
    }

    /// Names a call, so that the store knows it when it comes again.
    fn call_name(&self) -> Value {
        self.ids().uuid().to_string().into()
    }

    /// Makes a part of a step of the fan-out; returns what came of the step if it ends with this one.
    async fn fan_out_part(
        &self,
        step: &FanOut,
        part: &[(Id, Arc<Event>)],
        more: bool,
        call: &Value,
    ) -> Result<Option<FanOutOutcome>> {
        let arguments = arguments::fan_out(step, part, more, call.clone())?;
        let answer = self.call(&FAN_OUT, keys::log(), arguments).await?;
        let outcome = answer.map_err(|Refusal(code)| {
            Error::internal(format!("a fan-out from {} to {} leaves the log: {code}", step.from, step.to))
        })?;
        match &*text(&outcome)? {
            "PART" => Ok(None),
            "DONE" => {
                self.signals().work();
                Ok(Some(FanOutOutcome::Done))
            }
            "ALREADY" => Ok(Some(FanOutOutcome::Already)),
            "STALE" => Ok(Some(FanOutOutcome::StaleMatcher)),
            _ => Err(damaged("what came of a fan-out")),
        }
    }

    /// Lets a claim go without an attempt; nobody is woken for a queue in which nothing is left.
    pub(crate) async fn let_go(&self, id: &Id, token: u64, pause: Duration) -> Result<bool> {
        let arguments = vec![id.as_str().into(), number(token), millis(pause), self.call_name()];
        let outcome: u8 = read_number(&self.tell(&LET_GO, arguments).await?)?;
        if outcome == 2 {
            self.signals().work();
        }
        Ok(outcome > 0)
    }
}

#[async_trait]
impl Deliveries for Redis {
    async fn cursor(&self) -> Result<Position> {
        loop {
            let at = self.run(&CURSOR, keys::log(), Vec::new()).await?;
            if !at.is_null() {
                return position(at);
            }
            tokio::time::sleep(SETTLING).await;
        }
    }

    async fn fan_out(&self, step: FanOut) -> Result<FanOutOutcome> {
        let call = self.call_name();
        let mut rest = &step.items[..];
        loop {
            let (part, left) = rest.split_at(rest.len().min(PART));
            match self.fan_out_part(&step, part, !left.is_empty(), &call).await? {
                Some(outcome) => return Ok(outcome),
                None => rest = left,
            }
        }
    }

    async fn enqueue(&self, subscription: &Id, notices: Vec<Notice>, max_queue: u64) -> Result<Vec<Item>> {
        let arguments = arguments::enqueue(subscription, &notices, max_queue, self.call_name())?;
        let answer = self.ask(&ENQUEUE, arguments).await?;
        let items = answer.map_err(|Refusal(code)| refusal(&code))?;
        self.signals().work();
        item::queued(items, subscription, notices)
    }

    async fn take(&self, count: usize, depth: usize, hold: Duration) -> Result<Vec<Claim>> {
        if !self.sends().await? {
            return Ok(Vec::new());
        }
        let call = self.owed().unanswered_take().unwrap_or_else(|| self.ids().uuid().to_string());
        let of = [limit(count), limit(depth.max(1)), millis(hold), self.pod().into(), call.clone().into()];
        let answer = self.tell(&TAKE, of.into()).await;
        if answer.is_err() {
            self.owed().note_take(call);
        }
        item::claims(answer?)
    }

    async fn next_due(&self) -> Result<Option<Duration>> {
        let left = self.tell(&NEXT_DUE, Vec::new()).await?;
        if left.is_null() {
            Ok(None)
        } else {
            read_number(&left).map(|left| Some(Duration::from_millis(left)))
        }
    }

    async fn ack_head(&self, claim: &Claim, attempt: Attempt) -> Result<Acked> {
        let acked = self.acknowledge(arguments::attempt(claim, &attempt, self.call_name())?).await?;
        if acked == Acked::Lost {
            self.signals().work();
        }
        Ok(acked)
    }

    async fn defer(&self, claim: &Claim, pause: Duration, attempt: Attempt) -> Result<bool> {
        let mut arguments = arguments::attempt(claim, &attempt, self.call_name())?;
        arguments.push(millis(pause));
        let done = self.did(&DEFER, arguments).await?;
        self.signals().work();
        Ok(done)
    }

    async fn postpone(&self, claim: &Claim, pause: Duration) -> Result<bool> {
        self.let_go(&claim.subscription, claim.token, pause).await
    }

    async fn dead_letter(&self, claim: &Claim, reason: DeadLetterReason, attempt: Attempt) -> Result<bool> {
        let mut arguments = arguments::attempt(claim, &attempt, self.call_name())?;
        arguments.push(arguments::reason(reason).into());
        let done = self.did(&DEAD_LETTER, arguments).await?;
        if !done {
            self.signals().work();
        }
        Ok(done)
    }

    async fn release(&self, claim: &Claim) -> Result<()> {
        let done = self.let_go(&claim.subscription, claim.token, Duration::ZERO).await;
        if done.is_err() {
            self.owed().note_claim(claim);
        }
        done.map(drop)
    }

    async fn backlog(&self, subscription: &Id) -> Result<Backlog> {
        let answer = self.ask(&BACKLOG, vec![subscription.as_str().into()]).await?;
        backlog(answer.map_err(|Refusal(code)| refusal(&code))?)
    }

    async fn standing(&self) -> Result<Standing> {
        self.waiting().await
    }

    async fn dead_letters(&self, subscription: Option<&Id>, count: usize) -> Result<Vec<DeadLetter>> {
        let set = subscription.map_or_else(|| keys::DEAD.to_owned(), |id| keys::dead_of(id.as_str()));
        item::dead_letters(self.tell(&DEAD_LETTERS, vec![set.into(), limit(count)]).await?)
    }

    async fn replay(&self, subscription: &Id, from: u64, max_queue: u64) -> Result<Replay> {
        let arguments = vec![
            subscription.as_str().into(),
            number(from),
            number(max_queue),
            number(REPLAY_LIMIT),
            self.call_name(),
        ];
        let answer = self.ask(&REPLAY, arguments).await?;
        let [queued, left] = list(answer.map_err(|Refusal(code)| refusal(&code))?)?;
        self.signals().work();
        Ok(Replay { queued: read_number(&queued)?, left: read_number(&left)? })
    }

    async fn wait(&self) {
        self.signals().wait_for_work().await;
    }
}

fn refusal(code: &str) -> Error {
    match code {
        "UNKNOWN" => no_subscription(),
        "FULL" => queue_full(),
        _ => refused(code),
    }
}

fn backlog(value: Value) -> Result<Backlog> {
    let [queued, oldest, next_attempt, failures, dead, discarded, last_sequence, attempts] = list(value)?;
    Ok(Backlog {
        queued: read_number(&queued)?,
        oldest: time(&oldest)?,
        next_attempt: time(&next_attempt)?,
        failures: read_number(&failures)?,
        dead: read_number(&dead)?,
        discarded: read_number(&discarded)?,
        last_sequence: read_number(&last_sequence)?,
        attempts: attempts.into_array().iter().map(json).collect::<Result<_>>()?,
    })
}

/// Reads a time, if there is one.
fn time(value: &Value) -> Result<Option<Timestamp>> {
    if value.is_null() || value.as_bytes() == Some(b"") {
        return Ok(None);
    }
    read_number(value).map(|at| Some(Timestamp(at)))
}
