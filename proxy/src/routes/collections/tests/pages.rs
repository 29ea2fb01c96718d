//! Pages: links, numbers, and walks while objects come and go.

use super::{Reads, header, reads_of};
use crate::conf::tree::Compatibility;
use crate::inventory::fakes::{object, pool};
use crate::reply::Reply;
use http::header::LINK;
use netweave_model::port::Change;
use netweave_model::{ErrorKind, Kind};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const POOLS: &str = "/v2/resourcePools";

async fn many(count: u32) -> Reads {
    reads_of((0..count).map(|id| pool(&format!("{id:04}"))).collect(), Compatibility::Spec).await
}

fn ids(reply: &Reply, attribute: &str) -> Vec<String> {
    let list: Value = serde_json::from_slice(&reply.body).unwrap();
    list.as_array().unwrap().iter().map(|object| object[attribute].as_str().unwrap().to_owned()).collect()
}

/// Takes the target of a `Link: rel="next"`, below the API's name.
fn next(reply: &Reply) -> Option<String> {
    let link = header(reply, &LINK);
    let target = link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"").unwrap();
    Some(target.strip_prefix(super::BASE).unwrap().to_owned())
}

#[tokio::test]
async fn pages_have_a_hundred_items_or_what_is_asked_for() {
    let reads = many(250).await;
    let mut target = Some(POOLS.to_owned());
    let mut sizes = Vec::new();
    while let Some(asked) = target {
        let page = reads.get(&asked).await;
        sizes.push(ids(&page, "resourcePoolId").len());
        target = next(&page);
    }
    assert_eq!(sizes, [100, 100, 50]);
    assert_eq!(ids(&reads.get(&format!("{POOLS}?limit=250")).await, "resourcePoolId").len(), 250);
    let page = reads.get(&format!("{POOLS}?limit=7&filter=(gte,name,0100)&exclude_fields=extensions")).await;
    let link = next(&page).unwrap();
    assert!(
        link.contains("limit=7&filter=(gte,name,0100)&exclude_fields=extensions&nextpage_opaque_marker="),
        "{link}"
    );
    assert_eq!(ids(&reads.get(&link).await, "resourcePoolId")[0], "0107");
}

#[tokio::test]
async fn a_kept_page_leads_everybody_on_in_the_canonical_spelling() {
    let reads = many(5).await;
    let first = reads.get(&format!("{POOLS}?filter=(gte,name,%300)&fields=name&all_fields&limit=2")).await;
    let second = reads.get(&format!("{POOLS}?limit=2&filter=(gte,name,00)")).await;
    let link = next(&second).unwrap();
    assert_eq!(next(&first).as_ref(), Some(&link));
    assert!(link.contains("?limit=2&filter=(gte,name,00)&nextpage_opaque_marker="), "{link}");
    assert_eq!(ids(&reads.get(&link).await, "resourcePoolId")[0], "0002");
}

#[tokio::test]
async fn documents_take_no_parameters() {
    let reads = many(0).await;
    for path in ["/v2/api_versions?fields=x", "/api_versions?x"] {
        assert_eq!(reads.kind_of_error(path).await, ErrorKind::Invalid, "{path}");
    }
}

#[tokio::test]
async fn digits_are_page_numbers_of_thirty_on_v1_and_a_hundred_on_v2() {
    let reads = many(250).await;
    for (path, size) in [("/v1/resourcePools", 30), (POOLS, 100)] {
        let page = reads.get(&format!("{path}?nextpage_opaque_marker=2")).await;
        let found = ids(&page, "resourcePoolId");
        assert_eq!((found.len(), found[0].clone()), (size, format!("{size:04}")), "{path}");
        assert_eq!(next(&page).unwrap(), format!("{path}?nextpage_opaque_marker=3"));
    }
    let last = reads.get("/v1/resourcePools?nextpage_opaque_marker=9").await;
    assert_eq!((ids(&last, "resourcePoolId").len(), next(&last)), (10, None));
    for beyond in
        ["/v1/resourcePools?nextpage_opaque_marker=10", "/v2/resourcePools?nextpage_opaque_marker=999999999"]
    {
        assert_eq!(reads.kind_of_error(beyond).await, ErrorKind::Invalid);
    }
    let empty = many(0).await;
    assert_eq!(&*empty.get("/v1/resourcePools?nextpage_opaque_marker=1").await.body, b"[]");
}

#[tokio::test]
async fn a_marker_of_another_query_or_collection_is_refused() {
    let of = |pool: &str, id: &str| object(Kind::Resource, Some(pool), id, "x");
    let objects = vec![pool("a"), pool("b"), of("a", "1"), of("a", "2"), of("b", "3"), of("b", "4")];
    let reads = reads_of(objects, Compatibility::Spec).await;
    let link = next(&reads.get("/v2/resourcePools/a/resources?limit=1").await).unwrap();
    let marker = link.split_once("nextpage_opaque_marker=").unwrap().1;
    assert_eq!(ids(&reads.get(&link).await, "resourceId"), ["2"]);
    for other in [
        "/v2/resourcePools/b/resources?limit=1",
        "/v2/resourcePools?limit=1",
        "/v2/resourcePools/a/resources?filter=(eq,description,x)",
    ] {
        let target = format!("{other}&nextpage_opaque_marker={marker}");
        assert_eq!(reads.kind_of_error(&target).await, ErrorKind::Invalid, "{target}");
    }
}

/// What happens between two pages.
#[derive(Clone, Debug)]
enum Step {
    Put(u16, bool),
    Delete(u16),
}

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let step = prop_oneof![
        (0_u16..300, any::<bool>()).prop_map(|(id, matching)| Step::Put(id, matching)),
        (0_u16..300).prop_map(Step::Delete),
    ];
    prop::collection::vec(prop::collection::vec(step, 0..20), 0..12)
}

/// Walks all pages while steps are applied between them; returns the ids in the order in which they came.
async fn walk(
    reads: &Reads,
    first: String,
    steps: &[Vec<Step>],
    known: &mut BTreeMap<u16, bool>,
) -> (Vec<String>, BTreeSet<u16>) {
    let matching = |known: &BTreeMap<u16, bool>| {
        known.iter().filter(|(_, hit)| **hit).map(|(id, _)| *id).collect::<BTreeSet<_>>()
    };
    let (mut seen, mut throughout) = (Vec::new(), matching(known));
    let mut steps = steps.iter();
    let mut target = Some(first);
    while let Some(asked) = target {
        let page = reads.get(&asked).await;
        seen.extend(ids(&page, "resourcePoolId"));
        target = next(&page);
        for step in steps.next().into_iter().flatten() {
            let change = match step {
                Step::Put(id, hit) => {
                    known.insert(*id, *hit);
                    let name = if *hit { "hit" } else { "miss" };
                    Change::Upsert(object(Kind::ResourcePool, None, &format!("{id:04}"), name))
                }
                Step::Delete(id) => {
                    known.remove(id);
                    Change::Delete(pool(&format!("{id:04}")).key)
                }
            };
            reads.feed().commit(&[change]).await.unwrap();
            throughout = throughout.intersection(&matching(known)).copied().collect();
        }
    }
    (seen, throughout)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_repeats_nothing_and_misses_nothing_that_was_there_throughout(
        start in prop::collection::btree_map(0_u16..300, any::<bool>(), 0..120),
        steps in steps(),
        limit in 1_usize..40,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let objects = start.iter().map(|(id, hit)| {
                object(Kind::ResourcePool, None, &format!("{id:04}"), if *hit { "hit" } else { "miss" })
            });
            let reads = reads_of(objects.collect(), Compatibility::Spec).await;
            let mut known = start.clone();
            let first = format!("{POOLS}?filter=(eq,name,hit)&limit={limit}");
            let (seen, throughout) = walk(&reads, first, &steps, &mut known).await;
            let distinct: BTreeSet<_> = seen.iter().cloned().collect();
            prop_assert_eq!(distinct.len(), seen.len(), "no id comes twice");
            prop_assert!(seen.is_sorted());
            for id in throughout {
                prop_assert!(distinct.contains(&format!("{id:04}")), "{} was there throughout", id);
            }
            Ok(())
        })?;
    }
}
