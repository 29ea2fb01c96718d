//! What the query language costs: scans over 10,000 resources, and the steps around them.
//!
//! Times are CPU times of the thread, so that other work on the machine disturbs them less.

#[path = "operations/node.rs"]
mod node;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput};
use netweave_benches::micro::{self, CpuTime};
use netweave_model::query::{Exclusion, Filter, Indexed, Paths, Query, Target};
use netweave_model::{Error, Kind};
use node::node;
use std::hint::black_box;
use std::sync::Arc;

const OBJECTS: u64 = 10_000;
const DEPTH: usize = 8;
const TARGET: Target = Target::Inventory(Kind::Resource);

/// Filters that a scan has to evaluate on every object; the name, then the text.
const SCANS: [(&str, &str); 9] = [
    ("flat attribute", "(eq,resourceTypeId,type-3)"),
    ("nested label", "(eq,extensions/labels/topology.kubernetes.io~1zone,zone-3)"),
    ("substring", "(cont,description,99)"),
    ("number", "(gt,extensions/labels/rack,30)"),
    ("time", "(gt,extensions/created,2026-01-01T00:00:00Z)"),
    ("absent attribute", "(neq,extensions/labels/absent,x)"),
    ("key of a map", "(eq,extensions/capacity/@key,nvidia.com/gpu)"),
    ("array", "(eq,tags,b)"),
    (
        "three expressions",
        "(eq,extensions/ready,true);(cont,description,node);(in,resourceTypeId,type-1,type-2)",
    ),
];

fn scans(criterion: &mut Criterion<CpuTime>, objects: &[Arc<Indexed>], paths: &Paths) -> Result<(), Error> {
    let mut group = criterion.benchmark_group("scan 10,000");
    group.throughput(Throughput::Elements(OBJECTS));
    for (name, text) in SCANS {
        let Some(filter) = Filter::parse(TARGET, [text], DEPTH)? else {
            continue;
        };
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let bound = filter.bind(paths);
                objects.iter().filter(|object| bound.matches(object)).count()
            });
        });
    }
    group.finish();
    Ok(())
}

fn steps(criterion: &mut Criterion<CpuTime>, object: &Bytes, paths: &Paths) -> Result<(), Error> {
    let mut group = criterion.benchmark_group("one");
    group.bench_function("index an object", |bencher| {
        bencher.iter_batched(|| object.clone(), |json| Indexed::new(json, paths), BatchSize::SmallInput);
    });
    let raw = "filter=(eq,extensions/labels/topology.kubernetes.io~1zone,zone-3);(cont,description,99)&exclude_fields=extensions";
    group.bench_function("parse a query", |bencher| {
        bencher.iter(|| Query::parse(TARGET, "resources", black_box(raw), DEPTH));
    });
    let query = Query::parse(TARGET, "resources", "exclude_fields=extensions/labels", DEPTH)?;
    group.bench_function("cut an object", |bencher| {
        bencher.iter(|| query.selectors.apply(black_box(object)));
    });
    let indexed = Indexed::new(object.clone(), paths)?;
    if let Some(exclusion) =
        Exclusion::parse("(neq,extensions/labels/site,site-7)|(eq,objectType,ResourcePoolInfo)", DEPTH)?
    {
        let bound = exclusion.bind(paths);
        group.bench_function("exclude a change", |bencher| {
            bencher.iter(|| bound.excludes(Kind::Resource, black_box(&indexed)));
        });
    }
    group.finish();
    Ok(())
}

fn main() -> Result<(), Error> {
    let mut criterion = micro::criterion(CpuTime::Thread);
    let paths = Paths::new();
    let objects: Result<Vec<_>, _> =
        (0..OBJECTS).map(|number| Indexed::new(node(number), &paths).map(Arc::new)).collect();
    scans(&mut criterion, &objects?, &paths)?;
    steps(&mut criterion, &node(7), &paths)?;
    criterion.final_summary();
    Ok(())
}
