//! What the audit log costs: the making of a line, and all of it from the hand-over in a request to the file.
//!
//! Times are CPU times of the whole process as the kernel counts them, so that the writer and the sinks are in them.

use criterion::{Criterion, Throughput};
use netweave::access::Access;
use netweave::audit::body::Redactor;
use netweave::audit::chain::Chain;
use netweave::audit::{Audit, Call, Entry, Event, Parts, Payload};
use netweave::clock::{SystemClock, SystemIds};
use netweave::conf::tree::{self, Audit as Conf, AuditMode, Rate, SinkKind};
use netweave::ctx::RequestId;
use netweave::filters::limits::Shares;
use netweave::listen::identity::{Facts, Identity, IdentityField};
use netweave::listen::peer::{Caller, Peer};
use netweave::telemetry::metrics::Metrics;
use netweave_benches::micro::{self, CpuTime};
use netweave_model::port::Clock;
use netweave_model::{Error, Timestamp};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Calls between two that somebody waits for.
const CALLS: u64 = 1000;

/// A client as an SMO is one.
fn peer() -> Option<Arc<Peer>> {
    let identity = Identity {
        name: "spiffe://o2.example.net/smo".to_owned(),
        field: IdentityField::Uri,
        common_name: Some("smo".to_owned()),
        fingerprint: "3fdb2b5e3ea6b1a1b0f0d7e3a9c4f1d23fdb2b5e3ea6b1a1b0f0d7e3a9c4f1d2".to_owned(),
        not_after: Timestamp(1_890_000_000_000),
        facts: Facts {
            serial: "5f2c11a0b7d9e3".to_owned(),
            alternative_names: vec!["URI:spiffe://o2.example.net/smo".to_owned()],
        },
    };
    let grant = Access::new(&tree::Access::default(), &Rate::default(), 1).of(&identity.name)?;
    let share = Shares::new(&tree::Limits::default()).of(&identity.name, &grant, SystemClock.now());
    let caller = Caller { identity, grant, share };
    Some(Arc::new(Peer::known(IpAddr::from(Ipv4Addr::LOCALHOST), caller, Vec::new(), (1, 0))))
}

fn call(peer: Option<&Arc<Peer>>, bodies: Option<(Payload, Payload)>) -> Call {
    Call {
        at: SystemClock.now(),
        peer: peer.cloned(),
        method: Some(if bodies.is_some() { http::Method::POST } else { http::Method::GET }),
        uri: Some(http::Uri::from_static(
            "/o2ims-infrastructureInventory/v2/resourcePools/pool-a/resources/server-0007",
        )),
        slot: 30,
        status: http::StatusCode::OK,
        bytes: 1830,
        took: Duration::from_micros(85),
        id: Some(RequestId::Made(*b"abcdef012345-000000000001")),
        trace: None,
        allowed: true,
        reason: None,
        token: None,
        bodies,
    }
}

fn body() -> Payload {
    let json = r#"{"callback":"https://smo.example.net:8443/notifications?token=abc","consumerSubscriptionId":"c-1","filter":"(eq,resourceTypeId,x)"}"#;
    Payload { bytes: json.into(), media_type: Some(http::HeaderValue::from_static("application/json")) }
}

fn lines(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("line");
    let redactor = Redactor::new(&[1; 32], 4096);
    let peer = peer();
    for (name, bodies) in [("read", None), ("change with bodies", Some((body(), body())))] {
        let entry = Entry::Call(Box::new(call(peer.as_ref(), bodies)));
        let mut chain = Chain::new("edge-7.5f0e2c41a9d3".to_owned());
        let mut out = Vec::new();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                chain.append(black_box(&entry).record(&redactor), &mut out)
            });
        });
    }
    group.finish();
}

/// Records a thousand reads, then one change that is waited for, so that all of them have been written.
fn whole(criterion: &mut Criterion<CpuTime>, folder: &Path) -> Result<(), Error> {
    let mut group = criterion.benchmark_group("whole");
    group.throughput(Throughput::Elements(CALLS + 1));
    let mut conf = Conf { mode: AuditMode::Strict, sinks: vec![SinkKind::File], ..Conf::default() };
    conf.file.directory = folder.join("audit");
    let parts =
        Parts { clock: Arc::new(SystemClock), ids: Arc::new(SystemIds), metrics: Arc::new(Metrics::new()?) };
    let audit = Audit::open(&conf, parts, Event::new("process.start", SystemClock.now()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::internal("no runtime").with_source(error))?;
    let peer = peer();
    group.bench_function("1,000 reads and a change, into a file", |bencher| {
        bencher.iter(|| {
            for _ in 0..CALLS {
                audit.call(call(peer.as_ref(), None));
            }
            runtime.block_on(audit.change(call(peer.as_ref(), None)))
        });
    });
    group.finish();
    audit.close();
    Ok(())
}

fn main() -> Result<(), Error> {
    let mut criterion = micro::criterion(CpuTime::Process);
    let folder = tempfile::tempdir().map_err(|error| Error::internal("no folder").with_source(error))?;
    lines(&mut criterion);
    whole(&mut criterion, folder.path())?;
    criterion.final_summary();
    Ok(())
}
