//! A disk that forgets what was not synced when its power is cut, as a layer under the embedded store.

use netweave_tests::harness::Dice;
use redb::StorageBackend;
use std::io;
use std::sync::{Arc, Mutex};

/// What a disk writes at once.
const SECTOR: usize = 512;

/// A disk in memory; clones are the same disk.
#[derive(Clone, Debug)]
pub(crate) struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug)]
struct Platter {
    /// What survives.
    durable: Vec<u8>,
    /// What the system sees.
    current: Vec<u8>,
    unsynced: Vec<Write>,
    /// Writes and syncs until the power goes.
    fuse: u64,
}

#[derive(Debug)]
enum Write {
    Bytes { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl Disk {
    /// Starts a blank disk whose power goes after so many writes and syncs.
    pub(crate) fn new(fuse: u64) -> Self {
        Self::with(Vec::new(), fuse)
    }

    fn with(content: Vec<u8>, fuse: u64) -> Self {
        let platter = Platter { durable: content.clone(), current: content, unsynced: Vec::new(), fuse };
        Self(Arc::new(Mutex::new(platter)))
    }

    /// What is found after the power came back: what was synced, and any sectors of what was not.
    pub(crate) fn after_power_cut(&self, dice: &mut Dice, fuse: u64) -> Self {
        let platter = self.0.lock().unwrap();
        let mut found = platter.durable.clone();
        let kept = dice.roll(4);
        for write in &platter.unsynced {
            match write {
                Write::Length(length) if dice.roll(3) < kept => found.resize(*length, 0),
                Write::Length(_) => {}
                Write::Bytes { offset, bytes } => {
                    for (n, sector) in bytes.chunks(SECTOR).enumerate() {
                        if dice.roll(3) < kept {
                            put(&mut found, offset + n * SECTOR, sector);
                        }
                    }
                }
            }
        }
        Self::with(found, fuse)
    }

    fn change(&self, change: impl FnOnce(&mut Platter)) -> io::Result<()> {
        let mut platter = self.0.lock().unwrap();
        if platter.fuse == 0 {
            return Err(io::Error::other("the power is off"));
        }
        platter.fuse -= 1;
        if platter.fuse > 0 {
            change(&mut platter);
            return Ok(());
        }
        Err(io::Error::other("the power went off"))
    }
}

fn put(disk: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if disk.len() < end {
        disk.resize(end, 0);
    }
    disk[offset..end].copy_from_slice(bytes);
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let platter = self.0.lock().unwrap();
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let bytes = platter.current.get(offset..offset + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let length = usize::try_from(len).map_err(io::Error::other)?;
        self.change(|platter| {
            platter.current.resize(length, 0);
            platter.unsynced.push(Write::Length(length));
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(|platter| {
            for write in std::mem::take(&mut platter.unsynced) {
                match write {
                    Write::Length(length) => platter.durable.resize(length, 0),
                    Write::Bytes { offset, bytes } => put(&mut platter.durable, offset, &bytes),
                }
            }
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        self.change(|platter| {
            put(&mut platter.current, offset, data);
            platter.unsynced.push(Write::Bytes { offset, bytes: data.to_vec() });
        })
    }
}
