//! What a gateway tells of itself on its operations port.

use crate::Result;
use crate::connection::{Target, fetch};
use std::time::{Duration, Instant};

/// Adds up the samples of a family, or of those with the labels that stand behind its name.
///
/// # Errors
/// The gateway does not answer, or a sample is no whole number.
pub async fn sum(ops: &Target, family: &str) -> Result<u64> {
    let (_, text) = fetch(ops, "/metrics").await?;
    let text = String::from_utf8(text)?;
    let samples = text.lines().filter_map(|line| line.strip_prefix(family));
    let values =
        samples.filter(|rest| rest.starts_with([' ', '{'])).filter_map(|rest| rest.rsplit(' ').next());
    values.map(|value| value.parse::<u64>().map_err(Into::into)).sum()
}

/// Waits until a sum is more than it was.
///
/// # Errors
/// As [`sum`], or it stays the same for as long as `patience`.
pub async fn grows(ops: &Target, family: &str, before: u64, patience: Duration) -> Result<()> {
    let end = Instant::now() + patience;
    while sum(ops, family).await? <= before {
        if Instant::now() > end {
            return Err(format!("{family} stays {before}").into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
