//! The corpus: many small attacks, one rule for all of them.
//!
//! For each: an answer or a close within its time, no 5xx, a problem document for every refusal; and after all of them
//! the edge serves as before, has no request in flight, no connection left, and has logged no overlong line.

mod bodies;
mod fields;
mod framing;
mod pace;
mod request_line;

use crate::client::{Connection, metric, settles};
use crate::lines;
use crate::target::{BODY_TIME, HEAD_TIME, IDLE, POOLS, SUBSCRIPTIONS, Setup, Target};
use netweave_tests::harness::figures;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The longest that any case may last: the slowest time-out there is, and what a busy machine adds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);
/// Attackers at the same time.
const ATTACKERS: usize = 12;
/// What the process may keep of all these attacks, in bytes.
const KEPT: f64 = 96.0 * 1024.0 * 1024.0;

/// Runs an attack, and says what is wrong.
type Attack = Box<dyn Fn(&Target) -> Result<(), String> + Send + Sync>;

/// One attack.
pub(crate) struct Case {
    /// What it is called when it fails.
    pub(crate) name: String,
    /// Runs it, and says what is wrong.
    pub(crate) attack: Attack,
}

/// One step of a plain attack.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends bytes one by one, with a pause before each.
    Drip(Vec<u8>, Duration),
    /// Sends the same bytes often, until the other end has enough.
    Repeat(Vec<u8>, usize),
}

/// What must come of a plain attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// This status.
    Status(u16),
    /// Any status below 500, or a close.
    Anything,
}

/// Makes a case over HTTP/1.1.
pub(crate) fn plain(name: impl Into<String>, steps: Vec<Step>, expect: Expect) -> Case {
    Case { name: name.into(), attack: Box::new(move |target| attack(target, &steps, expect)) }
}

/// Makes a case of one request that must be answered with a status.
pub(crate) fn one(name: impl Into<String>, bytes: impl Into<Vec<u8>>, status: u16) -> Case {
    plain(name, vec![Step::Send(bytes.into())], Expect::Status(status))
}

/// Makes a case of one request with any good end.
pub(crate) fn any(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Case {
    plain(name, vec![Step::Send(bytes.into())], Expect::Anything)
}

/// Writes a POST with more headers and a body.
pub(crate) fn post(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {SUBSCRIPTIONS} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// All cases over HTTP/1.1.
fn cases() -> Vec<Case> {
    [
        request_line::request_lines(),
        request_line::targets(),
        fields::headers(),
        fields::bytes_in_headers(),
        framing::framing(),
        framing::chunks(),
        bodies::bodies(),
        bodies::negotiation(),
        pace::slow(),
        pace::sizes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn attack(target: &Target, steps: &[Step], expect: Expect) -> Result<(), String> {
    let mut connection = Connection::open(target);
    for step in steps {
        match step {
            Step::Send(bytes) => connection.send(bytes),
            Step::Drip(bytes, pause) => {
                for byte in bytes {
                    // Who goes on sending after a refusal may lose it; this attacker listens.
                    let heard = connection.read_until(*pause, |read| (!read.is_empty()).then_some(()));
                    if heard.is_some() || connection.closed {
                        break;
                    }
                    connection.send(std::slice::from_ref(byte));
                }
            }
            Step::Repeat(bytes, count) => {
                for _ in 0..*count {
                    connection.send(bytes);
                }
            }
        }
    }
    let Some(answer) = connection.answer(PATIENCE) else {
        return match (connection.closed, expect) {
            (false, _) => Err("neither an answer nor a close".to_owned()),
            (true, Expect::Anything) => Ok(()),
            (true, Expect::Status(status)) => Err(format!("a close instead of {status}")),
        };
    };
    if let Some(fault) = answer.fault() {
        return Err(fault);
    }
    match expect {
        Expect::Status(status) if status != answer.status => {
            Err(format!("{} instead of {status}", answer.status))
        }
        Expect::Status(_) | Expect::Anything => Ok(()),
    }
}

fn run(target: &Target, cases: &[Case]) -> Vec<String> {
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..ATTACKERS {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if let Err(fault) = (case.attack)(target) {
                        faults.lock().expect("no attacker panics").push(format!("{}: {fault}", case.name));
                    }
                }
            });
        }
    });
    faults.into_inner().expect("no attacker panics")
}

#[test]
fn no_malformed_request_harms_the_edge() {
    assert!(HEAD_TIME + BODY_TIME + IDLE < PATIENCE);
    let target = Target::start(Setup::default());
    assert_eq!(Connection::open(&target).get(POOLS).status, 200);
    let before = metric(&target, "process_resident_memory_bytes");
    let mut cases = cases();
    cases.extend(crate::h2::cases());
    assert!(cases.len() >= 300, "{}", cases.len());
    figures::record(&format!("corpus={}", cases.len()));

    let faults = run(&target, &cases);
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), cases.len(), faults.join("\n"));
    assert_eq!(Connection::open(&target).get(POOLS).status, 200);
    assert!(settles(&target, "netweave_connections", 0.0));
    assert!(settles(&target, "o2ims_http_requests_in_flight", 0.0));
    let kept = metric(&target, "process_resident_memory_bytes") - before;
    assert!(kept < KEPT, "{kept} bytes are kept");
    assert!(lines::longest() <= netweave::telemetry::log::MAX_LINE, "{}", lines::longest());
    assert!(lines::longest() > 100, "the log was looked at");
    let panics = lines::with("a thread panicked");
    assert!(panics.iter().all(|line| line.contains("on purpose")), "{panics:?}");
}
