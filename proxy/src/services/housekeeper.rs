//! Housekeeper: lets the allocator give freed memory back.
//!
//! mimalloc returns pages to the system a second after they became free, but it looks only when it frees a page. A gateway
//! that has read a large inventory and is idle then would keep what the reading took: 377 instead of 247 MiB at 100,000
//! resources.

use super::Service;
use async_trait::async_trait;
use netweave_model::Result;
use std::hint::black_box;
use std::time::Duration;

/// How often it looks.
const PAUSE: Duration = Duration::from_secs(5);
/// A block of this size has pages of its own. It is never written to, so that it takes no memory.
const BLOCK: usize = 1 << 20;

/// The service.
pub struct Housekeeper;

#[async_trait]
impl Service for Housekeeper {
    fn name(&self) -> &'static str {
        "housekeeper"
    }

    async fn activate(&self) -> Result<bool> {
        drop(black_box(Vec::<u8>::with_capacity(black_box(BLOCK))));
        Ok(false)
    }

    async fn wait(&self) {
        tokio::time::sleep(PAUSE).await;
    }
}
