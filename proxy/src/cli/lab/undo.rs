//! What undoes a fault: steps that are written down before the fault is made, and taken in the reverse order.

use super::load::Load;
use super::process::Life;
use super::state::{Kind, Lab, failed};
use super::{redis, state, status};
use crate::cli::Failure;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// How long a gateway that is started anew may take.
const START: Duration = Duration::from_mins(1);

/// One step.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Undo {
    /// Starts a part that was ended.
    Start(String),
    /// Lets a part go on that was paused.
    Resume(String),
    /// Starts a part anew with the command that it had.
    Command(String, Vec<String>),
    /// Has every Redis server execute a command.
    Order(Vec<String>),
    /// Puts a file or folder back that was set aside; what stands in its place goes.
    Back {
        /// Where it was.
        path: PathBuf,
        /// Where it is.
        aside: PathBuf,
    },
    /// Starts a gateway anew.
    Restart(String),
    /// Waits until no gateway knows more resources of the inventory than so many.
    Shrunk(f64),
    /// Ends a helper.
    Remove(String),
    /// Has the client ask for what it did.
    Load(Load),
}

impl Undo {
    /// Takes the step; what is undone already stays so.
    pub(super) fn take(&self, lab: &mut Lab) -> Result<(), Failure> {
        match self {
            Self::Start(name) => lab.start(name),
            Self::Resume(name) => lab.part(name)?.signal(Signal::CONT),
            Self::Command(name, command) => lab.restart(name, Some(command.clone())).map(drop),
            Self::Restart(name) => {
                lab.restart(name, None)?;
                let part = lab.part(name)?;
                // One after another, so that the others serve meanwhile.
                state::wait(START, name, || status::answers(part.ops, "livez").then_some(()))
            }
            Self::Order(words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                for part in lab.all(Kind::Redis).filter(|part| part.process.life() == Life::Running) {
                    redis::order(part, &words)?;
                }
                Ok(())
            }
            Self::Back { path, aside } => {
                if !aside.exists() {
                    return Ok(());
                }
                let removed =
                    if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
                match removed {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(failed(path, &error));
                    }
                    _ => {}
                }
                std::fs::rename(aside, path).map_err(|error| failed(path, &error))
            }
            Self::Shrunk(most) => state::wait(START, "the gateways to forget what is gone", || {
                lab.all(Kind::Gateway).all(|part| status::resources(part) <= *most).then_some(())
            }),
            Self::Remove(name) => lab.remove(name),
            Self::Load(load) => load.save(&lab.dir),
        }
    }
}

/// Sets a file or folder aside, so that something else can stand in its place.
pub(super) fn aside(path: &std::path::Path) -> Result<Undo, Failure> {
    let mut name = path.as_os_str().to_owned();
    name.push(".aside");
    let aside = PathBuf::from(name);
    if path.is_dir() {
        std::fs::rename(path, &aside).map_err(|error| failed(path, &error))?;
    } else {
        // Its place is never empty: whoever looks finds the old one or the new one.
        let text = std::fs::read_to_string(path).map_err(|error| failed(path, &error))?;
        state::write(&aside, &text)?;
    }
    Ok(Undo::Back { path: path.to_owned(), aside })
}
