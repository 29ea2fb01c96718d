//! Views: a change that is put in while a reader holds the former state, and reads; and the cache of answers by its key.

use super::Operation;
use super::node::node;
use bytes::Bytes;
use http::HeaderValue;
use netweave::inventory::cache::{Answer, Answers, KeyRef as AnswerKey, Spelling, Subject};
use netweave::inventory::version::Version;
use netweave::inventory::view::{KeyRef, View};
use netweave_model::query::{Indexed, Paths};
use netweave_model::subscription::Major;
use netweave_model::{Error, Id, Kind, Result};
use std::hint::black_box;
use std::sync::Arc;

/// Resources of the pool.
const RESOURCES: u64 = 1000;
const POOL: &str = "pool-a";
/// The one that is looked at and changed.
const CHANGED: u64 = 371;

pub(super) fn operations() -> Result<Vec<Operation>> {
    let [patch, one, page] = view()?;
    Ok(vec![patch, one, page, hit()])
}

fn id(number: u64) -> String {
    format!("00000000-0000-5000-8000-{number:012x}")
}

fn view() -> Result<[Operation; 3]> {
    let paths = Paths::new();
    let mut view = View::default();
    for number in 0..RESOURCES {
        let object = Arc::new(Indexed::new(node(number), &paths)?);
        view.insert(Some(Id::from(POOL)), Id::from(id(number).as_str()), object);
    }
    let (held, key, json) = (view.clone(), id(CHANGED), node(CHANGED + 1));
    let patch = move || {
        let mut next = held.clone();
        let object = Arc::new(Indexed::new(black_box(&json).clone(), &paths)?);
        next.insert(Some(Id::from(POOL)), Id::from(key.as_str()), object);
        black_box(next);
        Ok(())
    };
    let (held, key) = (view.clone(), id(CHANGED));
    let one = move || {
        let found = held.get(KeyRef { parent: Some(POOL), id: black_box(&key) });
        found
            .map(|object| drop(black_box(Arc::clone(object))))
            .ok_or_else(|| Error::internal("it is not there"))
    };
    let page = move || {
        black_box(
            view.range(Some(black_box(POOL)), None)
                .take(100)
                .map(|(_, object)| object.object.json().len())
                .sum::<usize>(),
        );
        Ok(())
    };
    Ok([
        Operation::new("view: patch one of 1,000", patch),
        Operation::new("view: read one", one),
        Operation::new("view: read 100", page),
    ])
}

fn hit() -> Operation {
    let answers = Answers::new(1 << 20);
    let key = AnswerKey {
        major: Major::V2,
        scope: "",
        version: Version::of("pool", b"{}"),
        subject: Subject::List(Kind::Resource),
        parent: Some(POOL),
        id: None,
        spelling: Spelling::Raw,
        query: "filter=(eq,resourceTypeId,type-3)&limit=100",
    };
    let body = Bytes::from_static(b"[]");
    answers.put(key, &Arc::new(Answer { etag: HeaderValue::from_static("\"x\""), link: None, body }));
    Operation::new("response cache: find by key", move || {
        answers.get(black_box(&key)).map(drop).ok_or_else(|| Error::internal("it is not cached"))
    })
}
