//! Entering a server: learning its generation of the log, and saying what it may lack.

use super::{Entered, Failure, GIVEN};
use crate::client::{COMMAND, absent, unavailable};
use crate::journal::{Say, Told};
use crate::keys;
use crate::mend::{PUT, PUT_BACK};
use crate::reply;
use crate::scripts::{Lua, lua, number};
use crate::store::Redis;
use crate::subscriptions::record;
use fred::prelude::{LuaInterface, Value};
use netweave_model::{Error, ErrorKind, Result, Subscription};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use tracing::warn;

lua!(ENTER, "sys_hold.lua", "sys_enter.lua");
lua!(ENTERED, "sys_entered.lua");
lua!(RESTORE, "log_common.lua", "log_restore.lua");

/// How many entries are said in one step, so that the server is soon free for others.
const ENTRIES: usize = 200;
/// The fields of an entry in the order in which they are written; see `lua/log_restore.lua`.
const FIELDS: [&str; 8] = ["at", "form", "source", "kind", "id", "prior", "post", "born"];

/// What a server said on being asked for its generation.
pub(super) struct Greeting {
    pub(super) generation: u64,
    head: u64,
    pub(super) server: Server,
    /// The region that sends notifications, or empty.
    pub(super) region: String,
}

/// What a server is to whoever enters it; see `lua/sys_enter.lua`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    /// The primary that wrote last, or another one whose generation began with this.
    Primary,
    /// A primary that had nothing at all.
    Empty,
    Replica,
}

impl Entered {
    /// Whether a server is still what was entered.
    fn is(&self, greeting: &Greeting) -> bool {
        greeting.generation == self.generation && (greeting.server == Server::Replica) == self.replica
    }
}

impl Redis {
    /// Returns the generation that this process has entered; enters if it has to.
    pub(super) async fn entered(&self) -> Result<Arc<Entered>> {
        if let Some(entered) = self.known_generation() {
            return Ok(entered);
        }
        let turn = tokio::time::timeout(COMMAND, self.session().entering.lock()).await;
        let _turn = turn.map_err(|late| absent().with_source(late))?;
        match self.known_generation() {
            Some(entered) => Ok(entered),
            None => self.enter().await,
        }
    }

    /// Forgets a generation, so that the next call enters again.
    pub(super) fn leave(&self, left: &Arc<Entered>) {
        let mut entered = self.session().entered.write().unwrap_or_else(PoisonError::into_inner);
        if entered.as_ref().is_some_and(|entered| Arc::ptr_eq(entered, left)) {
            *entered = None;
        }
    }

    /// Gives the server a script that it lacks, if it still has the generation that the script is made for.
    pub(super) async fn give(&self, entered: &Arc<Entered>, lua: &'static Lua) -> Result<()> {
        if !entered.is(&self.greet(self.follows()).await?) {
            self.leave(entered);
            return Ok(());
        }
        entered.script(lua).load(self.client()).await.map_err(unavailable)?;
        // It may have been another server that took it.
        if !entered.is(&self.greet(self.follows()).await?) {
            self.leave(entered);
        }
        Ok(())
    }

    /// Whether a generation is still the one that this process has entered.
    pub(super) fn is_in(&self, entered: &Arc<Entered>) -> bool {
        self.known_generation().is_some_and(|now| Arc::ptr_eq(&now, entered))
    }

    fn known_generation(&self) -> Option<Arc<Entered>> {
        self.session().entered.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has this process's region send the notifications from now on; every process enters again.
    ///
    /// # Errors
    /// `Invalid`: no region is configured. `Conflict`: the server is a replica.
    pub(crate) async fn take_over(&self) -> Result<String> {
        let own = self.region().ok_or_else(|| Error::invalid("region", "is missing"))?.to_owned();
        if self.greet(true).await?.server == Server::Replica {
            return Err(Error::new(
                ErrorKind::Conflict,
                "the server is a replica: first `REPLICAOF NO ONE` there",
            ));
        }
        Ok(own)
    }

    async fn greet(&self, takes_over: bool) -> Result<Greeting> {
        let known = self.session().known.load(Ordering::Relaxed);
        let known = if known == 0 { String::new() } else { known.to_string() };
        let region = self.region().unwrap_or_default();
        let takes_over = if takes_over && !region.is_empty() { "1" } else { "" };
        let arguments = vec![Value::from(self.now()), known.into(), region.into(), takes_over.into()];
        let [generation, head, server, region] = reply::list(self.greet_as_schema_allows(arguments).await?)?;
        let server = match &*reply::text(&server)? {
            "replica" if self.is_watched() => return Err(absent()),
            "replica" => Server::Replica,
            "empty" => Server::Empty,
            _ => Server::Primary,
        };
        let (generation, head) = (reply::number(&generation)?, reply::number(&head)?);
        Ok(Greeting { generation, head, server, region: reply::text(&region)?.into_owned() })
    }

    /// Asks for the generation, unless this program may not use what is stored.
    async fn greet_as_schema_allows(&self, arguments: Vec<Value>) -> Result<Value> {
        for _ in 0..GIVEN {
            let (found, now) = self.session().schema()?;
            let mut all = arguments.clone();
            all.extend([found.into(), now.into()]);
            let answer = self.client().eval(ENTER.made_for_any(), Vec::<String>::new(), all).await;
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Failure::Refused(code) = Failure::of(&error) else { return Err(unavailable(error)) };
            let Some(found) = code.strip_prefix("SCHEMA").map(str::trim) else {
                return Err(unavailable(error));
            };
            self.session().found_schema(found)?;
        }
        Err(absent())
    }

    async fn enter(&self) -> Result<Arc<Entered>> {
        let greeting = self.greet(self.follows()).await?;
        let entered = Arc::new(Entered::new(&greeting));
        let session = self.session();
        if !entered.replica {
            self.enter_primary(&entered, &greeting).await?;
        }
        let follows = session.follows.swap(entered.replica, Ordering::Relaxed);
        notice(follows, &greeting);
        session.known.store(greeting.generation, Ordering::Relaxed);
        *session.entered.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&entered));
        self.signals().committed();
        self.signals().work();
        Ok(entered)
    }

    /// Says what a new generation may lack, and that this process has said it.
    async fn enter_primary(&self, entered: &Arc<Entered>, greeting: &Greeting) -> Result<()> {
        let before = self.session().known.load(Ordering::Relaxed);
        if before != 0 && before != greeting.generation {
            self.say_all(entered, greeting).await?;
        }
        self.say(entered, &ENTERED, Vec::new(), vec![self.pod().into()]).await.map(drop)
    }

    /// Says all that the journal knows.
    async fn say_all(&self, entered: &Arc<Entered>, greeting: &Greeting) -> Result<()> {
        let subscriptions = self.say_subscriptions(entered).await?;
        let entries = self.say_entries(entered, greeting.head).await?;
        let (generation, empty) = (greeting.generation, greeting.server == Server::Empty);
        if let Some(observer) = self.observer() {
            observer.switched(subscriptions + entries);
        }
        warn!(
            generation,
            empty, subscriptions, entries, "the store changed its server; it was told what it lacked"
        );
        Ok(())
    }

    /// Says which subscriptions there are, and which were deleted; returns how many the server lacked.
    async fn say_subscriptions(&self, entered: &Arc<Entered>) -> Result<u64> {
        let mut lacked = 0;
        for part in self.journal().subscriptions().chunks(PUT) {
            let mut arguments = vec![Value::from("switch")];
            for say in part {
                arguments.extend(said(say)?);
            }
            let outcomes = self.say(entered, &PUT_BACK, Vec::new(), arguments).await?.into_array();
            lacked += outcomes.iter().filter(|outcome| outcome.as_bytes() == Some(b"put")).count() as u64;
        }
        Ok(lacked)
    }

    /// Says the end of the log; returns how many entries the server lacked.
    async fn say_entries(&self, entered: &Arc<Entered>, head: u64) -> Result<u64> {
        let (generation, beyond) = self.journal().beyond(head);
        let mut lacked = 0;
        for part in beyond.chunks(ENTRIES) {
            let mut arguments = vec![number(generation)];
            arguments.extend(part.iter().flat_map(told));
            let put = self.say(entered, &RESTORE, keys::log(), arguments).await?;
            lacked += reply::number::<u64>(&put)?;
        }
        Ok(lacked)
    }

    /// Runs a script in a generation that is not entered yet.
    async fn say(
        &self,
        entered: &Arc<Entered>,
        lua: &'static Lua,
        keys: Vec<String>,
        arguments: Vec<Value>,
    ) -> Result<Value> {
        let call = (keys, self.timed(arguments));
        let mut answer = self.evaluate(entered, lua, &call).await;
        if answer.as_ref().is_err_and(|error| matches!(Failure::of(error), Failure::Unknown)) {
            self.give(entered, lua).await?;
            answer = self.evaluate(entered, lua, &call).await;
        }
        answer.map_err(|error| match Failure::of(&error) {
            Failure::Refused(code) => lua.refused(&code),
            Failure::Switched | Failure::Unknown => {
                Error::new(ErrorKind::Unavailable, "the store has just changed its primary")
            }
            Failure::Lost | Failure::Denied => unavailable(error),
        })
    }
}

/// Says in the log that a server is read only, or no longer.
fn notice(follows: bool, greeting: &Greeting) {
    let replica = greeting.server == Server::Replica;
    if follows != replica {
        let writes = if replica { "refused until it is promoted" } else { "taken, as it was promoted" };
        warn!(replica, writes, region = greeting.region, "the role of this region's store has changed");
    }
}

/// Lays out what is said of one subscription; see `lua/sub_restore.lua`.
fn said(say: &Say) -> Result<Vec<Value>> {
    match say {
        Say::Gone(id, rev) => {
            let mut nothing: [Value; 11] = std::array::from_fn(|_| Value::from(""));
            [nothing[0], nothing[6]] = [id.as_str().into(), number(*rev)];
            Ok(nothing.to_vec())
        }
        Say::Is(one) => existing(one, 0),
    }
}

/// Lays out one that exists, with the last sequence number that it has at least; see `lua/sub_restore.lua`.
pub(crate) fn existing(one: &Subscription, last_sequence: u64) -> Result<Vec<Value>> {
    Ok(vec![
        one.id.as_str().into(),
        record::data(one)?,
        record::shown(one)?,
        one.owner.as_str().into(),
        record::likeness(one)?,
        record::state(one).into(),
        number(one.rev),
        number(one.lease_ms),
        number(one.created_at.0),
        number(one.expires_at.0),
        number(last_sequence),
    ])
}

/// Lays out an entry; see `lua/log_restore.lua`.
fn told(told: &Told) -> impl Iterator<Item = Value> {
    let field = |name: &str| {
        let found = told.fields.iter().find(|(field, _)| field.as_bytes() == Some(name.as_bytes()));
        found.map_or_else(|| Value::from(""), |(_, value)| value.clone())
    };
    std::iter::once(number(told.sequence)).chain(FIELDS.map(field))
}
