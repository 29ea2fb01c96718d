//! Ports of this machine that no other test takes meanwhile.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which the system serves port 0 and outgoing connections (32768 on Linux).
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// A port that stays reserved, also against other processes of the tests, until it is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// Reserves a free port: it is locked by a file, and nothing listens on it.
    pub fn reserve() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let width = RANGE.end - RANGE.start;
        let seed = u16::try_from(std::process::id() % u32::from(width)).unwrap_or_default();
        let folder = std::env::temp_dir().join("netweave-test-ports");
        std::fs::create_dir_all(&folder).expect("the folder of port locks");
        (0..width)
            .map(|_| {
                RANGE.start
                    + (seed.wrapping_mul(37).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed))) % width
            })
            .find_map(|number| {
                let lock = File::create(folder.join(number.to_string())).ok()?;
                lock.try_lock().ok()?;
                TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
                Some(Self { number, _lock: lock })
            })
            .expect("a free port")
    }

    /// Returns the number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Returns the address on loopback.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}
