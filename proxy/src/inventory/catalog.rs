//! All views at one position of the log, and the one place where readers get them.
//!
//! A reader takes [`Views`] once and has data and versions from the same moment. The version of a part of them is a digest
//! of what is in it, so that processes which hold the same say the same, however they came to hold it.

use super::per_kind::PerKind;
use super::version::Version;
use super::view::{Held, KeyRef, View};
use crate::access::Scope;
use arc_swap::{ArcSwap, Guard};
use netweave_model::port::InventoryLog;
use netweave_model::query::{Bound, Indexed, Paths};
use netweave_model::{Id, Kind, Position, SourceName};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a read waits for the views to reach the log's head. Source: `docs/architecture.md`, section 2.
const CATCH_UP: Duration = Duration::from_millis(100);
/// Objects that a scan looks at ahead.
const AHEAD: usize = 32;

/// The views of one source.
#[derive(Clone)]
pub struct SourceViews {
    /// The source.
    pub name: SourceName,
    /// Its views.
    pub kinds: PerKind<View>,
}

/// All views of all sources at one position of the log.
#[derive(Clone, Default)]
pub struct Views {
    /// Entries up to here are contained.
    pub position: Position,
    /// The rows of the store were read; before that nothing is known of anything.
    pub loaded: bool,
    /// One per configured source, ordered by name.
    pub sources: Vec<SourceViews>,
}

/// A part of the inventory that an answer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// One object.
    Object(Kind, KeyRef<'a>),
    /// All resources of a pool, and that there is this pool.
    Pool(&'a str),
    /// All objects of kinds that have no parents.
    Kinds(&'static [Kind]),
}

/// Which objects of a collection to list.
#[derive(Clone, Copy)]
pub struct Selection<'a> {
    /// The kind.
    pub kind: Kind,
    /// The pool, for resources.
    pub parent: Option<&'a str>,
    /// Only objects whose ids come after this one.
    pub after: Option<&'a str>,
    /// Only objects that may be seen.
    pub scope: &'a Scope,
    /// Only objects that match.
    pub filter: Option<&'a Bound>,
    /// How many of these to leave out first.
    pub skip: usize,
    /// How many to return at most.
    pub limit: usize,
}

/// A part of a collection, ordered by id ascending.
pub struct Page<'a> {
    /// The objects.
    pub objects: Vec<&'a Held>,
    /// The id of the last of them.
    pub last: Option<&'a Id>,
    /// Whether more objects follow.
    pub more: bool,
}

/// The current views.
pub struct Catalog {
    views: ArcSwap<Views>,
    expected: ArcSwap<Position>,
    paths: Arc<Paths>,
    pulse: watch::Sender<u64>,
}

impl Views {
    /// Makes empty views of which nothing is known yet.
    pub fn new(names: impl IntoIterator<Item = SourceName>) -> Self {
        let mut sources: Vec<_> =
            names.into_iter().map(|name| SourceViews { name, kinds: PerKind::default() }).collect();
        sources.sort_by(|a, b| a.name.cmp(&b.name));
        Self { sources, ..Self::default() }
    }

    /// Returns the version of a part; `None` if there is no such object, or no such pool.
    pub fn version(&self, part: &Part<'_>) -> Option<Version> {
        match *part {
            Part::Object(kind, key) => {
                self.sources.iter().find_map(|source| source.kinds.get(kind).version(key))
            }
            Part::Pool(pool) => {
                let key = KeyRef { parent: None, id: pool };
                self.sources.iter().find_map(|source| source.kinds.get(Kind::ResourcePool).get(key))?;
                Some(self.version_of_members(Kind::Resource, Some(pool)))
            }
            Part::Kinds(kinds) => {
                let each = kinds.iter().map(|kind| self.version_of_members(*kind, None));
                Some(each.fold(Version::default(), Version::then))
            }
        }
    }

    fn version_of_members(&self, kind: Kind, parent: Option<&str>) -> Version {
        let views = self.sources.iter().map(|source| source.kinds.get(kind));
        views.filter_map(|view| view.version_of_members(parent)).fold(Version::default(), Version::then)
    }

    /// Returns the view of one kind of one source; `None` if the source is not configured.
    pub fn view(&self, source: &SourceName, kind: Kind) -> Option<&View> {
        self.sources.iter().find(|views| views.name == *source).map(|views| views.kinds.get(kind))
    }

    /// Returns the view of one kind of one source, to be changed.
    pub fn view_mut(&mut self, source: &SourceName, kind: Kind) -> Option<&mut View> {
        self.sources.iter_mut().find(|views| views.name == *source).map(|views| views.kinds.get_mut(kind))
    }

    /// Returns one object, from whichever source has it, if it may be seen.
    pub fn get(&self, scope: &Scope, kind: Kind, key: KeyRef<'_>) -> Option<&Arc<Indexed>> {
        let sees = |name: &SourceName| scope.sees(name, kind, key.parent, key.id);
        self.sources
            .iter()
            .filter(|source| sees(&source.name))
            .find_map(|source| source.kinds.get(kind).get(key))
    }

    /// Lists a part of a collection over all sources.
    pub fn list<'a>(&'a self, selection: Selection<'a>) -> Page<'a> {
        let Selection { kind, parent, after, scope, filter, skip, limit } = selection;
        let matches = move |object: &Indexed| filter.is_none_or(|filter| filter.matches(object));
        let seen = move |source: &SourceName, id: &Id| scope.sees(source, kind, parent, id.as_str());
        let mut streams: Vec<_> = self
            .sources
            .iter()
            .map(|source| {
                let range = Ahead::new(source.kinds.get(kind).range(parent, after), filter);
                range.filter(move |(id, held)| seen(&source.name, id) && matches(&held.object)).peekable()
            })
            .collect();
        let mut page = Page { objects: Vec::new(), last: None, more: false };
        let mut left_out = 0;
        while let Some((id, held)) = next_in_order(&mut streams) {
            if left_out < skip {
                left_out += 1;
            } else if page.objects.len() == limit {
                page.more = true;
                break;
            } else {
                page.objects.push(held);
                page.last = Some(id);
            }
        }
        page
    }
}

/// Objects some ahead of those that are asked for, each looked at for a moment where a filter will: a scan waits for memory more than
/// it computes, and memory answers several at once (10,000 objects took 547 us before).
struct Ahead<'a, I> {
    rest: I,
    filter: Option<&'a Bound>,
    ready: Vec<(&'a Id, &'a Held)>,
    /// How many of those that are ready were taken.
    taken: usize,
}

impl<'a, I: Iterator<Item = (&'a Id, &'a Held)>> Ahead<'a, I> {
    fn new(rest: I, filter: Option<&'a Bound>) -> Self {
        let ready = Vec::with_capacity(if filter.is_some() { AHEAD } else { 0 });
        Self { rest, filter, ready, taken: 0 }
    }
}

impl<'a, I: Iterator<Item = (&'a Id, &'a Held)>> Iterator for Ahead<'a, I> {
    type Item = (&'a Id, &'a Held);

    fn next(&mut self) -> Option<Self::Item> {
        let Some(filter) = self.filter else { return self.rest.next() };
        if self.taken == self.ready.len() {
            self.ready.clear();
            self.ready.extend(self.rest.by_ref().take(AHEAD));
            let looks = self.ready.iter().map(|(_, held)| usize::from(filter.look(&held.object)));
            std::hint::black_box(looks.sum::<usize>());
            self.taken = 0;
        }
        let next = self.ready.get(self.taken).copied();
        self.taken += usize::from(next.is_some());
        next
    }
}

/// Takes the object with the lowest id; the same id in a later stream is the same object and is passed over.
fn next_in_order<'a, T>(
    streams: &mut [std::iter::Peekable<impl Iterator<Item = (&'a Id, T)>>],
) -> Option<(&'a Id, T)> {
    // Mostly there is but one source, and nothing to compare.
    if let [stream] = streams {
        return stream.next();
    }
    let lowest = streams.iter_mut().filter_map(|stream| stream.peek().map(|(id, _)| *id)).min()?;
    let mut taken = None;
    for stream in streams {
        let same = stream.next_if(|(id, _)| *id == lowest);
        taken = taken.or(same);
    }
    taken
}

impl Catalog {
    /// Starts with nothing known of these sources.
    pub fn new(names: impl IntoIterator<Item = SourceName>) -> Self {
        Self {
            views: ArcSwap::from_pointee(Views::new(names)),
            expected: ArcSwap::default(),
            paths: Arc::new(Paths::new()),
            pulse: watch::Sender::new(0),
        }
    }

    /// Returns the table of attribute paths that all views share.
    pub fn paths(&self) -> &Arc<Paths> {
        &self.paths
    }

    /// Returns the views as they are now; cheap, for the length of one synchronous step.
    pub fn views(&self) -> Guard<Arc<Views>> {
        self.views.load()
    }

    /// Replaces the views and wakes who waits for that. There is one writer: `follow`.
    pub fn publish(&self, views: Views) {
        self.views.store(Arc::new(views));
        self.ring();
    }

    /// Notes that the log holds entries up to here, so that reads do not run ahead of the views.
    pub fn expect(&self, position: Position) {
        self.expected.rcu(|known| Position::max(**known, position));
    }

    /// Returns whether the views lack entries that this process knows to be in the log.
    pub fn is_behind(&self) -> bool {
        self.views.load().position < **self.expected.load()
    }

    /// Wakes who waits for news that are not in the views, such as a failed fill.
    pub fn ring(&self) {
        self.pulse.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Returns a receiver that is woken by the next [`publish`](Self::publish) or [`ring`](Self::ring).
    pub fn pulse(&self) -> watch::Receiver<u64> {
        self.pulse.subscribe()
    }

    /// Waits until something holds of the views.
    ///
    /// # Cancel safety
    /// Safe: nothing is taken.
    pub async fn until(&self, holds: impl Fn(&Views) -> bool) {
        let mut pulse = self.pulse();
        while !holds(&self.views()) {
            if pulse.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until the views hold what the log held when this was called, at most 100 ms.
    ///
    /// What an SMO was told, it can read: called before a 404 and when a client asks for an answer past caches. A log
    /// that does not answer is passed over: the views go on serving.
    pub async fn catch_up(&self, log: &dyn InventoryLog) {
        let reach_head = async {
            if let Ok(head) = log.head().await {
                self.until(|views| views.position >= head).await;
            }
        };
        // Running out of time only means that the views are read as they are.
        timeout(CATCH_UP, reach_head).await.unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;
