//! How often sources are asked at rest, held against what their vendors publish.

use std::time::Duration;

/// Calls a minute of one operation in one account and region of Amazon EC2.
///
/// Source: Amazon EC2 Developer Guide, "Request throttling for the Amazon EC2 API": a bucket refills by 20 a second, that of calls
/// with neither pages nor filters by 10; the smaller is taken.
pub const EC2: f64 = 600.0;
/// Calls a minute of a group of methods of Compute Engine in one project; here all groups together must keep it.
///
/// Source: Compute Engine, "Rate quotas": 1,500 a minute for each group, when the page named the defaults.
pub const COMPUTE: f64 = 1_500.0;
/// The share of it that the gateway may take.
pub const SHARE: f64 = 0.1;
/// Probes a minute: the watcher of a source asks once whether it answers.
const PROBES: f64 = 1.0;

/// Returns the most calls a minute of a source of which each look takes so many.
///
/// The pause between looks is jittered by a tenth.
pub fn per_minute(calls_of_a_look: usize, pause: Duration) -> f64 {
    let looks = 60.0 / (pause.as_secs_f64() * 0.9);
    looks * f64::from(u32::try_from(calls_of_a_look).expect("a small number")) + PROBES
}

#[test]
fn a_look_every_half_minute_is_at_most_a_ninth_more_than_twice_a_minute() {
    let calls = per_minute(9, Duration::from_secs(30));
    assert!((calls - 21.0).abs() < 1e-9, "{calls}");
}
