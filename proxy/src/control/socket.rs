//! A Unix socket that is open to the gateway's own user alone, and whose file goes with the process.

use netweave_model::{Error, ErrorKind, Result};
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind as Io};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The key of the configuration that names it.
const KEY: &str = "ops.control";
/// Who may read and write it.
const MODE: u32 = 0o600;

/// The file of a socket; it is removed when this is dropped, unless another one has taken its place.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    /// Device and number, by which the file is known to be this one.
    id: (u64, u64),
}

impl Drop for File {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.id) {
            // Whoever comes next replaces a file that nobody answers on.
            fs::remove_file(&self.path).ok();
        }
    }
}

/// Listens on a socket; `replace` takes the place of one that somebody answers on.
///
/// The file appears with its mode, by a change of its name. What is at `path` already is replaced if it is a socket on which
/// nobody answers.
///
/// # Errors
/// `Conflict`: somebody answers there. `Invalid`: something else is there, or the file cannot be made.
pub fn listen(path: &Path, replace: bool) -> Result<(UnixListener, File)> {
    if !replace {
        is_free(path)?;
    }
    let refused =
        |error: io::Error| Error::invalid(KEY, format!("{}: {error}", path.display())).with_source(error);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let fresh = PathBuf::from(name);
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != Io::NotFound => return Err(refused(error)),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&fresh).map_err(refused)?;
    let found = fs::symlink_metadata(&fresh).map_err(refused)?;
    let mut file = File { path: fresh.clone(), id: (found.dev(), found.ino()) };
    fs::set_permissions(&fresh, Permissions::from_mode(MODE)).map_err(refused)?;
    fs::rename(&fresh, path).map_err(refused)?;
    path.clone_into(&mut file.path);
    listener.set_nonblocking(true).map_err(refused)?;
    Ok((listener, file))
}

fn is_free(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            let reason = format!("{} is no socket, so it is left alone", path.display());
            Err(Error::invalid(KEY, reason))
        }
        Ok(_) if answers(path) => {
            let reason = format!("another gateway answers on {}", path.display());
            Err(Error::new(ErrorKind::Conflict, "the control socket is taken").with_private(reason))
        }
        // What cannot be looked at cannot be bound either, and that says why.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Says whether somebody answers on a socket.
pub fn answers(path: &Path) -> bool {
    UnixStream::connect(path).is_ok()
}

/// Says whether a user may ask: the gateway's own, and root.
pub fn may_ask(user: u32) -> bool {
    user == rustix::process::geteuid().as_raw() || user == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        (folder, path)
    }

    #[test]
    fn the_file_is_private_and_goes_with_its_owner() {
        let (_folder, path) = place();
        let (_listener, file) = listen(&path, false).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, MODE);
        assert!(answers(&path));
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_is_taken_over_only_if_nobody_answers_on_it() {
        let (_folder, path) = place();
        let (first, file) = listen(&path, false).unwrap();
        assert_eq!(listen(&path, false).unwrap_err().kind(), ErrorKind::Conflict);
        drop(first);
        let (_second, _new) = listen(&path, false).unwrap();
        drop(file);
        assert!(answers(&path), "the file of the second one is not the first one's to remove");
    }

    #[test]
    fn a_socket_that_is_in_use_is_replaced_when_that_is_asked_for() {
        let (_folder, path) = place();
        let (_old, old) = listen(&path, false).unwrap();
        let (_new, _file) = listen(&path, true).unwrap();
        drop(old);
        assert!(answers(&path));
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let (_folder, path) = place();
        fs::write(&path, "precious").unwrap();
        assert_eq!(listen(&path, false).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }
}
