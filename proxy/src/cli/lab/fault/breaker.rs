//! The means of faults: each notes what undoes it before it is used.

use crate::cli::Failure;
use crate::cli::lab::load::Load;
use crate::cli::lab::process::{self, Life};
use crate::cli::lab::state::{Kind, Lab, Part, wait, write};
use crate::cli::lab::undo::{Undo, aside};
use crate::cli::lab::{redis, status};
use netweave_model::Timestamp;
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a part that is killed again and again lives.
const LIFE: Duration = Duration::from_secs(4);
/// Resources that may come and go meanwhile.
const SPARE: f64 = 10.0;
/// How long a part that is started again may take.
const START: Duration = Duration::from_mins(1);

/// A lab while a fault is made.
pub(super) struct Breaker<'a> {
    lab: &'a mut Lab,
    undo: Vec<Undo>,
    /// The time at which certificates begin.
    pub(super) now: Timestamp,
}

impl<'a> Breaker<'a> {
    pub(super) fn new(lab: &'a mut Lab, now: Timestamp) -> Self {
        Self { lab, undo: Vec::new(), now }
    }

    /// Returns what undoes all that was done.
    pub(super) fn done(self) -> Vec<Undo> {
        self.undo
    }

    /// Returns the path of a file in the lab's folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.lab.dir.join(name)
    }

    /// Returns the lab's folder.
    pub(super) fn dir(&self) -> &Path {
        &self.lab.dir
    }

    /// Returns the names of all parts of a kind.
    pub(super) fn names(&self, kind: Kind) -> Vec<String> {
        self.lab.all(kind).map(|part| part.name.clone()).collect()
    }

    /// Returns the primary first, and then the replicas.
    pub(super) fn servers(&self) -> Result<Vec<Part>, Failure> {
        let primary = wait(START, "a primary", || redis::primary(self.lab).cloned())?;
        let mut servers: Vec<Part> = self.lab.all(Kind::Redis).cloned().collect();
        servers.sort_by_key(|part| part.name != primary.name);
        Ok(servers)
    }

    /// Kills a part.
    pub(super) fn kill(&mut self, name: &str) -> Result<(), Failure> {
        self.undo.push(Undo::Start(name.to_owned()));
        self.lab.part(name)?.end(Signal::KILL)
    }

    /// Stops a part where it is, and waits until it has.
    pub(super) fn pause(&mut self, name: &str) -> Result<(), Failure> {
        self.undo.push(Undo::Resume(name.to_owned()));
        let part = self.lab.part(name)?;
        part.signal(Signal::STOP)?;
        wait(START, name, || (part.process.life() != Life::Running).then_some(()))
    }

    /// Has the servers execute a command, and another one when it is undone.
    pub(super) fn order(&mut self, servers: &[Part], words: &[&str], back: &[&str]) -> Result<(), Failure> {
        self.undo.push(Undo::Order(back.iter().map(|&word| word.to_owned()).collect()));
        servers.iter().try_for_each(|part| redis::order(part, words).map(drop))
    }

    /// Sets a file or folder aside; what comes in its place is up to the caller.
    pub(super) fn aside(&mut self, path: &Path) -> Result<(), Failure> {
        self.undo.push(aside(path)?);
        Ok(())
    }

    /// Replaces the text of a file.
    pub(super) fn replace(&mut self, path: &Path, text: &str) -> Result<(), Failure> {
        self.aside(path)?;
        write(path, text)
    }

    /// Starts a part anew with other words at the end of its command.
    pub(super) fn with(&mut self, name: &str, words: &[&str]) -> Result<(), Failure> {
        let former = self.lab.part(name)?.command.clone();
        self.undo.push(Undo::Command(name.to_owned(), former.clone()));
        let command = former.into_iter().chain(words.iter().map(|&word| word.to_owned())).collect();
        self.lab.restart(name, Some(command)).map(drop)
    }

    /// Starts a gateway anew, and waits until it lives, now and when it is undone; files that were replaced before are back by then.
    pub(super) fn restart(&mut self, name: &str) -> Result<(), Failure> {
        self.lab.restart(name, None)?;
        let part = self.lab.part(name)?;
        wait(START, name, || status::answers(part.ops, "livez").then_some(()))
    }

    /// Notes that, when all that was noted after this is undone, the gateways are waited for to know as few resources as now.
    pub(super) fn shrinks_at_the_end(&mut self) {
        let known = self.lab.all(Kind::Gateway).map(status::resources).filter(|known| known.is_finite());
        self.undo.push(Undo::Shrunk(known.fold(0.0, f64::max) + SPARE));
    }

    /// Notes that a part is to be started anew when all that was noted after this is undone.
    pub(super) fn restart_at_the_end(&mut self, name: &str) {
        self.undo.push(Undo::Restart(name.to_owned()));
    }

    /// Kills a part and starts it again; waits until it is ready, and has been so for a while.
    pub(super) fn bounce(&mut self, name: &str) -> Result<(), Failure> {
        self.lab.part(name)?.end(Signal::KILL)?;
        self.lab.start(name)?;
        let part = self.lab.part(name)?;
        wait(START, name, || status::gateway(part).ok().map(drop))?;
        // Whoever scrapes it has to see this life.
        std::thread::sleep(LIFE);
        Ok(())
    }

    /// Has the client ask for something else.
    pub(super) fn load(&mut self, change: impl FnOnce(&mut Load)) -> Result<(), Failure> {
        let mut load = Load::of(&self.lab.dir);
        self.undo.push(Undo::Load(load));
        change(&mut load);
        load.save(&self.lab.dir)
    }

    /// Starts a helper that goes on until it is undone.
    pub(super) fn helper(&mut self, name: &str, words: &[&str]) -> Result<(), Failure> {
        self.undo.push(Undo::Remove(name.to_owned()));
        let own = self.lab.all(Kind::Client).next().and_then(|part| part.command.first().cloned());
        let dir = self.lab.dir.to_string_lossy().into_owned();
        let mut command: Vec<String> = own.into_iter().collect();
        command.extend(["lab", "part"].iter().chain(words).map(|&word| word.to_owned()));
        command.extend(["--dir".to_owned(), dir]);
        let mut part = Part {
            name: name.to_owned(),
            kind: Kind::Helper,
            port: 0,
            ops: 0,
            command,
            process: process::Process::default(),
        };
        part.start(&self.lab.dir)?;
        self.lab.parts.push(part);
        Ok(())
    }
}
