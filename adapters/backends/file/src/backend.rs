//! The port's implementation.

use crate::conf::Conf;
use crate::load::{Depth, Loader};
use crate::watch;
use async_trait::async_trait;
use netweave_model::port::{Backend, Capabilities, Changes, Look, Reach};
use netweave_model::{Error, ErrorKind, Id, Kind, Object, ObjectKey, Result, SourceName};
use std::sync::Arc;

/// An inventory in a YAML file.
///
/// While the file is missing or faulty every call fails with `Unavailable`, and a running stream says so and carries on;
/// what it told before stays true until the file is mended.
pub struct File {
    loader: Arc<Loader>,
    capabilities: Capabilities,
}

impl File {
    /// Prepares the backend; the file is read at the first call, so it need not exist yet.
    ///
    /// # Errors
    /// `Invalid`: the path does not name a file.
    pub fn open(conf: &Conf, o_cloud_id: &Id) -> Result<Self> {
        if conf.path.file_name().is_none() {
            return Err(Error::invalid("path", "must name a file"));
        }
        let source = SourceName::from(conf.name.as_str());
        Ok(Self {
            loader: Arc::new(Loader::new(conf.path.clone(), source, o_cloud_id.clone())),
            capabilities: Capabilities {
                kinds: Kind::ALL.to_vec(),
                native_watch: true,
                single_get: true,
                reach: Reach::Local,
            },
        })
    }
}

#[async_trait]
impl Backend for File {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn probe(&self) -> Result<()> {
        self.loader.check().await
    }

    async fn look(&self, kinds: &[Kind]) -> Result<Look> {
        let inventory = self.loader.current(Depth::Glance).await?;
        Ok(Look::of(kinds, kinds.iter().flat_map(|kind| inventory.objects(*kind)).cloned()))
    }

    async fn get(&self, key: &ObjectKey) -> Result<Object> {
        let inventory = self.loader.current(Depth::Glance).await?;
        let found = inventory.get(key).cloned();
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no such object"))
    }

    fn changes(&self, kinds: &[Kind]) -> Changes {
        watch::changes(Arc::clone(&self.loader), kinds.to_vec())
    }
}

#[cfg(test)]
mod tests;
