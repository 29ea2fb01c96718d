//! Asks operations listeners, as probes and Prometheus do: plain HTTP, without certificates.

use super::client::reason;
use super::{Exit, Failure};
use std::time::Duration;
use url::Url;

/// Largest answer that is read.
const MAX_ANSWER: usize = 16 << 20;

/// An answer, whatever its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plain {
    /// The status.
    pub(super) status: u16,
    /// The body.
    pub(super) text: String,
}

/// Asks for a path, such as `readyz?verbose`, below an address.
///
/// # Errors
/// Nothing answers in time, or too much.
pub(super) async fn get(base: &Url, path: &str, time: Duration) -> Result<Plain, Failure> {
    let url = base.join(path).map_err(|error| Failure::new(Exit::Usage, format!("{base}: {error}")))?;
    let failed = |error: &reqwest::Error| Failure::new(Exit::Unreachable, reason(error));
    let builder =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(time);
    let client = builder.build().map_err(|error| failed(&error))?;
    let mut response = client.get(url).send().await.map_err(|error| failed(&error))?;
    let status = response.status().as_u16();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
        if bytes.len().saturating_add(chunk.len()) > MAX_ANSWER {
            return Err(Failure::new(Exit::Failed, "the answer is too large"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Plain { status, text: String::from_utf8_lossy(&bytes).into_owned() })
}
