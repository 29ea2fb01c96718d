//! When requests of an open loop are due.

use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

/// Tells each lane in turn when its requests are due, each at its time, until the end or until nobody listens. Blocks: a thread's sleep is exact to some 50 us, while the timers of the runtime wake by the millisecond
/// and would send what is due within one at once. What is told and not yet sent is bounded by rate and length.
pub(super) fn keep(start: Instant, length: Duration, rate: u32, lanes: &[UnboundedSender<Instant>]) {
    for (number, lane) in (0_u32..).zip(lanes.iter().cycle()) {
        let due = start + offset(number, rate);
        if due >= start + length {
            break;
        }
        let now = Instant::now();
        if due > now {
            std::thread::sleep(due - now);
        }
        if lane.send(due).is_err() {
            break;
        }
    }
}

/// Returns when the request of that number is due after the first one.
fn offset(number: u32, rate: u32) -> Duration {
    let nanos = u64::from(number) * 1_000_000_000 / u64::from(rate.max(1));
    Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_divides_no_second_is_kept_over_an_hour() {
        assert_eq!(offset(3 * 3600, 3), Duration::from_hours(1));
        assert_eq!(offset(1, 3), Duration::from_nanos(333_333_333));
    }

    #[test]
    fn every_lane_gets_its_share_and_no_request_is_left_out() {
        let (lanes, mut dues): (Vec<_>, Vec<_>) =
            (0..4).map(|_| tokio::sync::mpsc::unbounded_channel()).unzip();
        let start = Instant::now();
        // Begun long ago: all are due at once, and none is dropped for it.
        keep(start.checked_sub(Duration::from_secs(2)).unwrap(), Duration::from_secs(2), 1000, &lanes);
        drop(lanes);
        for lane in &mut dues {
            let mut count = 0;
            while lane.try_recv().is_ok() {
                count += 1;
            }
            assert_eq!(count, 500);
        }
    }
}
