//! The helpers of a lab: what makes a fault that has to be made again and again.

use super::redis;
use super::state::{Kind, Lab};
use crate::cli::Failure;
use std::path::Path;
use std::time::Duration;

/// Time in which writes go on between two times of holding them back.
const GAP: Duration = Duration::from_millis(200);
/// Pause between two times of dating back.
const PAUSE: Duration = Duration::from_secs(1);
/// Dates the first item of each queue back by two hours, if it is younger than one.
const OLDER: &str = r#"
local now = tonumber(redis.call('TIME')[1]) * 1000
for _, key in ipairs(redis.call('KEYS', 'q:*')) do
  local item = redis.call('LINDEX', key, 0) or ''
  local at = tonumber(string.match(item, '"queuedAt":(%d+)'))
  if at and now - at < 3600000 then
    local older = string.format('"queuedAt":%.0f', now - 7200000)
    redis.call('LSET', key, 0, (string.gsub(item, '"queuedAt":%d+', older)))
  end
end"#;

/// Holds writes to Redis back again and again; between, they go on for a moment.
pub(super) async fn drag(dir: &Path, millis: u64) -> Result<(), Failure> {
    let lab = Lab::load(dir)?;
    let servers: Vec<u16> = lab.all(Kind::Redis).map(|part| part.port).collect();
    loop {
        for port in &servers {
            // One that does not answer now will do so the next time.
            redis::ask(*port, &["CLIENT", "PAUSE", &millis.to_string(), "WRITE"]).ok();
        }
        tokio::time::sleep(Duration::from_millis(millis) + GAP).await;
    }
}

/// Dates what waits first in each queue back again and again, as if it had waited for hours.
pub(super) async fn age(dir: &Path) -> Result<(), Failure> {
    let lab = Lab::load(dir)?;
    let servers: Vec<u16> = lab.all(Kind::Redis).map(|part| part.port).collect();
    loop {
        for port in &servers {
            // A replica refuses, and has it from its primary.
            redis::ask(*port, &["EVAL", OLDER, "0"]).ok();
        }
        tokio::time::sleep(PAUSE).await;
    }
}
