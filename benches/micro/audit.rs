//! What the audit log costs: the making of a line, and all of it from the hand-over in a request to the file.
//!
//! Times are CPU times of the whole process as the kernel counts them, so that the writer and the sinks are in them.

#[path = "operations/call.rs"]
mod call;

use call::{call, peer};
use criterion::{Criterion, Throughput};
use netweave::audit::body::Redactor;
use netweave::audit::chain::Chain;
use netweave::audit::{Audit, Entry, Event, Parts, Payload, Stamp};
use netweave::clock::{SystemClock, SystemIds};
use netweave::conf::tree::{Audit as Conf, AuditMode, SinkKind};
use netweave::telemetry::metrics::Metrics;
use netweave_benches::micro::{self, CpuTime};
use netweave_model::Error;
use netweave_model::port::Clock;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

/// Calls between two that somebody waits for.
const CALLS: u64 = 1000;

fn body() -> Payload {
    let json = r#"{"callback":"https://smo.example.net:8443/notifications?token=abc","consumerSubscriptionId":"c-1","filter":"(eq,resourceTypeId,x)"}"#;
    Payload { bytes: json.into(), media_type: Some(http::HeaderValue::from_static("application/json")) }
}

fn lines(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("line");
    let redactor = Redactor::new(&[1; 32], 4096);
    let peer = peer();
    for (name, bodies) in [("read", None), ("change with bodies", Some((body(), body())))] {
        let entry = Entry::Call(call(peer.as_ref(), bodies));
        let mut chain = Chain::new("edge-7.5f0e2c41a9d3".to_owned());
        let (mut out, mut stamp) = (Vec::new(), Stamp::default());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                chain.append(black_box(&entry).record(&redactor, &mut stamp), &mut out)
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
