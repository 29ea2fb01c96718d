//! A bench over an inventory file.

use async_trait::async_trait;
use netweave_adapters::layers::{Guard, Observer, guard};
use netweave_file::{Conf, File};
use netweave_model::port::Backend;
use netweave_model::{ErrorKind, Id, Kind, SourceName};
use netweave_tests::conformance::backend::{Bench, Resources};
use netweave_tests::harness::clock::TestClock;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const NAME: &str = "lab";
const HEAD: &str = "apiVersion: netweave-inventory/v1
locations: [{key: here, address: here}]
sites: [{key: site, location: here}]
resourceTypes: [{key: t, vendor: v, model: m, version: 1}]
resourcePools: [{key: p, site: site}]
deploymentManagers: [{key: d, serviceUri: 'https://d', supportedLocations: [here]}]
resources:
";

/// An inventory file in a folder of its own.
pub(crate) struct FileBench {
    folder: tempfile::TempDir,
    backend: Arc<dyn Backend>,
    text: String,
}

impl FileBench {
    /// Makes a bench for the backend alone.
    pub(crate) fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let conf = Conf { name: NAME.to_owned(), path: folder.path().join("inventory.yaml") };
        let backend = Arc::new(File::open(&conf, &Id::from("cloud")).unwrap());
        Self { folder, backend, text: HEAD.to_owned() }
    }

    /// Makes a bench for the backend with the layers around it; the breaker's clock stands still, so it must not open.
    pub(crate) fn guarded() -> Self {
        let bench = Self::bare();
        let clock = Arc::new(TestClock::new());
        let source = SourceName::from(NAME);
        let backend = guard(Arc::clone(&bench.backend), &source, Arc::new(Nobody), clock, &Guard::local());
        Self { backend, ..bench }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("inventory.yaml")
    }

    fn write(&self) {
        let beside = self.folder.path().join("new");
        std::fs::write(&beside, &self.text).unwrap();
        std::fs::rename(beside, self.path()).unwrap();
    }
}

#[async_trait]
impl Bench for FileBench {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    async fn set(&mut self, resources: &Resources) {
        HEAD.clone_into(&mut self.text);
        if resources.is_empty() {
            self.text += "  []\n";
        }
        for (name, revision) in resources {
            writeln!(self.text, "- {{key: {name}, pool: p, type: t, description: revision {revision}}}")
                .unwrap();
        }
        self.write();
    }

    fn id(&self, name: &str) -> Id {
        Id::stable(&SourceName::from(NAME), Kind::Resource, name)
    }

    async fn cut(&mut self) {
        std::fs::remove_file(self.path()).unwrap();
    }

    async fn mend(&mut self) {
        self.write();
    }
}

/// Counts nothing.
pub(crate) struct Nobody;

impl Observer for Nobody {
    fn operation(&self, _: &SourceName, _: &'static str, _: Result<(), ErrorKind>, _: Duration) {}
}
