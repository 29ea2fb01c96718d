//! Which subscriptions get an event: all that cover its kind, existed when it was committed, and do not exclude it.
//!
//! A filter says what must *not* be sent. It is evaluated on one state of the object: on the state after the change, and for a
//! `DELETE` on the state before it. So, with the filter `(eq,extensions/env,test)`:
//!
//! | change | `env` before | `env` after | |
//! |---|---|---|---|
//! | CREATE | | `test` | not sent |
//! | CREATE | | `prod` | sent |
//! | MODIFY | `prod` | `prod` | sent |
//! | MODIFY | `test` | `test` | not sent |
//! | MODIFY | `prod` | `test` | not sent: the object has entered the set that the consumer does not want to hear of |
//! | MODIFY | `test` | `prod` | sent, with both states: the consumer may meet an object that it does not know yet |
//! | DELETE | `test` | | not sent |
//! | DELETE | `prod` | | sent |
//!
//! A consumer that must know when an object enters the set leaves the attribute out of its filter and drops such
//! notifications itself; the dry run shows what a filter does with a given change.
//!
//! All of this happens within what the owner may see: an object that leaves it is deleted for the owner, one that enters is created.
//!
//! The specification notifies of types, pools, resources and deployment managers, and since 2.0.0 of locations and sites;
//! dictionaries have no notification. "Existed" is by the store's clock, in milliseconds: an event of the very same millisecond
//! is sent.
//!
//! Source: O-RAN.WG6.TS.O2IMS-INTERFACE-R004-v10.00, inventory subscription and notification; `docs/o2ims-coverage.md`.

use crate::access::{Access, Scope};
use netweave_model::port::{SubscriptionChange, Subscriptions};
use netweave_model::query::{BoundExclusion, Exclusion, Indexed, Paths};
use netweave_model::subscription::Major;
use netweave_model::{Entry, Error, Event, EventType, Id, Kind, Position, Result, Subscription, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Depth to which stored filters are read; they were held to the configured depth when they came in.
const STORED_DEPTH: usize = 64;

/// Whether a change is sent to a subscription, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent.
    Sent,
    /// The subscription's major has no notifications of this kind.
    NotCovered,
    /// The subscription's filter excludes it.
    Excluded,
}

/// Returns whether a major notifies of changes of a kind.
pub const fn covers(major: Major, kind: Kind) -> bool {
    match kind {
        Kind::ResourceType | Kind::ResourcePool | Kind::Resource | Kind::DeploymentManager => true,
        Kind::Location | Kind::OCloudSite => matches!(major, Major::V2),
        Kind::AlarmDictionary | Kind::PerformanceDictionary => false,
    }
}

/// Returns the state of an object on which filters are evaluated.
pub fn decisive<T>(event_type: EventType, prior: Option<T>, post: Option<T>) -> Option<T> {
    match event_type {
        EventType::Create | EventType::Modify => post,
        EventType::Delete => prior,
    }
}

/// Reads the filter of a stored subscription.
///
/// # Errors
/// `Internal`: it cannot be read, although it was checked when it was stored.
pub fn stored_exclusion(subscription: &Subscription) -> Result<Option<Exclusion>> {
    let text = subscription.filter.as_deref().unwrap_or_default();
    Exclusion::parse(text, STORED_DEPTH)
        .map_err(|error| Error::internal("a stored filter cannot be read").with_source(error))
}

/// Judges a change by its decisive state.
pub fn judge(major: Major, exclusion: Option<&BoundExclusion>, kind: Kind, state: &Indexed) -> Verdict {
    if !covers(major, kind) {
        Verdict::NotCovered
    } else if exclusion.is_some_and(|exclusion| exclusion.excludes(kind, state)) {
        Verdict::Excluded
    } else {
        Verdict::Sent
    }
}

/// What a scope lets see of a change: the state on which filters are evaluated.
enum Seen {
    /// The change is not told.
    Nothing,
    /// This state.
    State(Indexed),
    /// Nobody can tell whether it is excluded, and losing it would be worse than sending it.
    Unreadable,
}

impl Seen {
    fn of(event: &Event, scope: &Scope, paths: &Paths) -> Self {
        let position = event.position;
        let told = match scope.told(event) {
            Ok(Some(told)) => told,
            Ok(None) => return Self::Nothing,
            Err(error) => {
                tracing::error!(%position, %error, "nobody can tell whether an event may be seen, it is not told");
                return Self::Nothing;
            }
        };
        let Some(json) = decisive(told.event_type, told.prior.as_ref(), told.post.as_ref()) else {
            return Self::Unreadable;
        };
        Indexed::new(json.clone(), paths).map_or_else(
            |error| {
                tracing::error!(%position, %error, "an event cannot be matched, it goes to everybody who may see it");
                Self::Unreadable
            },
            Self::State,
        )
    }
}

/// What must be known of a subscription to match it.
struct Rule {
    /// What its owner may be told of; `None` if nothing.
    scope: Option<Arc<Scope>>,
    major: Major,
    created_at: Timestamp,
    exclusion: Option<(Exclusion, BoundExclusion)>,
}

/// All subscriptions, at one version.
pub struct Matcher {
    paths: Arc<Paths>,
    access: Arc<Access>,
    /// The generation of the access rules that `rules` were made by.
    generation: u64,
    version: u64,
    rules: BTreeMap<Id, Rule>,
}

impl Matcher {
    /// Starts without knowing any subscription.
    pub fn new(paths: Arc<Paths>, access: Arc<Access>) -> Self {
        let generation = access.generation();
        Self { paths, access, generation, version: 0, rules: BTreeMap::new() }
    }

    /// Returns the version of the subscriptions that are known.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns how many subscriptions are known.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Returns whether no subscription is known.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns the known subscriptions, ordered by id.
    pub fn ids(&self) -> impl Iterator<Item = &Id> {
        self.rules.keys()
    }

    /// Brings what is known up to date.
    ///
    /// # Errors
    /// `Unavailable`: the store does not answer; nothing was changed.
    pub async fn refresh(&mut self, subscriptions: &dyn Subscriptions) -> Result<()> {
        let generation = self.access.generation();
        // What owners may be told is known by the access rules; when those are others, all is looked up again.
        let known = if generation == self.generation { self.version } else { 0 };
        let (version, complete, changes) = subscriptions.since(known).await?;
        if complete || known == 0 {
            self.rules.clear();
        }
        self.generation = generation;
        for change in changes {
            match change {
                SubscriptionChange::Put(subscription) => {
                    let rule = self.rule(&subscription);
                    self.rules.insert(subscription.id, rule);
                }
                SubscriptionChange::Gone(id) => drop(self.rules.remove(&id)),
            }
        }
        self.version = version;
        Ok(())
    }

    /// Chooses the deliveries of a run of entries, in log order, and returns the position after the last one chosen for.
    ///
    /// Stops after the event with which there are `max_items` or more.
    pub fn select(
        &mut self,
        from: Position,
        entries: &[Entry],
        max_items: usize,
    ) -> (Position, Vec<(Id, Arc<Event>)>) {
        let mut to = from;
        let mut items = Vec::new();
        for entry in entries {
            match entry {
                Entry::Changed(event) => {
                    self.choose(event, &mut items);
                    to = event.position;
                }
                Entry::Baseline { position, .. } => to = *position,
                Entry::Seen { .. } => {}
            }
            if items.len() >= max_items {
                break;
            }
        }
        (to, items)
    }

    fn choose(&mut self, event: &Event, items: &mut Vec<(Id, Arc<Event>)>) {
        let kind = event.key.kind;
        let mut seen: Vec<(Arc<Scope>, Seen)> = Vec::new();
        let mut shared = None;
        for (id, rule) in &mut self.rules {
            let Some(scope) = &rule.scope else { continue };
            if event.at < rule.created_at || !covers(rule.major, kind) {
                continue;
            }
            let place = seen.iter().position(|(known, _)| Arc::ptr_eq(known, scope)).unwrap_or_else(|| {
                seen.push((Arc::clone(scope), Seen::of(event, scope, &self.paths)));
                seen.len() - 1
            });
            let state = match seen.get(place) {
                None | Some((_, Seen::Nothing)) => continue,
                Some((_, Seen::State(state))) => Some(state),
                Some((_, Seen::Unreadable)) => None,
            };
            if let (Some((exclusion, bound)), Some(state)) = (&mut rule.exclusion, state) {
                if !bound.is_current(&self.paths) {
                    *bound = exclusion.bind(&self.paths);
                }
                if judge(rule.major, Some(bound), kind, state) != Verdict::Sent {
                    continue;
                }
            }
            let event = shared.get_or_insert_with(|| Arc::new(event.clone()));
            items.push((id.clone(), Arc::clone(event)));
        }
    }

    fn rule(&self, subscription: &Subscription) -> Rule {
        let exclusion = stored_exclusion(subscription).unwrap_or_else(|error| {
            tracing::error!(subscription = %subscription.id, %error, "a stored filter cannot be read, everything is sent");
            None
        });
        Rule {
            scope: self.access.told(&subscription.owner),
            major: subscription.major,
            created_at: subscription.created_at,
            exclusion: exclusion.map(|exclusion| {
                let bound = exclusion.bind(&self.paths);
                (exclusion, bound)
            }),
        }
    }
}
