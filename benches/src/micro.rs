//! The frame of the micro benches: criterion over CPU time, which other work on the machine disturbs less than wall time.

use criterion::Criterion;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Measures CPU time as the kernel counts it.
#[derive(Clone, Copy, Debug)]
pub enum CpuTime {
    /// Of the thread that measures.
    Thread,
    /// Of all threads.
    Process,
}

impl CpuTime {
    fn read(self) -> Duration {
        let clock = match self {
            Self::Thread => ClockId::ThreadCPUTime,
            Self::Process => ClockId::ProcessCPUTime,
        };
        // CPU time is never negative.
        Duration::try_from(clock_gettime(clock)).unwrap_or_default()
    }
}

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        self.read()
    }

    fn end(&self, start: Duration) -> Duration {
        self.read().saturating_sub(start)
    }

    fn add(&self, left: &Duration, right: &Duration) -> Duration {
        *left + *right
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// Makes the runner: 30 samples in two seconds for each bench, and what the command line says.
pub fn criterion(time: CpuTime) -> Criterion<CpuTime> {
    Criterion::default()
        .with_measurement(time)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30)
        .configure_from_args()
}
