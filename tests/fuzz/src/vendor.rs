//! What must hold of every answer of an infrastructure, whoever wrote it.

use netweave_model::query::{Indexed, Paths};
use netweave_model::{ErrorKind, Object, ObjectKey, Result};
use std::collections::BTreeSet;

/// Statuses of refusals; which one an answer comes with depends on its length.
const REFUSALS: [u16; 7] = [400, 401, 403, 404, 429, 500, 503];
/// Most bytes of all objects per byte of the answer: each item makes a pool, a site, a type and a location at most.
const FACTOR: usize = 64;
/// Bytes that objects have without any answer: dictionaries, a deployment manager, what stands in for places.
const ALWAYS: usize = 16 << 10;
/// Longest text that a client may see of an error.
const MAX_PUBLIC: usize = 100;

/// What each call makes of an answer with a status.
pub(crate) type Answers = fn(u16, &[u8]) -> Vec<Result<Vec<Object>>>;

/// Judges what became of an answer, read as that of each call: twice the same, whole objects, no fault of a client.
pub(crate) fn judge(bytes: &[u8], answers: Answers) {
    let (first, second) = (answers(200, bytes), answers(200, bytes));
    for (one, other) in first.iter().zip(&second) {
        match (one, other) {
            (Ok(one), Ok(other)) => {
                assert_eq!(one, other, "two looks differ");
                whole(one, bytes.len());
            }
            (Err(error), Err(_)) => blameless(error),
            (one, other) => panic!("two looks differ: {one:?}, {other:?}"),
        }
    }
    let status = REFUSALS.get(bytes.len() % REFUSALS.len()).copied().unwrap_or(500);
    for outcome in answers(status, bytes) {
        match outcome {
            Ok(objects) => panic!("a refusal with {status} makes objects: {objects:?}"),
            Err(error) => blameless(&error),
        }
    }
}

/// Objects are JSON that can be indexed, each there once, and no more than the answer is worth.
fn whole(objects: &[Object], answer: usize) {
    let mut keys: BTreeSet<&ObjectKey> = BTreeSet::new();
    let mut size = 0;
    for object in objects {
        assert!(keys.insert(&object.key), "twice: {:?}", object.key);
        assert!(!object.key.id.as_str().is_empty(), "an object without an id");
        Indexed::new(object.json.clone(), &Paths::new()).expect("an object can be indexed");
        size += object.json.len();
    }
    assert!(size <= ALWAYS + FACTOR * answer, "{size} bytes of {answer}");
}

/// What an infrastructure answers is never the fault of a client, and its words do not reach one.
fn blameless(error: &netweave_model::Error) {
    let of_client =
        [ErrorKind::Invalid, ErrorKind::Conflict, ErrorKind::PreconditionFailed, ErrorKind::Unsupported];
    assert!(!of_client.contains(&error.kind()), "{error:?}");
    let public = error.public();
    let ours = |c: char| c.is_ascii_alphanumeric() || " ,;.:'-".contains(c);
    assert!(public.len() <= MAX_PUBLIC && public.chars().all(ours), "{public}");
}
