//! What the query language costs: scans over 10,000 resources, and the steps around them.
//!
//! The resources are like a Kubernetes node: about 900 bytes of JSON with 28 scalars. Times are CPU times of the thread,
//! so that other work on the machine disturbs them less.

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput};
use netweave_benches::micro::{self, CpuTime};
use netweave_model::query::{Exclusion, Filter, Indexed, Paths, Query, Target};
use netweave_model::{Error, Kind};
use serde_json::json;
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

fn node(number: u64) -> Bytes {
    let object = json!({
        "resourceId": format!("00000000-0000-5000-8000-{number:012x}"), "resourcePoolId": format!("pool-{}", number % 40),
        "resourceTypeId": format!("type-{}", number % 12), "globalAssetId": format!("urn:k8s:node:{number}"),
        "description": format!("node-{number} of the far edge cluster"), "elements": [], "tags": ["a", "b"], "groups": [],
        "extensions": {
            "capacity": {"cpu": "64", "memory": "263846172Ki", "hugepages-1Gi": "32Gi", "pods": "250",
                "intel.com/sriov": (number % 9).to_string()},
            "allocatable": {"cpu": "62", "memory": "260846172Ki", "hugepages-1Gi": "32Gi", "pods": "250"},
            "labels": {"kubernetes.io/hostname": format!("node-{number}"), "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/zone": format!("zone-{}", number % 7), "topology.kubernetes.io/region": "eu-1",
                "node.kubernetes.io/instance-type": "ptl-64", "site": format!("site-{}", number % 300),
                "feature.node.kubernetes.io/cpu-cpuid.AVX512F": "true", "rack": number % 40},
            "nodeInfo": {"kubeletVersion": "v1.31.2", "kernelVersion": "6.1.0-rt", "osImage": "Debian GNU/Linux 12",
                "containerRuntimeVersion": "containerd://1.7"},
            "ready": !number.is_multiple_of(50), "created": "2026-03-02T10:00:00Z"}});
    object.to_string().into()
}

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
