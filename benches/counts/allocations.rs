//! How often, and how much, a cached GET allocates, beside a bare Pingora server that answers the same bytes.
//!
//! DHAT, valgrind's heap profiler, says for each place how often it was reached. Those of a connection's task are counted; what the
//! start needs, and what other threads do, is not.

use crate::scene::{Protocol, Scene, Tool, WARM_UP, Who};
use netweave_benches::Result;
use netweave_benches::baseline::Counts;
use serde_json::Value;
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

/// A place that allocates.
struct Place {
    /// Blocks of a request.
    blocks: f64,
    /// Bytes of a request.
    bytes: f64,
    /// The calls that led there, from the inside out.
    frames: Vec<String>,
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
            let blocks = whole(places.iter().map(|place| place.blocks.round()).sum());
            let bytes = whole(places.iter().map(|place| place.bytes).sum());
            writeln!(text, "== {label}, {name}: {blocks} blocks, {bytes} bytes")?;
            for Place { blocks, bytes, frames } in &places {
                writeln!(text, "{blocks:6.2} {bytes:8.0}  {}", frames.join("\n                 "))?;
            }
            counts.insert(format!("cached GET, {label}, {name}: blocks"), blocks);
            counts.insert(format!("cached GET, {label}, {name}: bytes"), bytes);
        }
    }
    std::fs::write(list, text)?;
    Ok(counts)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of a request, rounded")]
fn whole(figure: f64) -> u64 {
    figure.round() as u64
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

/// Reads a profile of DHAT, version 2: the places that each request reaches, the most frequent first.
fn places(profile: &Value) -> Result<Vec<Place>> {
    let names = profile.get("ftbl").and_then(Value::as_array).ok_or("the profile has no frames")?;
    let name = |index: &Value| names.get(usize::try_from(index.as_u64()?).ok()?)?.as_str().map(str::to_owned);
    let mut places = Vec::new();
    for place in profile.get("pps").and_then(Value::as_array).ok_or("the profile has no places")? {
        let figure = |name: &str| place.get(name).and_then(Value::as_f64).unwrap_or_default() / requests();
        let frames = place.get("fs").and_then(Value::as_array).into_iter().flatten();
        let place =
            Place { blocks: figure("tbk"), bytes: figure("tb"), frames: frames.filter_map(name).collect() };
        if place.blocks > 0.9 && place.names(TASKS) && !place.names(BY_TIME) {
            places.push(place);
        }
    }
    places.sort_by(|one, other| other.blocks.total_cmp(&one.blocks));
    // Names that nothing has any more would compare nothing with something.
    if places.is_empty() { Err("no allocation was counted".into()) } else { Ok(places) }
}

#[expect(clippy::cast_precision_loss, reason = "a small number")]
fn requests() -> f64 {
    (REQUESTS + WARM_UP) as f64
}

impl Place {
    fn names(&self, some: [&str; 2]) -> bool {
        self.frames.iter().any(|frame| some.iter().any(|name| frame.contains(name)))
    }
}
