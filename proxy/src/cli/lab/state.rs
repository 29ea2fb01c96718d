//! What a lab consists of, and the file that remembers it.

use super::process::{Life, Process};
use super::undo::Undo;
use crate::cli::{Exit, Failure};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The file's name in the folder.
const FILE: &str = "state.json";
/// The file that one command at a time holds.
const LOCK: &str = "lock";
/// Time between two looks at something that is waited for.
pub(super) const LOOK: Duration = Duration::from_millis(50);
/// How long a process that was asked to end may take.
const END: Duration = Duration::from_secs(20);

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// A Redis server of the state.
    Redis,
    /// A Sentinel.
    Sentinel,
    /// A gateway.
    Gateway,
    /// Receives webhooks.
    Smo,
    /// Receives the audit log.
    Collector,
    /// Changes the inventory.
    Source,
    /// Asks the gateways.
    Client,
    /// Scrapes the gateways.
    Prometheus,
    /// Makes a fault that has to be made again and again.
    Helper,
}

/// One process of a lab.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Part {
    /// Its name, such as `gateway-1`.
    pub(super) name: String,
    /// What it is.
    pub(super) kind: Kind,
    /// The port on the loopback interface where it listens; 0 if it does not.
    pub(super) port: u16,
    /// A gateway's port for operations.
    #[serde(default)]
    pub(super) ops: u16,
    /// How it is started.
    pub(super) command: Vec<String>,
    /// Its process.
    pub(super) process: Process,
}

/// A lab, as its file holds it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Lab {
    /// The folder, absolute.
    pub(super) dir: PathBuf,
    /// Its processes in the order in which they were started.
    pub(super) parts: Vec<Part>,
    /// The faults that were injected, with what undoes them.
    pub(super) faults: BTreeMap<String, Vec<Undo>>,
}

/// Keeps other commands from the lab until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    _file: File,
}

/// Waits until no other command works on the lab.
pub(super) fn hold(dir: &Path) -> Result<Held, Failure> {
    let taken = || {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(dir.join(LOCK))?;
        file.lock()?;
        Ok(Held { _file: file })
    };
    taken().map_err(|error: std::io::Error| failed(dir, &error))
}

/// Says what cannot be done with a file.
pub(super) fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("{}: {error}", path.display()))
}

/// Writes a file at one go, for its owner alone.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let fresh = path.with_extension("fresh");
    let written = || {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&fresh, path)
    };
    written().map_err(|error| failed(path, &error))
}

/// Waits until something comes about; `what` is told if it does not.
pub(super) fn wait<T>(time: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T, Failure> {
    let end = Instant::now() + time;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if Instant::now() > end {
            let message = format!("waited {} s in vain for {what}", time.as_secs());
            return Err(Failure::new(Exit::Failed, message));
        }
        std::thread::sleep(LOOK);
    }
}

impl Part {
    /// Returns the folder of its own.
    pub(super) fn home(&self, dir: &Path) -> PathBuf {
        dir.join(&self.name)
    }

    /// Returns the file of what it prints.
    pub(super) fn log(&self, dir: &Path) -> PathBuf {
        self.home(dir).join("log")
    }

    /// Starts it, unless it runs.
    pub(super) fn start(&mut self, dir: &Path) -> Result<(), Failure> {
        if self.process.life() != Life::Ended {
            return Ok(());
        }
        let home = self.home(dir);
        let made = std::fs::create_dir_all(&home);
        let started = made.and_then(|()| Process::start(&self.command, &home, &self.log(dir)));
        self.process = started.map_err(|error| {
            let program = self.command.first().map_or("", String::as_str);
            Failure::new(Exit::Failed, format!("{}: {program} cannot be started: {error}", self.name))
        })?;
        Ok(())
    }

    /// Sends a signal and waits until it has ended; one that takes too long is killed.
    pub(super) fn end(&self, signal: Signal) -> Result<(), Failure> {
        self.signal(signal)?;
        // What was paused ends only when it goes on.
        self.signal(Signal::CONT)?;
        let gone = || (self.process.life() == Life::Ended).then_some(());
        if wait(END, &self.name, gone).is_ok() {
            return Ok(());
        }
        self.signal(Signal::KILL)?;
        wait(END, &format!("the end of {}", self.name), gone)
    }

    /// Sends a signal, unless it has ended.
    pub(super) fn signal(&self, signal: Signal) -> Result<(), Failure> {
        let sent = self.process.signal(signal);
        sent.map_err(|error| Failure::new(Exit::Failed, format!("{}: {error}", self.name)))
    }
}

impl Lab {
    /// Reads the lab of a folder; `None` if there is none.
    pub(super) fn find(dir: &Path) -> Result<Option<Self>, Failure> {
        let path = dir.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let read = serde_json::from_str(&text);
                read.map(Some).map_err(|error| {
                    Failure::new(Exit::Damaged, format!("{}: is no file of a lab: {error}", path.display()))
                })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&path, &error)),
        }
    }

    /// Reads the lab of a folder.
    pub(super) fn load(dir: &Path) -> Result<Self, Failure> {
        Self::find(dir)?.ok_or_else(|| {
            let message = format!("there is no lab in {}; `netweave lab up` makes one", dir.display());
            Failure::new(Exit::Failed, message)
        })
    }

    /// Writes its file.
    pub(super) fn save(&self) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        write(&self.dir.join(FILE), &text)
    }

    /// Returns all parts of a kind.
    pub(super) fn all(&self, kind: Kind) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(move |part| part.kind == kind)
    }

    /// Returns a part.
    pub(super) fn part(&self, name: &str) -> Result<&Part, Failure> {
        let found = self.parts.iter().find(|part| part.name == name);
        found.ok_or_else(|| Failure::new(Exit::Failed, format!("the lab has no {name}")))
    }

    /// Starts a part, unless it runs.
    pub(super) fn start(&mut self, name: &str) -> Result<(), Failure> {
        let dir = self.dir.clone();
        let found = self.parts.iter_mut().find(|part| part.name == name);
        let part = found.ok_or_else(|| Failure::new(Exit::Failed, format!("the lab has no {name}")))?;
        part.start(&dir)
    }

    /// Ends a part and starts it with another command; returns the former one.
    pub(super) fn restart(
        &mut self,
        name: &str,
        command: Option<Vec<String>>,
    ) -> Result<Vec<String>, Failure> {
        self.part(name)?.end(Signal::TERM)?;
        let former = self.part(name)?.command.clone();
        if let Some(command) = command {
            for part in self.parts.iter_mut().filter(|part| part.name == name) {
                part.command.clone_from(&command);
            }
        }
        self.start(name)?;
        Ok(former)
    }

    /// Ends a part, which is no part of the lab any more.
    pub(super) fn remove(&mut self, name: &str) -> Result<(), Failure> {
        self.part(name)?.end(Signal::TERM)?;
        self.parts.retain(|part| part.name != name);
        Ok(())
    }

    /// Ends every part, those that need others first.
    pub(super) fn end(&self) -> Result<(), Failure> {
        let of = |kinds: &[Kind]| self.parts.iter().filter(|part| kinds.contains(&part.kind)).collect();
        let users: Vec<&Part> =
            of(&[Kind::Helper, Kind::Client, Kind::Source, Kind::Prometheus, Kind::Gateway]);
        let used: Vec<&Part> = of(&[Kind::Smo, Kind::Collector, Kind::Sentinel, Kind::Redis]);
        for parts in [users, used] {
            for part in &parts {
                part.signal(Signal::TERM)?;
                part.signal(Signal::CONT)?;
            }
            for part in &parts {
                part.end(Signal::TERM)?;
            }
        }
        Ok(())
    }

    /// Removes its file, so that nothing of it is taken for a lab.
    pub(super) fn forget(&self) -> Result<(), Failure> {
        let path = self.dir.join(FILE);
        std::fs::remove_file(&path).map_err(|error| failed(&path, &error))
    }
}
