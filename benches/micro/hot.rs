//! What the functions on the hot path cost; `operations` says which they are.

mod operations;

use criterion::Criterion;
use netweave_benches::micro::{self, CpuTime};
use netweave_model::Error;

fn main() -> Result<(), Error> {
    let mut criterion: Criterion<CpuTime> = micro::criterion(CpuTime::Thread);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::internal("no runtime").with_source(error))?;
    let _entered = runtime.enter();
    for mut operation in operations::all()? {
        // What fails would be measured as something else.
        (operation.run)()?;
        criterion.bench_function(operation.name, |bencher| bencher.iter(|| (operation.run)()));
    }
    criterion.final_summary();
    Ok(())
}
