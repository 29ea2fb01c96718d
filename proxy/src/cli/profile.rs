//! `netweave profile`: where the running gateway's processor time goes, or who holds its memory, as stacks or as a flame graph.

mod flame;

use super::control::{Place, failure, refusal};
use super::{Exit, Failure, Output, Process};
use crate::control::profile::{Asked, FASTEST, LONGEST, MAX_STACKS};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time for the gateway to begin, and to find the names of functions.
const MARGIN: Duration = Duration::from_mins(1);

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How long, up to 60
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=LONGEST))]
    seconds: u64,
    /// Samples of a second of processor time, up to 999; the kernel may take fewer
    #[arg(long, value_name = "N", default_value_t = 99, value_parser = clap::value_parser!(u32).range(1..=i64::from(FASTEST)))]
    frequency: u32,
    /// Who holds memory, in bytes by stack, instead; a build with the feature `heap-profile` knows
    #[arg(long, conflicts_with_all = ["seconds", "frequency"])]
    heap: bool,
    /// The file to write, which must not exist: a flame graph if its name ends in `.svg`, else stacks
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

/// The result for programs: a file, or the stacks themselves.
#[derive(Serialize)]
struct Told<'s> {
    #[serde(flatten)]
    sum: Sum,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'s Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stacks: Option<Vec<&'s str>>,
}

/// What all stacks together are.
#[derive(Serialize)]
#[serde(untagged)]
enum Sum {
    Time {
        #[serde(flatten)]
        asked: Asked,
        samples: u64,
    },
    Memory {
        bytes: u64,
    },
}

impl Sum {
    fn of(args: &Args, all: u64) -> Self {
        if args.heap { Self::Memory { bytes: all } } else { Self::Time { asked: args.asked(), samples: all } }
    }

    fn words(&self) -> String {
        match self {
            Self::Time { asked, samples } => format!("{samples} samples in {} s", asked.seconds),
            Self::Memory { bytes } => format!("{} KiB on the heap", bytes >> 10),
        }
    }
}

impl Args {
    fn asked(&self) -> Asked {
        Asked { seconds: self.seconds, frequency: self.frequency }
    }
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<(), Failure> {
    let body = fetched(args, process).await?;
    let stacks = String::from_utf8_lossy(&body);
    let sum = Sum::of(args, stacks.lines().filter_map(split).map(|(_, count)| count).sum());
    if let Some(path) = &args.out {
        let graph = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("svg"));
        let text = if graph { flame::graph(stacks.lines().filter_map(split)) } else { stacks.to_string() };
        write(path, &text)?;
    }
    match (&args.out, args.place.asked.output) {
        (out, Output::Json) => {
            let stacks = out.is_none().then(|| stacks.lines().collect());
            process.out.json(&Told { sum, file: out.as_deref(), stacks })
        }
        (Some(path), Output::Text) => process.out.line(&format!("{}: {}", sum.words(), path.display())),
        (None, Output::Text) => process.out.text(&stacks),
    }
}

/// Has the gateway take the profile; returns its lines.
async fn fetched(args: &Args, process: &Process) -> Result<Bytes, Failure> {
    let mut client = args.place.connect(process).await?;
    let (path, body, length) = if args.heap {
        ("/heap-profile", json!({}), Duration::ZERO)
    } else {
        ("/profile", json!(args.asked()), Duration::from_secs(args.seconds))
    };
    let call = client.fetch(Method::POST, path, &body, (length + MARGIN, 2 * MAX_STACKS)).await;
    let (status, body) = call.map_err(|error| failure(&error))?;
    if status == StatusCode::OK {
        return Ok(body);
    }
    Err(refusal(status, &serde_json::from_slice(&body).unwrap_or_default()))
}

/// Takes a line apart: the stack, and how often it was seen.
fn split(line: &str) -> Option<(&str, u64)> {
    let (stack, count) = line.rsplit_once(' ')?;
    Some((stack, count.parse().ok()?))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
        let exists = error.kind() == std::io::ErrorKind::AlreadyExists;
        let exit = if exists { Exit::Conflict } else { Exit::Failed };
        Failure::new(exit, format!("{}: {error}", path.display()))
    })
}
