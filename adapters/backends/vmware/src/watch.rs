//! The stream of changes: one wait at a time in a session of its own.
//!
//! The full state is gathered first, over as many answers as the server needs, and told as `Reset .. Synced`; then changes
//! are told. After anything that went wrong (a broken connection, a lost session, an answer of no use) the full state is
//! gathered anew: what is known stays until the next `Synced`, which is complete.

use crate::backend::Shared;
use crate::error::{Failure, Outcome};
use crate::inventory::Inventory;
use crate::session::Session;
use crate::soap::answer::Updates;
use futures::stream::{self, StreamExt};
use netweave_model::backoff::Backoff;
use netweave_model::port::{Change, Changes, Look, fold};
use netweave_model::{Error, ErrorKind, Kind, Result, Retry};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{debug, info};

/// Shortest time between two error items.
const ERRORS_EVERY: Duration = Duration::from_secs(5);
/// Longest pause between attempts to begin.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The same while the server says that it is asked too often, or what it tells is of no use.
const LONGEST_BUSY: Duration = Duration::from_mins(2);
/// Shortest time between two signs of life while changes come.
const BEAT: Duration = Duration::from_secs(5);
/// Most answers that one full state may take; with a hundred objects each, more than an inventory holds.
const MAX_ANSWERS: usize = 5_000;

/// One stream's state.
struct Follow {
    shared: Arc<Shared>,
    kinds: Vec<Kind>,
    epoch: Option<Epoch>,
    ready: VecDeque<Result<Change>>,
    /// When an error item was told last.
    told_error: Option<Instant>,
    /// When a sign of life was told last.
    beat: Option<Instant>,
    /// Pauses before attempts to begin.
    backoff: Backoff,
    /// The same of a server that is spared.
    busy: Backoff,
}

/// The time from one full state to the next.
struct Epoch {
    session: Session,
    filter: String,
    /// What was told last; empty before the first answer.
    version: String,
    inventory: Inventory,
    /// Answers that the full state has taken so far; `None` once it was told.
    gathering: Option<usize>,
}

/// Streams the changes of some kinds of a server's objects.
pub(crate) fn changes(shared: Arc<Shared>, kinds: Vec<Kind>) -> Changes {
    let follow = Follow {
        shared,
        kinds,
        epoch: None,
        ready: VecDeque::new(),
        told_error: None,
        beat: None,
        backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
        busy: Backoff::new(FIRST_PAUSE, LONGEST_BUSY),
    };
    stream::unfold(follow, |mut follow| async move {
        let item = follow.next().await;
        Some((item, follow))
    })
    .boxed()
}

impl Follow {
    async fn next(&mut self) -> Result<Change> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return item;
            }
            let outcome = match self.epoch {
                None => self.begin().await,
                Some(_) => self.advance().await,
            };
            if let Err(failure) = outcome {
                self.failed(failure).await;
            }
        }
    }

    /// Opens a session, after the pause that the last failure asked for.
    async fn begin(&mut self) -> Outcome<()> {
        let jittered = self.backoff.pause().mul_f64(0.5 + 0.5 * fastrand::f64());
        tokio::time::sleep(self.busy.pause() + jittered).await;
        let mut session = Session::open(&self.shared.connection).await?;
        let filter = session.filter().await?;
        let inventory = Inventory::new(self.shared.scope.clone(), session.content.about.clone());
        debug!(source = %self.shared.scope.source, "following the vCenter");
        self.epoch = Some(Epoch { session, filter, version: String::new(), inventory, gathering: Some(0) });
        Ok(())
    }

    /// Waits once, and tells what that brought.
    async fn advance(&mut self) -> Outcome<()> {
        let Some(epoch) = &mut self.epoch else { return Ok(()) };
        match epoch.session.wait(&epoch.version).await? {
            Some(updates) => self.saw(updates)?,
            None if epoch.gathering.is_some() => {
                let error = Error::new(ErrorKind::Unavailable, "the vCenter does not tell what it holds");
                return Err(error.into());
            }
            None => self.live(),
        }
        Ok(())
    }

    fn saw(&mut self, updates: Updates) -> Result<()> {
        let Some(epoch) = &mut self.epoch else { return Ok(()) };
        for update in &updates.objects {
            epoch.inventory.apply(update)?;
        }
        epoch.version = updates.version;
        if let Some(answers) = &mut epoch.gathering {
            *answers += 1;
            if *answers > MAX_ANSWERS {
                return Err(Error::new(ErrorKind::TooLarge, "the vCenter's inventory exceeds its bound"));
            }
        }
        match (updates.truncated, epoch.gathering) {
            // The rest belongs to it: half of a change is none.
            (true, _) => Ok(()),
            (false, Some(_)) => self.baseline(),
            (false, None) => self.tell(),
        }
    }

    /// Tells everything, kind by kind in the order that was asked for.
    fn baseline(&mut self) -> Result<()> {
        let Some(epoch) = &mut self.epoch else { return Ok(()) };
        let mut objects = BTreeMap::new();
        fold(&mut objects, epoch.inventory.drain()?);
        epoch.gathering = None;
        self.ready.extend(Look::of(&self.kinds, objects.into_values()).baseline(&self.kinds).map(Ok));
        self.backoff.reset();
        self.busy.reset();
        self.live();
        Ok(())
    }

    /// Tells what the latest answers changed.
    fn tell(&mut self) -> Result<()> {
        let Some(epoch) = &mut self.epoch else { return Ok(()) };
        let kinds = &self.kinds;
        self.ready
            .extend(epoch.inventory.drain()?.into_iter().filter(|change| change.concerns(kinds)).map(Ok));
        if self.beat.is_none_or(|at| at.elapsed() >= BEAT) {
            self.live();
        }
        Ok(())
    }

    /// Tells that what was told is all there is.
    fn live(&mut self) {
        self.beat = Some(Instant::now());
        self.ready.push_back(Ok(Change::Heartbeat));
    }

    async fn failed(&mut self, failure: Failure) {
        let settled = self.epoch.as_ref().is_some_and(|epoch| epoch.gathering.is_none());
        let gathering = self.epoch.as_ref().is_some_and(|epoch| epoch.gathering.is_some());
        let error = if failure.is_lost_version() && settled {
            match self.again().await {
                Ok(()) => return,
                Err(failure) => Some(failure.into_error()),
            }
        } else if failure.is_lost_session() && settled {
            // Not a failure: sessions end. The next one tells everything again.
            info!(source = %self.shared.scope.source, "the session at the vCenter ended, beginning another");
            None
        } else {
            Some(failure.into_error())
        };
        self.epoch = None;
        self.rest(error.as_ref(), gathering);
        if let Some(error) = error {
            self.report(error);
        }
    }

    /// Chooses the pause after a failure. A server that is gone may be back at any moment; one that is asked too often is
    /// asked less and less, and gets the time that it wants; so is one whose full state is of no use, as that is much to read.
    fn rest(&mut self, error: Option<&Error>, gathering: bool) {
        self.backoff.failed(Retry::Later);
        let spared = |kind| {
            kind == ErrorKind::RateLimited
                || gathering && matches!(kind, ErrorKind::Internal | ErrorKind::TooLarge)
        };
        if let Some(error) = error.filter(|error| spared(error.kind())) {
            self.busy.failed(error.retry());
        } else {
            self.busy.reset();
        }
    }

    /// Begins anew in the same session: the server does not know what it told last.
    async fn again(&mut self) -> Outcome<()> {
        let Some(epoch) = &mut self.epoch else { return Ok(()) };
        info!(source = %self.shared.scope.source, "the vCenter forgot what it told, reading everything again");
        epoch.session.destroy_filter(&epoch.filter).await?;
        epoch.filter = epoch.session.filter().await?;
        epoch.version = String::new();
        epoch.inventory = Inventory::new(self.shared.scope.clone(), epoch.session.content.about.clone());
        epoch.gathering = Some(0);
        Ok(())
    }

    /// Tells an error, but not too often.
    fn report(&mut self, error: Error) {
        let now = Instant::now();
        if self.told_error.is_none_or(|at| now.duration_since(at) >= ERRORS_EVERY) {
            self.told_error = Some(now);
            self.ready.push_back(Err(error));
        } else {
            debug!(%error, "the vCenter failed again");
        }
    }
}
