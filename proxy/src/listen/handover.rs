//! Gives the listening sockets to a new process of the gateway, so that no connection is refused in between.
//!
//! The new process waits on a socket beside the control socket (`NAME.next`). The old one connects and sends one message: the
//! addresses as a line of JSON, with the descriptors in that order. The new one answers with one byte once it accepts; then
//! the old one stops accepting and drains. Without that answer the old one goes on as before.

use super::stop::{Ask, StopHandle};
use crate::control::socket::{self, File};
use netweave_model::{Error, ErrorKind, Result};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::{info, warn};

/// Most listeners: those that the configuration may name, and the one of operations.
const MOST: usize = 17;
/// Longest line of addresses.
const LINE: usize = 2048;
/// How long the new process may take until it accepts; it reads its inventory before.
const PATIENCE: Duration = Duration::from_mins(1);
/// Says that the new process accepts.
const SERVING: u8 = b'+';

/// Copies of the listeners, until they are closed.
#[derive(Debug)]
pub struct Sockets(Mutex<Vec<TcpListener>>);

impl Sockets {
    /// Copies listeners.
    ///
    /// # Errors
    /// `Internal`: there are no descriptors left.
    pub(crate) fn copy<'a>(listeners: impl Iterator<Item = &'a TcpListener>) -> Result<Self> {
        let copies = listeners.map(TcpListener::try_clone).collect::<io::Result<_>>();
        let lost = |error| Error::internal("a listener cannot be copied").with_source(error);
        Ok(Self(Mutex::new(copies.map_err(lost)?)))
    }

    /// Closes the copies; the listeners themselves close with whoever accepts on them.
    pub(crate) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn send(&self, stream: &UnixStream) -> io::Result<()> {
        let listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let addresses = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
        let line = serde_json::to_vec(&addresses)?;
        let descriptors: Vec<BorrowedFd<'_>> = listeners.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if listeners.is_empty() || !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(io::Error::other("there is nothing to hand over"));
        }
        let sent = sendmsg(stream, &[IoSlice::new(&line)], &mut ancillary, SendFlags::NOSIGNAL)?;
        if sent == line.len() { Ok(()) } else { Err(io::Error::other("the message was cut")) }
    }
}

/// Where the new process waits.
fn beside(control: &Path) -> PathBuf {
    let mut name = control.as_os_str().to_owned();
    name.push(".next");
    name.into()
}

/// Gives the sockets to the process that waits for them, on a thread of its own, and asks to leave once that one serves.
pub(crate) fn give(control: Option<&Path>, sockets: &Arc<Sockets>, handle: &StopHandle) {
    let Some(control) = control else {
        return warn!("the sockets cannot be handed over: `ops.control` is not set");
    };
    let (place, sockets, handle) = (beside(control), Arc::clone(sockets), handle.clone());
    tokio::task::spawn_blocking(move || {
        give_now(&place, &sockets).map_or_else(|error| kept(&error), |()| leave(&handle));
    });
}

fn leave(handle: &StopHandle) {
    info!("another process serves on the sockets");
    handle.ask(Ask::Leave);
}

fn kept(error: &io::Error) {
    warn!(%error, "the sockets were not handed over; this process goes on");
}

fn give_now(place: &Path, sockets: &Sockets) -> io::Result<()> {
    let mut stream = UnixStream::connect(place)?;
    if !may_have(&stream) {
        return Err(io::Error::other("the process that waits is another user's"));
    }
    sockets.send(&stream)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    if answer == [SERVING] {
        Ok(())
    } else {
        Err(io::Error::other("the answer is not the one that was expected"))
    }
}

fn may_have(stream: &UnixStream) -> bool {
    rustix::net::sockopt::socket_peercred(stream).is_ok_and(|peer| socket::may_ask(peer.uid.as_raw()))
}

/// Listeners of another process, each by its address.
#[derive(Debug, Default)]
pub struct Inherited(Vec<(SocketAddr, TcpListener)>);

impl Inherited {
    /// Says whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the listener of an address, once.
    pub(crate) fn take(&mut self, address: SocketAddr) -> Option<TcpListener> {
        let place = self.0.iter().position(|(own, _)| *own == address)?;
        Some(self.0.swap_remove(place).1)
    }
}

/// The new process, waiting for the old one.
#[derive(Debug)]
pub struct Waiting {
    listener: UnixListener,
    _file: File,
}

/// The old process, which waits for the new one to serve.
#[derive(Debug)]
pub struct Giver(UnixStream);

impl Waiting {
    /// Waits beside the control socket.
    ///
    /// # Errors
    /// `Conflict`: another process waits there. `Invalid`: the socket cannot be made.
    pub fn beside(control: &Path) -> Result<Self> {
        let (listener, file) = socket::listen(&beside(control), false)?;
        Ok(Self { listener, _file: file })
    }

    /// Takes the listeners that the old process gives.
    ///
    /// # Errors
    /// `Timeout`, `Unavailable`: it gave none.
    pub async fn take(self) -> Result<(Inherited, Giver)> {
        let failed = |error: io::Error| {
            Error::new(ErrorKind::Unavailable, "the sockets were not handed over").with_source(error)
        };
        let listener = tokio::net::UnixListener::from_std(self.listener).map_err(failed)?;
        let accepted = tokio::time::timeout(PATIENCE, listener.accept()).await;
        let late = || Error::new(ErrorKind::Timeout, "the running gateway did not hand its sockets over");
        let (stream, _) = accepted.map_err(|error| late().with_source(error))?.map_err(failed)?;
        let stream = stream.into_std().map_err(failed)?;
        if !may_have(&stream) {
            return Err(failed(io::Error::other("the process that gives is another user's")));
        }
        stream.set_nonblocking(false).map_err(failed)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        let inherited = receive(&stream).map_err(failed)?;
        Ok((inherited, Giver(stream)))
    }
}

impl Giver {
    /// Tells the old process that this one accepts.
    ///
    /// # Errors
    /// `Unavailable`: it is gone, or has waited too long and goes on.
    pub fn serving(mut self) -> Result<()> {
        let gone =
            |error| Error::new(ErrorKind::Unavailable, "the old process does not listen").with_source(error);
        self.0.write_all(&[SERVING]).map_err(gone)
    }
}

fn receive(stream: &UnixStream) -> io::Result<Inherited> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut line = vec![0; LINE];
    let received =
        recvmsg(stream, &mut [IoSliceMut::new(&mut line)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let mut descriptors: Vec<OwnedFd> = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(some) = message {
            descriptors.extend(some);
        }
    }
    let addresses: Vec<SocketAddr> = serde_json::from_slice(line.get(..received.bytes).unwrap_or_default())?;
    if addresses.is_empty() || addresses.len() != descriptors.len() {
        return Err(io::Error::other("not every address came with its socket"));
    }
    let listeners = descriptors.into_iter().map(TcpListener::from);
    let inherited: Vec<_> = addresses.into_iter().zip(listeners).collect();
    for (address, listener) in &inherited {
        if listener.local_addr()? != *address {
            return Err(io::Error::other("a socket is not of the address that it came with"));
        }
    }
    Ok(Inherited(inherited))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[tokio::test]
    async fn a_connection_that_waits_is_accepted_by_the_process_that_took_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let control = folder.path().join("control");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let sockets = Sockets::copy([&listener].into_iter()).unwrap();
        let waiting = Waiting::beside(&control).unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        let place = beside(&control);
        let giving = std::thread::spawn(move || give_now(&place, &sockets));
        let (mut inherited, giver) = waiting.take().await.unwrap();
        drop(listener);
        assert!(inherited.take("127.0.0.1:1".parse().unwrap()).is_none());
        let taken = inherited.take(address).unwrap();
        assert!(inherited.is_empty());
        giver.serving().unwrap();
        giving.join().unwrap().unwrap();
        let (mut accepted, _) = taken.accept().unwrap();
        client.write_all(b"x").unwrap();
        let mut byte = [0];
        accepted.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
        assert!(!beside(&control).exists());
    }

    #[tokio::test]
    async fn a_new_process_that_ends_before_it_serves_takes_nothing_away() {
        let folder = tempfile::tempdir().unwrap();
        let control = folder.path().join("control");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sockets = Sockets::copy([&listener].into_iter()).unwrap();
        let waiting = Waiting::beside(&control).unwrap();
        let place = beside(&control);
        let giving = std::thread::spawn(move || give_now(&place, &sockets));
        drop(waiting.take().await.unwrap());
        assert!(giving.join().unwrap().is_err());
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert_eq!(listener.accept().unwrap().1, client.local_addr().unwrap());
    }
}
