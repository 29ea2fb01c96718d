//! What is read from texts and written to them: filters, page cursors, signatures, audit lines.

use super::Operation;
use super::call::{call, peer};
use super::node::node;
use netweave::audit::body::Redactor;
use netweave::audit::chain::Chain;
use netweave::audit::{Entry, Stamp};
use netweave::webhook::signature::Secret;
use netweave_model::query::{Filter, Indexed, Marker, Paths, Query, Target};
use netweave_model::{Error, Kind, Result};
use std::hint::black_box;

const DEPTH: usize = 8;
const TARGET: Target = Target::Inventory(Kind::Resource);
/// The collection that cursors are for.
const COLLECTION: &str = "/resourcePools/pool-a/resources";
/// Three expressions of different kinds.
const FILTER: &str = "(eq,extensions/labels/topology.kubernetes.io~1zone,zone-3);(cont,description,node);(gt,extensions/labels/rack,3)";
/// Resources that a filter is evaluated on.
const RESOURCES: u64 = 100;

pub(super) fn operations() -> Result<Vec<Operation>> {
    let [parse, evaluate] = filter()?;
    let [encode, decode] = cursor()?;
    Ok(vec![parse, evaluate, encode, decode, signature()?, line()])
}

fn filter() -> Result<[Operation; 2]> {
    let paths = Paths::new();
    let resources: Result<Vec<_>> = (0..RESOURCES).map(|number| Indexed::new(node(number), &paths)).collect();
    let resources = resources?;
    let filter =
        Filter::parse(TARGET, [FILTER], DEPTH)?.ok_or_else(|| Error::internal("the filter is empty"))?;
    let raw = format!("filter={FILTER}");
    let parse = move || Query::parse(TARGET, COLLECTION, black_box(&raw), DEPTH).map(drop);
    let evaluate = move || {
        let bound = filter.bind(&paths);
        black_box(resources.iter().filter(|resource| bound.matches(resource)).count());
        Ok(())
    };
    Ok([Operation::new("filter: parse", parse), Operation::new("filter: evaluate on 100", evaluate)])
}

fn cursor() -> Result<[Operation; 2]> {
    let key = "00000000-0000-5000-8000-000000000063";
    let hash = Query::parse(TARGET, COLLECTION, "", DEPTH)?.hash();
    let encode = move || {
        black_box(Marker::after(COLLECTION, black_box(key), hash));
        Ok(())
    };
    let raw = format!("nextpage_opaque_marker={}", Marker::after(COLLECTION, key, hash));
    let decode = move || Query::parse(TARGET, COLLECTION, black_box(&raw), DEPTH).map(drop);
    Ok([Operation::new("page cursor: encode", encode), Operation::new("page cursor: decode", decode)])
}

fn signature() -> Result<Operation> {
    let secret = Secret::parse("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")?;
    let body = node(7);
    Ok(Operation::new("notification: sign", move || {
        black_box(secret.sign("01234567-89ab-cdef-0123-456789abcdef", 1_700_000_000, &body));
        Ok(())
    }))
}

fn line() -> Operation {
    let redactor = Redactor::new(&[1; 32], 4096);
    let entry = Entry::Call(call(peer().as_ref(), None));
    let mut chain = Chain::new("edge-7.5f0e2c41a9d3".to_owned());
    let (mut out, mut stamp) = (Vec::new(), Stamp::default());
    Operation::new("audit: line of a read", move || {
        out.clear();
        chain.append(black_box(&entry).record(&redactor, &mut stamp), &mut out).map(drop)
    })
}
