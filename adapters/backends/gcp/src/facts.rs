//! What machine types are: asked once per type, and again after an hour.

use crate::client::{Ask, Client};
use crate::conf;
use crate::error;
use crate::map::Facts;
use crate::wire::{MACHINE_TYPE, MachineType};
use futures::{StreamExt, stream};
use netweave_model::port::Gap;
use netweave_model::{Error, ErrorKind, Result};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long the facts of a type are taken as true: Google adds types, and hardly ever changes one.
const LIFE: Duration = Duration::from_hours(1);
/// Types that are asked for at the same time.
const AT_ONCE: usize = 4;
/// Types in one look; custom types make many, but not this many.
const MAX_TYPES: usize = 5_000;

/// The machine types that were asked for.
#[derive(Default)]
pub(crate) struct Machines {
    known: Mutex<HashMap<String, Known>>,
}

struct Known {
    facts: Option<Arc<MachineType>>,
    at: Instant,
}

impl Machines {
    /// Returns the facts of types, each with a zone (`PROJECT/zones/ZONE`) where it is used. Of a type that cannot be asked
    /// for, what was known of it before stands; without that it is a gap without a bridge.
    ///
    /// # Errors
    /// `TooLarge`: there are too many types. A type that does not exist any more is no error.
    pub(crate) async fn facts(
        &self,
        client: &Client,
        used: &BTreeMap<String, String>,
    ) -> Result<(Facts, Option<Gap>)> {
        if used.len() > MAX_TYPES {
            return Err(Error::new(ErrorKind::TooLarge, "the cloud has more machine types than are read"));
        }
        let now = Instant::now();
        let due: Vec<_> = {
            let mut known = self.known();
            known.retain(|name, _| used.contains_key(name));
            let lasts =
                |name: &String| known.get(name).is_some_and(|known| now.duration_since(known.at) < LIFE);
            used.iter().filter(|(name, _)| !lasts(name) && conf::name(name, &['-'])).collect()
        };
        let calls: Vec<_> = due.into_iter().map(|(name, zone)| ask(client, name, zone)).collect();
        let asked: Vec<(String, Result<Known>)> =
            stream::iter(calls).buffer_unordered(AT_ONCE).collect().await;
        let (mut known, mut gap) = (self.known(), None);
        for (name, outcome) in asked {
            match outcome {
                Ok(facts) => drop(known.insert(name, facts)),
                Err(error) => gap = Gap::join(gap, Some(Gap { error, bridged: known.contains_key(&name) })),
            }
        }
        Ok((known.iter().map(|(name, known)| (name.clone(), known.facts.clone())).collect(), gap))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask(client: &Client, name: &str, zone: &str) -> (String, Result<Known>) {
    let path = format!("{zone}/machineTypes/{name}");
    let facts = match client.one::<MachineType>(Ask::get(&path, MACHINE_TYPE)).await {
        Ok(facts) if facts.name != name => Err(error::unusable("another machine type")),
        Ok(facts) => Ok(Some(Arc::new(facts))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    (name.to_owned(), facts.map(|facts| Known { facts, at: Instant::now() }))
}
