//! The log with its threads: what is handed over is in the folder, chained and signed, and retention leaves it verifiable.

use super::*;
use crate::audit::archive::{Lines, list};
use crate::audit::keys::Public;
use crate::audit::verify::{Report, With, verify};
use crate::conf::unit::{Size, Span};
use netweave_model::Timestamp;
use rcgen::{KeyPair, PKCS_ED25519};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use uuid::Uuid;

/// A clock that tests set.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

struct Random;

impl Ids for Random {
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn secret(&self) -> [u8; 32] {
        [9; 32]
    }
}

/// A folder with keys, and logs that are opened there one after the other.
struct Stage {
    files: tempfile::TempDir,
    clock: Arc<Hand>,
    metrics: Arc<Metrics>,
    conf: Conf,
}

impl Stage {
    fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        std::fs::write(files.path().join("sign.key"), pair.serialize_pem()).unwrap();
        std::fs::write(files.path().join("sign.pub"), pair.public_key_pem()).unwrap();
        std::fs::write(files.path().join("seal.key"), [5; 32]).unwrap();
        let mut conf = Conf { mode: AuditMode::Strict, sinks: vec![SinkKind::File], ..Conf::default() };
        conf.signing_key_file = Some(files.path().join("sign.key"));
        conf.file.directory = files.path().join("audit");
        let clock = Arc::new(Hand(AtomicI64::new(1_790_000_000_000)));
        Self { files, clock, metrics: Arc::new(Metrics::new().unwrap()), conf }
    }

    fn folder(&self) -> PathBuf {
        self.files.path().join("audit")
    }

    fn open(&self) -> Audit {
        let parts = Parts {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            ids: Arc::new(Random),
            metrics: Arc::clone(&self.metrics),
        };
        Audit::open(&self.conf, parts, Event::new("process.start", self.clock.now())).unwrap()
    }

    /// Opens a log, records so many changes, each of which is safe when the next begins, and closes it.
    async fn run(&self, changes: usize) {
        let audit = self.open();
        for _ in 0..changes {
            audit.may_change().unwrap();
            audit.change(call(self.clock.now())).await.unwrap();
        }
        audit.close();
    }

    fn verify(&self) -> Report {
        let key = Public::read(&self.files.path().join("sign.pub")).unwrap();
        let secret = self.conf.file.key_file.as_deref().map(|path| Secret::read(path).unwrap());
        verify(&self.folder(), &With { key: Some(&key), secret: secret.as_ref(), against: &[] }).unwrap()
    }

    fn pass(&self, days: i64) {
        self.clock.0.fetch_add(days * 24 * 3_600_000, Ordering::SeqCst);
    }
}

fn call(at: Timestamp) -> Call {
    Call {
        at,
        peer: None,
        method: Some(http::Method::DELETE),
        path: Some("/o2ims-infrastructureInventory/v2/subscriptions/s-1".into()),
        slot: 0,
        status: http::StatusCode::NO_CONTENT,
        bytes: 0,
        took: Duration::from_millis(1),
        id: None,
        trace: None,
        allowed: true,
        reason: None,
        token: None,
        bodies: None,
    }
}

fn segments(folder: &Path) -> usize {
    list(folder).unwrap().writers.values().map(Vec::len).sum()
}

#[tokio::test]
async fn what_is_recorded_is_chained_signed_and_closed() {
    let stage = Stage::new();
    stage.run(3).await;
    let report = stage.verify();
    assert_eq!(report.faults, []);
    let chain = &report.writers[0];
    assert!(chain.closed && !chain.torn && chain.signed == chain.last, "{chain:?}");
    // start, its checkpoint, three changes, stop, the last checkpoint; more checkpoints only if a minute has passed.
    assert!(report.records >= 7, "{report:?}");
    assert_eq!(stage.metrics.audit_dropped.with_label_values(&["file"]).get(), 0);
}

#[tokio::test]
async fn each_start_names_the_chains_of_those_before_so_that_a_missing_one_is_missed() {
    let stage = Stage::new();
    stage.run(1).await;
    let first = list(&stage.folder()).unwrap();
    stage.run(1).await;
    stage.run(1).await;
    assert_eq!(stage.verify().faults, []);
    let paths =
        first.writers.values().flatten().map(|segment| &segment.path).chain(first.checkpoints.values());
    paths.for_each(|path| std::fs::remove_file(path).unwrap());
    // What the next start does not find, it still has been told of.
    stage.run(1).await;
    let faults = stage.verify().faults;
    assert!(faults.len() == 1 && faults[0].what.starts_with("the whole chain is missing"), "{faults:?}");
}

#[tokio::test]
async fn retention_deletes_what_is_old_and_the_rest_still_holds() {
    for sealed in [false, true] {
        let mut stage = Stage::new();
        stage.conf.file.key_file = sealed.then(|| stage.files.path().join("seal.key"));
        stage.conf.file.segment_size = Size(600);
        stage.conf.retention = Span::seconds(7 * 24 * 3600);
        stage.run(6).await;
        let before = segments(&stage.folder());
        assert!(before > 2, "{before} segments");
        stage.pass(6);
        stage.run(6).await;
        assert!(segments(&stage.folder()) > before, "nothing is old yet");
        stage.pass(2);
        stage.run(1).await;
        let report = stage.verify();
        assert_eq!(report.faults, []);
        assert_eq!(report.writers.len(), 2, "the first chain had its time: {report:?}");
        // The record of the deletion goes, too; what it said of chains that are gone nobody asks for any more.
        stage.pass(30);
        stage.run(1).await;
        stage.pass(30);
        stage.run(1).await;
        assert_eq!(stage.verify().faults, []);
    }
}

#[tokio::test]
async fn a_chain_whose_beginning_retention_took_holds_and_one_whose_beginning_somebody_took_does_not() {
    let mut stage = Stage::new();
    stage.conf.file.segment_size = Size(600);
    let audit = stage.open();
    for _ in 0..6 {
        audit.change(call(stage.clock.now())).await.unwrap();
    }
    stage.pass(8);
    for _ in 0..6 {
        audit.change(call(stage.clock.now())).await.unwrap();
    }
    audit.close();
    let report = stage.verify();
    assert_eq!(report.faults, []);
    assert!(report.writers[0].first > 1, "{report:?}");
    let oldest = list(&stage.folder()).unwrap().writers.into_values().next().unwrap().remove(0);
    std::fs::remove_file(oldest.path).unwrap();
    let faults = stage.verify().faults;
    assert!(
        faults.len() == 1 && faults[0].what.contains("no checkpoint covers that retention"),
        "{faults:?}"
    );
}

#[tokio::test]
async fn a_damaged_segment_is_kept_beyond_its_time() {
    let stage = Stage::new();
    stage.run(2).await;
    let path = list(&stage.folder()).unwrap().writers.into_values().next().unwrap().remove(0).path;
    let mut text = std::fs::read(&path).unwrap();
    text[100] ^= 1;
    std::fs::write(&path, text).unwrap();
    stage.pass(400);
    stage.run(1).await;
    assert!(path.exists());
}

#[tokio::test]
async fn nothing_of_a_sealed_segment_is_in_the_clear() {
    let mut stage = Stage::new();
    stage.conf.file.key_file = Some(stage.files.path().join("seal.key"));
    stage.run(2).await;
    let listing = list(&stage.folder()).unwrap();
    let segment = &listing.writers.values().next().unwrap()[0];
    let bytes = std::fs::read(&segment.path).unwrap();
    assert!(segment.sealed && !String::from_utf8_lossy(&bytes).contains("subscriptions"));
    let other = Secret::new([6; 32]);
    assert_eq!(
        Lines::open(segment, Some(&other)).err().unwrap().kind(),
        std::io::ErrorKind::PermissionDenied
    );
    assert_eq!(stage.verify().faults, []);
}

#[tokio::test]
async fn while_the_folder_takes_nothing_no_change_is_made_or_confirmed_and_nothing_is_lost() {
    let mut stage = Stage::new();
    // Each record ends its segment, so that the next needs a new file.
    stage.conf.file.segment_size = Size(1);
    let audit = stage.open();
    audit.change(call(stage.clock.now())).await.unwrap();
    let aside = stage.files.path().join("aside");
    std::fs::rename(stage.folder(), &aside).unwrap();
    let refused = loop {
        // The first may find a segment that is open still.
        if let Err(error) = audit.change(call(stage.clock.now())).await {
            break error;
        }
    };
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert_eq!(audit.may_change().unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(stage.metrics.audit_sink_up.with_label_values(&["file"]).get(), 0);
    std::fs::rename(&aside, stage.folder()).unwrap();
    while audit.may_change().is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    audit.change(call(stage.clock.now())).await.unwrap();
    audit.close();
    assert_eq!(stage.verify().faults, []);
}

#[test]
fn a_sink_or_a_key_that_cannot_be_opened_ends_the_start() {
    let stage = Stage::new();
    let parts = || Parts {
        clock: Arc::clone(&stage.clock) as Arc<dyn Clock>,
        ids: Arc::new(Random),
        metrics: Arc::clone(&stage.metrics),
    };
    let begin = || Event::new("process.start", Timestamp(0));
    let none = || Some(PathBuf::from("/none/key"));
    let mut conf = stage.conf.clone();
    conf.signing_key_file = none();
    assert!(Audit::open(&conf, parts(), begin()).is_err());
    let mut conf = stage.conf.clone();
    conf.file.key_file = none();
    assert!(Audit::open(&conf, parts(), begin()).is_err());
    let mut conf = stage.conf.clone();
    conf.redaction_key_file = none();
    assert!(Audit::open(&conf, parts(), begin()).is_err());
    let mut conf = stage.conf.clone();
    conf.file.directory = stage.files.path().join("sign.key/audit");
    assert!(Audit::open(&conf, parts(), begin()).is_err());
}

#[test]
fn a_reading_is_a_chain_of_its_own_that_the_next_checkpoint_covers() {
    let stage = Stage::new();
    let audit = stage.open();
    audit.close();
    append(&stage.folder(), None, "0123456789abcdef", Event::new("audit.read", stage.clock.now())).unwrap();
    let report = stage.verify();
    assert_eq!(report.faults, []);
    let reading = report.writers.iter().find(|chain| chain.writer.starts_with("cli-")).unwrap();
    assert_eq!((reading.last, reading.signed), (1, 0));
    stage.open().close();
    assert_eq!(stage.verify().faults, []);
    let path = list(&stage.folder()).unwrap().writers[&reading.writer][0].path.clone();
    std::fs::remove_file(path).unwrap();
    let faults = stage.verify().faults;
    assert!(faults.len() == 1 && faults[0].writer == reading.writer, "{faults:?}");
}

#[test]
fn a_log_without_sinks_takes_nothing_and_refuses_nothing() {
    let stage = Stage::new();
    let parts = Parts {
        clock: Arc::clone(&stage.clock) as Arc<dyn Clock>,
        ids: Arc::new(Random),
        metrics: Arc::clone(&stage.metrics),
    };
    let conf = Conf { sinks: Vec::new(), ..stage.conf.clone() };
    let audit = Audit::open(&conf, parts, Event::new("process.start", Timestamp(0))).unwrap();
    assert!(!audit.is_on() && audit.may_change().is_ok());
    audit.close();
}
