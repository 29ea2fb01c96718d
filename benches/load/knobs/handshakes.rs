//! New connections: what the server's key, the TLS profile, sessions that are resumed and connections that are kept bring.

use super::contest::{Scene, Table, rounds, turn};
use super::reads::{self, Contestant};
use crate::Bench;
use netweave_benches::pki::Key;
use netweave_benches::{Result, handshakes};
use rustls::version::TLS12;
use serde_json::{Value, json};
use std::time::Duration;

const ROUNDS: usize = 3;
const LENGTH: Duration = Duration::from_secs(1);
const SCENE: Scene<2> =
    Scene { key: "connection", load: "a connection with one GET of 2 KB", measures: ["cpu_us", "p99_us"] };

/// How a client of a gateway connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Full,
    Resumed,
    /// Its connections stay, with a request each.
    Kept,
}

/// Runs the scene.
pub(super) async fn run(bench: &Bench, table: &mut Table) -> Result<()> {
    table.note(format!(
        "{}: 16 clients, mTLS, closed loop, median of {ROUNDS} alternating rounds of {LENGTH:?}. The default is a full handshake of TLS 1.3 with a P-256 \
         key; kept connections take one request after the other.",
        SCENE.load
    ));
    let turns = vec![
        turn("api.tls.key", "RSA, 2048 bits", "rsa_2048", Value::Null),
        turn("api.tls.key", "RSA, 4096 bits", "rsa_4096", Value::Null),
        turn(
            "api.tls.profile",
            "intermediate, a client of TLS 1.2",
            "tls_1_2",
            json!({ "api": { "tls": { "profile": "intermediate" } } }),
        ),
        turn("of the client", "resumes its session", "resumed", Value::Null),
        turn("of the client", "keeps its connections", "kept", Value::Null),
    ];
    let mut all = vec![(start(bench, "connections_default", Value::Null).await?, Way::Full)];
    for turn in &turns {
        let way = match turn.key {
            "resumed" => Way::Resumed,
            "kept" => Way::Kept,
            _ => Way::Full,
        };
        all.push((start(bench, turn.key, turn.conf.clone()).await?, way));
    }
    let measure = async |(one, way): &mut (Contestant, Way)| measure(one, *way).await;
    table.add(&SCENE, &turns, &rounds(&mut all, ROUNDS, measure).await?)
}

async fn start(bench: &Bench, name: &str, conf: Value) -> Result<Contestant> {
    let key = match name {
        "rsa_2048" => Key::Rsa2048,
        "rsa_4096" => Key::Rsa4096,
        _ => Key::P256,
    };
    let mut one = reads::start_with(bench, name, conf, key).await?;
    if name == "tls_1_2" {
        one.gateway.api.tls = Some(one.authority.client_of(&[&TLS12])?);
    }
    Ok(one)
}

async fn measure(one: &mut Contestant, way: Way) -> Result<[f64; 2]> {
    if way == Way::Kept {
        return one.measure().await;
    }
    let before = one.gateway.process.cpu()?;
    let run = handshakes::closed(&one.gateway.api, one.path(), LENGTH, way == Way::Resumed).await?;
    let spent = one.gateway.process.cpu()?.saturating_sub(before);
    Ok([run.each(spent), run.micros(0.99)])
}
