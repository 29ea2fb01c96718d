use super::*;
use futures::StreamExt;
use netweave_model::port::Change;
use std::path::{Path, PathBuf};
use std::time::Duration;

const HEAD: &str = "apiVersion: netweave-inventory/v1\nlocations:\n";

fn backend(path: &Path) -> File {
    File::open(&Conf { name: "lab".to_owned(), path: path.to_owned() }, &Id::from("cloud")).unwrap()
}

fn text(keys: &[&str]) -> String {
    keys.iter().fold(HEAD.to_owned(), |text, key| text + &format!("  - {{key: {key}, address: x}}\n"))
}

fn id(key: &str) -> Id {
    Id::stable(&SourceName::from("lab"), Kind::Location, key)
}

fn rename_over(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, path).unwrap();
}

async fn next(stream: &mut Changes) -> Result<Change> {
    loop {
        let item = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.unwrap().unwrap();
        if item.as_ref().ok() != Some(&Change::Heartbeat) {
            return item;
        }
    }
}

/// Reads `Reset .. Synced` of the locations.
async fn baseline(stream: &mut Changes) -> usize {
    assert_eq!(next(stream).await.unwrap(), Change::Reset(Kind::Location));
    let mut count = 0;
    while next(stream).await.unwrap() != Change::Synced(Kind::Location) {
        count += 1;
    }
    count
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inventory.yaml");
    (folder, path)
}

#[tokio::test]
async fn lists_and_gets_what_the_file_says_now() {
    let (_folder, path) = place();
    std::fs::write(&path, text(&["a", "b"])).unwrap();
    let file = backend(&path);
    assert_eq!(file.list(Kind::Location).await.unwrap().objects.len(), 2);
    rename_over(&path, &text(&["a"]));
    assert_eq!(file.list(Kind::Location).await.unwrap().objects.len(), 1);
    let key = |key| ObjectKey { kind: Kind::Location, id: id(key) };
    assert!(file.get(&key("a")).await.is_ok());
    assert_eq!(file.get(&key("b")).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_was_forgotten_is_read_again_also_after_a_reader_gave_up() {
    let (_folder, path) = place();
    std::fs::write(&path, text(&["a", "b"])).unwrap();
    let file = backend(&path);
    file.list(Kind::Location).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    let impatient = tokio::time::timeout(Duration::from_millis(1), file.list(Kind::Location));
    assert!(impatient.await.is_err(), "it waits until the file has settled");
    file.probe().await.unwrap();
    assert_eq!(file.list(Kind::Location).await.unwrap().objects.len(), 2);
    assert_eq!(baseline(&mut file.changes(&[Kind::Location])).await, 2);
}

#[tokio::test]
async fn a_missing_folder_is_a_file_that_cannot_be_read_now() {
    let (folder, _) = place();
    let error = backend(&folder.path().join("none/inventory.yaml")).probe().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!error.public().contains('/'), "{}", error.public());
}

#[tokio::test]
async fn a_folder_in_place_of_the_file_and_a_giant_file_are_refused() {
    let (folder, path) = place();
    assert_eq!(backend(folder.path()).probe().await.unwrap_err().kind(), ErrorKind::Unavailable);
    std::fs::File::create(&path).unwrap().set_len(64 * 1024 * 1024 + 1).unwrap();
    let error = backend(&path).probe().await.unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[tokio::test]
async fn only_differences_follow_the_baseline() {
    let (_folder, path) = place();
    std::fs::write(&path, text(&["a", "b"])).unwrap();
    let mut stream = backend(&path).changes(&[Kind::Location]);
    assert_eq!(baseline(&mut stream).await, 2);
    rename_over(&path, &text(&["b", "c"]));
    let Change::Upsert(object) = next(&mut stream).await.unwrap() else { panic!() };
    assert_eq!(object.key.id, id("c"));
    let deleted = ObjectKey { kind: Kind::Location, id: id("a") };
    assert_eq!(next(&mut stream).await.unwrap(), Change::Delete(deleted));
}

#[tokio::test]
async fn a_write_in_place_of_the_same_size_is_seen() {
    let (_folder, path) = place();
    std::fs::write(&path, text(&["a"])).unwrap();
    let mut stream = backend(&path).changes(&[Kind::Location]);
    assert_eq!(baseline(&mut stream).await, 1);
    std::fs::write(&path, text(&["b"])).unwrap();
    let Change::Upsert(object) = next(&mut stream).await.unwrap() else { panic!() };
    assert_eq!(object.key.id, id("b"));
}

#[tokio::test]
async fn a_swapped_config_map_is_seen() {
    let (folder, _) = place();
    let version = |name: &str, keys: &[&str]| {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join("inventory.yaml"), text(keys)).unwrap();
        std::os::unix::fs::symlink(name, folder.path().join("..data_tmp")).unwrap();
        std::fs::rename(folder.path().join("..data_tmp"), folder.path().join("..data")).unwrap();
    };
    version("..1", &["a"]);
    let path = folder.path().join("inventory.yaml");
    std::os::unix::fs::symlink("..data/inventory.yaml", &path).unwrap();
    let mut stream = backend(&path).changes(&[Kind::Location]);
    assert_eq!(baseline(&mut stream).await, 1);
    version("..2", &["a", "b"]);
    let Change::Upsert(object) = next(&mut stream).await.unwrap() else { panic!() };
    assert_eq!(object.key.id, id("b"));
}

#[tokio::test]
async fn a_broken_file_is_an_error_item_and_nothing_is_deleted() {
    let (_folder, path) = place();
    std::fs::write(&path, text(&["a", "b"])).unwrap();
    let file = backend(&path);
    let mut stream = file.changes(&[Kind::Location]);
    assert_eq!(baseline(&mut stream).await, 2);
    rename_over(&path, "apiVersion: [\n");
    assert_eq!(next(&mut stream).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(file.list(Kind::Location).await.unwrap_err().kind(), ErrorKind::Unavailable);
    std::fs::remove_file(&path).unwrap();
    assert!(next(&mut stream).await.is_err());
    rename_over(&path, &text(&["a", "b"]));
    let mended = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.unwrap().unwrap();
    assert_eq!(mended.unwrap(), Change::Heartbeat);
}

#[tokio::test]
async fn a_file_that_appears_later_begins_with_a_baseline() {
    let (folder, _) = place();
    let path = folder.path().join("later/inventory.yaml");
    let mut stream = backend(&path).changes(&[Kind::Location]);
    assert!(next(&mut stream).await.is_err());
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text(&["a"])).unwrap();
    assert_eq!(baseline(&mut stream).await, 1);
}

#[tokio::test]
async fn kinds_that_were_not_asked_for_are_not_told() {
    let (_folder, path) = place();
    std::fs::write(&path, crate::sample()).unwrap();
    let mut stream = backend(&path).changes(&[Kind::OCloudSite]);
    assert_eq!(next(&mut stream).await.unwrap(), Change::Reset(Kind::OCloudSite));
    for _ in 0..3 {
        assert!(matches!(next(&mut stream).await.unwrap(), Change::Upsert(_)));
    }
    assert_eq!(next(&mut stream).await.unwrap(), Change::Synced(Kind::OCloudSite));
}

#[test]
fn a_path_without_a_file_name_is_refused() {
    let conf = Conf { name: "lab".to_owned(), path: "/".into() };
    let refused = File::open(&conf, &Id::from("cloud")).map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}
