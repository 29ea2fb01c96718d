//! What the vCenter keeps of one login: what it told, and what is still to be told.

use std::collections::{BTreeMap, VecDeque};

/// One login.
#[derive(Default)]
pub(super) struct Session {
    /// The number of the filter, and of the version that was told last; none before the first answer.
    pub(super) filter: Option<u64>,
    version: u64,
    forgotten: bool,
    /// A wait is under way.
    pub(super) waits: bool,
    /// What was told of each virtual machine.
    told: BTreeMap<String, u32>,
    /// What is to be told, over as many answers as it takes.
    ready: VecDeque<Told>,
    /// The rest of a list, and the token that asks for it.
    pub(super) pages: Option<(String, VecDeque<String>)>,
}

/// A piece of news.
pub(super) enum Told {
    /// It came, or has another number of processors.
    Is {
        name: String,
        cpus: u32,
        is_new: bool,
    },
    Gone(String),
}

impl Session {
    /// Follows everything from now on.
    pub(super) fn follow(&mut self, filter: u64) {
        self.filter = Some(filter);
        self.version = 0;
        self.forgotten = false;
        self.told.clear();
        self.ready.clear();
    }

    pub(super) fn forget_version(&mut self) {
        self.forgotten = true;
    }

    pub(super) fn is_forgotten(&self) -> bool {
        self.forgotten
    }

    /// Tells whether a version is the one that was told last; an empty one starts anew.
    pub(super) fn knows(&mut self, version: &str) -> bool {
        if version.is_empty() {
            self.version = 0;
            self.told.clear();
            self.ready.clear();
            self.forgotten = false;
            return true;
        }
        !self.forgotten && version == self.version.to_string()
    }

    /// Returns the next answer: version, news, and whether there is more; none if there is nothing to tell.
    pub(super) fn next(
        &mut self,
        machines: &BTreeMap<String, u32>,
        page: usize,
    ) -> Option<(u64, Vec<Told>, bool)> {
        if self.ready.is_empty() {
            self.compare(machines);
        }
        // The full state is told even if there is none.
        if self.ready.is_empty() && self.version > 0 {
            return None;
        }
        let news: Vec<Told> = self.ready.drain(..page.min(self.ready.len())).collect();
        self.version += 1;
        Some((self.version, news, !self.ready.is_empty()))
    }

    fn compare(&mut self, machines: &BTreeMap<String, u32>) {
        for (name, cpus) in machines {
            let before = self.told.insert(name.clone(), *cpus);
            if before != Some(*cpus) {
                self.ready.push_back(Told::Is { name: name.clone(), cpus: *cpus, is_new: before.is_none() });
            }
        }
        let gone: Vec<String> =
            self.told.keys().filter(|name| !machines.contains_key(*name)).cloned().collect();
        for name in gone {
            self.told.remove(&name);
            self.ready.push_back(Told::Gone(name));
        }
    }
}
