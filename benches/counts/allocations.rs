//! How often, and how much, a cached GET allocates, beside a bare Pingora server that answers the same bytes.
//!
//! DHAT, valgrind's heap profiler, says for each place how often it was reached. Those of a connection's task are counted; what the
//! start needs, and what other threads do, is not.

use crate::scene::{Protocol, Scene, Tool, WARM_UP, Who};
use netweave_benches::Result;
use netweave_benches::baseline::Counts;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Requests of a run.
const REQUESTS: usize = 180;
/// Frames of a place: enough to reach from a dependency to the connection's task.
const FRAMES: usize = 60;
/// What a connection's task is in, in the gateway and in Pingora.
const TASKS: [&str; 2] = ["netweave::listen::gate::Gate<A>::serve", "process_new"];
/// What is reached as often as time passes, not as requests come: a timer for each tick, and the audit log's queue, which begins anew
/// whenever its writer has taken what was in it.
const BY_TIME: [&str; 2] = ["register_timer", "netweave::audit::queue::Queue::put"];

/// A place that is reached less often in a run is one of a connection, or of a request that was no hit.
const SOME: u64 = 40;

/// A place that allocates: the calls that lead there, from the inside out, and what was allocated there.
struct Place {
    frames: Vec<String>,
    blocks: u64,
    bytes: u64,
}

/// Counts all four cases; writes the places to a file.
///
/// # Errors
/// A server or valgrind fails.
pub(crate) async fn count(folder: &Path, list: &Path) -> Result<Counts> {
    let scene = Scene::new(folder)?;
    let (mut text, mut counts) = (String::new(), Counts::new());
    for (protocol, label) in [(Protocol::H1, "HTTP/1.1"), (Protocol::H2, "HTTP/2")] {
        for (who, name) in [(Who::Gateway, "gateway"), (Who::Pingora, "bare Pingora")] {
            let places = one(&scene, folder, who, protocol).await?;
            let requests = requests(&places)?;
            let blocks = each(places.iter().map(|place| place.blocks).sum(), requests);
            let bytes = each(places.iter().map(|place| place.bytes).sum(), requests);
            writeln!(
                text,
                "== {label}, {name}: {blocks} blocks, {bytes} bytes; below, of {requests} requests together"
            )?;
            for Place { frames, blocks, bytes } in &places {
                writeln!(text, "{blocks:6} {bytes:10}  {}", frames.join("\n                   "))?;
            }
            counts.insert(format!("cached GET, {label}, {name}: blocks"), blocks);
            counts.insert(format!("cached GET, {label}, {name}: bytes"), bytes);
        }
    }
    std::fs::write(list, text)?;
    Ok(counts)
}

/// Returns how many requests there were, with those that only looked whether the server is ready: most places are reached once by
/// each.
fn requests(places: &[Place]) -> Result<u64> {
    let asked = u64::try_from(REQUESTS + WARM_UP)?;
    let mut counts: Vec<_> =
        places.iter().map(|place| place.blocks).filter(|blocks| *blocks >= asked).collect();
    counts.sort_unstable();
    // Names that nothing has any more would compare nothing with something.
    counts.get(counts.len() / 2).copied().ok_or_else(|| "no allocation was counted".into())
}

/// Returns what falls to each request, rounded.
fn each(sum: u64, requests: u64) -> u64 {
    (sum + requests / 2) / requests.max(1)
}

async fn one(scene: &Scene, folder: &Path, who: Who, protocol: Protocol) -> Result<Vec<Place>> {
    let out = folder.join("dhat.json");
    let options = vec![
        "--tool=dhat".to_owned(),
        format!("--num-callers={FRAMES}"),
        format!("--dhat-out-file={}", out.display()),
    ];
    scene.run(&Tool { options }, who, protocol, REQUESTS).await?;
    places(&serde_json::from_slice(&std::fs::read(&out)?)?)
}

/// Reads a profile of DHAT, version 2: the places that requests reach, the most frequent first.
fn places(profile: &Value) -> Result<Vec<Place>> {
    let names = profile.get("ftbl").and_then(Value::as_array).ok_or("the profile has no frames")?;
    let name =
        |index: &Value| names.get(usize::try_from(index.as_u64()?).ok()?)?.as_str().map(without_address);
    let mut found: BTreeMap<Vec<String>, (u64, u64)> = BTreeMap::new();
    for place in profile.get("pps").and_then(Value::as_array).ok_or("the profile has no places")? {
        let frames = place.get("fs").and_then(Value::as_array).into_iter().flatten().filter_map(name);
        let Some(frames) = within_task(frames.collect()) else { continue };
        let figure = |name: &str| place.get(name).and_then(Value::as_u64).unwrap_or_default();
        let sums = found.entry(frames).or_default();
        *sums = (sums.0 + figure("tbk"), sums.1 + figure("tb"));
    }
    let places = found.into_iter().map(|(frames, (blocks, bytes))| Place { frames, blocks, bytes });
    let mut places: Vec<_> = places.filter(|place| place.blocks >= SOME).collect();
    places.sort_by_key(|place| Reverse(place.blocks));
    Ok(places)
}

fn without_address(frame: &str) -> String {
    frame.split_once(": ").map_or(frame, |(_, name)| name).to_owned()
}

/// Cuts what lies around a connection's task: a runtime polls it in several ways. `None` if it is no such place.
fn within_task(mut frames: Vec<String>) -> Option<Vec<String>> {
    let names = |frame: &String, some: [&str; 2]| some.iter().any(|name| frame.contains(name));
    if frames.iter().any(|frame| names(frame, BY_TIME)) {
        return None;
    }
    let task = frames.iter().rposition(|frame| names(frame, TASKS))?;
    frames.truncate(task + 1);
    Some(frames)
}
