//! Calling scripts on whichever server is the primary, and never before it has been told what it may lack.
//!
//! A script is made for one generation of the log, so a server that does not know that generation does not execute it: a
//! new primary or a restarted one has not been given it, and one that lost its data, or was entered by another process
//! meanwhile, has another generation. The caller then enters: it learns the generation, or begins a new one; says what its
//! journal knows; and only then goes on. Every script may be repeated, so a call whose answer was lost is made again.
//!
//! A server that is a replica, as in another region than the primary's, is read and never written; when it is promoted,
//! it executes none of the scripts that it was given before, so it is entered like any other primary.

mod enter;

pub(crate) use enter::existing;

use self::enter::{Greeting, Server};
use crate::client::{absent, is_denied, unavailable};
#[cfg(feature = "failpoints")]
use crate::failpoint::pass;
use crate::schema;
use crate::scripts::{Answer, Lua, Refusal};
use crate::store::Redis;
use fred::prelude::{ClientLike, LuaInterface, Value};
use fred::types::scripts::Script;
use netweave_model::port::{CallOutcome, Schema};
use netweave_model::{Error, ErrorKind, Result, Retry};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;

/// How long a call is made again before its caller is told.
const PATIENCE: Duration = Duration::from_secs(3);
/// Pause before a call is made again whose connection broke.
const PAUSE: Duration = Duration::from_millis(20);
/// How often a server may say that it does not know a script that it was just given.
const GIVEN: usize = 8;

/// Why a replica takes no writes.
const FOLLOWS: &str = "the store of this region is a read-only replica: write in the region of its primary";

/// A generation of the log that this process has entered.
pub(crate) struct Entered {
    generation: u64,
    /// It is a replica, so it only answers what writes nothing.
    replica: bool,
    /// The region that sends notifications; empty if none is named.
    region: String,
    scripts: Mutex<HashMap<&'static str, Script>>,
}

/// Where this process stands with its Redis.
#[derive(Default)]
pub(crate) struct Session {
    entered: RwLock<Option<Arc<Entered>>>,
    entering: tokio::sync::Mutex<()>,
    /// The latest generation that was entered, or zero.
    known: AtomicU64,
    /// What was entered last is a replica, so if it takes writes one day, this region has taken over.
    follows: AtomicBool,
    /// The last call failed, so the next ones need not wait long.
    failing: AtomicBool,
    /// The version of the layout that the server had when it was asked last.
    schema: Mutex<Option<Schema>>,
}

/// What an error of the server means.
enum Failure {
    /// The script refused.
    Refused(String),
    /// The server does not have the script.
    Unknown,
    /// The server has another generation of the log.
    Switched,
    /// There was no answer, or not yet: other processes still have to say what they know.
    Lost,
    /// The user of this program has not the right.
    Denied,
}

impl Session {
    /// Returns the version that the server had, or nothing, and the one that it has once this program uses it.
    ///
    /// # Errors
    /// `Unsupported`: this program may not.
    fn schema(&self) -> Result<(String, String)> {
        let found = *self.schema.lock().unwrap_or_else(PoisonError::into_inner);
        let now = schema::own()?.on(found)?;
        Ok((found.map_or_else(String::new, |found| found.to_string()), now.to_string()))
    }

    /// Notes which version the server has; it may have none.
    fn found_schema(&self, text: &str) -> Result<()> {
        let found = if text.is_empty() { None } else { Some(text.parse()?) };
        *self.schema.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }
}

impl Entered {
    fn new(greeting: &Greeting) -> Self {
        Self {
            generation: greeting.generation,
            replica: greeting.server == Server::Replica,
            region: greeting.region.clone(),
            scripts: Mutex::default(),
        }
    }

    fn script(&self, lua: &'static Lua) -> Script {
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.entry(lua.name()).or_insert_with(|| lua.made_for(self.generation, self.replica)).clone()
    }
}

impl Redis {
    /// Runs a script; `arguments` follow the time.
    ///
    /// # Errors
    /// `Unavailable`; a refusal is an answer.
    pub(crate) async fn call(
        &self,
        lua: &'static Lua,
        keys: Vec<String>,
        arguments: Vec<Value>,
    ) -> Result<Answer> {
        let session = self.session();
        let failing = session.failing.load(Ordering::Relaxed);
        if failing && !self.client().is_connected() {
            return Err(absent());
        }
        let end = Instant::now() + if failing { Duration::ZERO } else { PATIENCE };
        let answer = self.call_until(end, lua, (keys, arguments)).await;
        if answer.as_ref().is_err_and(is_final) {
            // The server is there, and its user may be given the right later.
            return answer.map_err(|denied| denied.with_retry(Retry::Later));
        }
        session.failing.store(answer.is_err() && !self.follows(), Ordering::Relaxed);
        answer
    }

    /// Runs a script that never refuses.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(crate) async fn run(
        &self,
        lua: &'static Lua,
        keys: Vec<String>,
        arguments: Vec<Value>,
    ) -> Result<Value> {
        let answer = self.call(lua, keys, arguments).await?;
        answer.map_err(|Refusal(code)| lua.refused(&code))
    }

    /// Runs a script whose effect the journal has to know; `note` tells it, and may be called again with a later answer.
    ///
    /// The journal is read when a server is entered. A change that was acknowledged before that and noted after it would
    /// not be said to the new server, so it is made again there.
    ///
    /// # Errors
    /// `Unavailable`, and those of `note`.
    pub(crate) async fn noted<T>(
        &self,
        lua: &'static Lua,
        arguments: Vec<Value>,
        note: impl Fn(Answer) -> Result<T>,
    ) -> Result<T> {
        for _ in 0..GIVEN {
            let entered = self.entered().await?;
            let noted = note(self.call(lua, Vec::new(), arguments.clone()).await?)?;
            if self.is_in(&entered) {
                return Ok(noted);
            }
        }
        Err(absent())
    }

    async fn call_until(
        &self,
        end: Instant,
        lua: &'static Lua,
        (keys, arguments): (Vec<String>, Vec<Value>),
    ) -> Result<Answer> {
        let call = (keys, self.timed(arguments));
        let mut given = 0;
        loop {
            let lost = match self.attempt(lua, &call, &mut given).await {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => continue,
                Err(error) => error,
            };
            let refused = self.follows() && !lua.reads;
            if lost.kind() != ErrorKind::Unavailable || is_final(&lost) || refused || Instant::now() >= end {
                return Err(lost);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Returns whether the server that was entered last is a replica.
    pub(crate) fn follows(&self) -> bool {
        self.session().follows.load(Ordering::Relaxed)
    }

    /// Returns whether notifications are sent from here: no region is named, or it is this process's own.
    pub(crate) async fn sends(&self) -> Result<bool> {
        let Some(own) = self.region() else { return Ok(true) };
        Ok(self.entered().await?.region == own)
    }

    /// Makes a call once; `None` if what stood in its way was removed, which is done only so often.
    async fn attempt(
        &self,
        lua: &'static Lua,
        call: &(Vec<String>, Vec<Value>),
        given: &mut usize,
    ) -> Result<Option<Answer>> {
        let entered = self.entered().await?;
        if entered.replica && !lua.reads {
            return Err(Error::new(ErrorKind::Unavailable, FOLLOWS));
        }
        pass("before", lua.name());
        let error = match self.evaluate(&entered, lua, call).await {
            Ok(value) => {
                pass("after", lua.name());
                return Ok(Some(Ok(value)));
            }
            Err(error) => error,
        };
        match Failure::of(&error) {
            Failure::Refused(code) => return Ok(Some(Err(Refusal(code)))),
            Failure::Unknown if *given < GIVEN => {
                *given += 1;
                self.give(&entered, lua).await?;
            }
            Failure::Switched if *given < GIVEN => {
                *given += 1;
                self.leave(&entered);
            }
            Failure::Denied => return Err(unavailable(error).with_retry(Retry::Never)),
            Failure::Unknown | Failure::Switched | Failure::Lost => return Err(unavailable(error)),
        }
        Ok(None)
    }

    /// Has the server execute a script that it has; the arguments begin with the time.
    async fn evaluate(
        &self,
        entered: &Entered,
        lua: &'static Lua,
        (keys, arguments): &(Vec<String>, Vec<Value>),
    ) -> std::result::Result<Value, fred::error::Error> {
        let hash = entered.script(lua).sha1().clone();
        let began = Instant::now();
        let answer = self.client().evalsha(hash, keys.clone(), arguments.clone()).await;
        if let Some(observer) = self.observer() {
            let outcome = answer.as_ref().map_or_else(Failure::outcome, |_: &Value| CallOutcome::Answered);
            observer.called(lua.name(), outcome, began.elapsed());
        }
        answer
    }

    /// Puts the time in front of a script's arguments.
    fn timed(&self, arguments: Vec<Value>) -> Vec<Value> {
        let mut all = Vec::with_capacity(arguments.len() + 1);
        all.push(Value::from(self.now()));
        all.extend(arguments);
        all
    }
}

/// Says whether a call would end like this again at once, although the server is there: the user has not the right.
fn is_final(error: &Error) -> bool {
    error.kind() == ErrorKind::Unavailable && error.retry() == Retry::Never
}

/// Tests let the process die here; in any other build nothing happens.
#[cfg(not(feature = "failpoints"))]
fn pass(_when: &str, _script: &str) {}

impl Failure {
    /// Says how the call ended for whoever counts calls.
    fn outcome(error: &fred::error::Error) -> CallOutcome {
        match Self::of(error) {
            Self::Refused(_) | Self::Unknown | Self::Switched => CallOutcome::Answered,
            Self::Lost if *error.kind() == fred::error::ErrorKind::Timeout => CallOutcome::TimedOut,
            Self::Lost => CallOutcome::Failed,
            Self::Denied => CallOutcome::Denied,
        }
    }

    fn of(error: &fred::error::Error) -> Self {
        match error.details().split_once(' ') {
            // One that was the primary when it was entered.
            Some(("NW", "SWITCHED") | ("READONLY", _)) => Self::Switched,
            Some(("NW", "UNSETTLED")) => Self::Lost,
            Some(("NW", code)) => Self::Refused(code.to_owned()),
            Some(("NOSCRIPT", _)) => Self::Unknown,
            _ if is_denied(error) => Self::Denied,
            _ => Self::Lost,
        }
    }
}
