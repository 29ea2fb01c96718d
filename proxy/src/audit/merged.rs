//! All records of a folder in the order of their times, whatever chain they are of.

use super::archive::{Lines, Listing, Segment};
use super::chain;
use super::keys::Secret;
use super::record::Record;
use std::collections::VecDeque;
use std::io;

/// A record with its line.
#[derive(Debug)]
pub struct Entry {
    /// The line, as it was written.
    pub line: Vec<u8>,
    /// What it says.
    pub record: Record<'static>,
}

/// The records of a folder; those of one chain keep their order.
pub struct Merged<'a> {
    chains: Vec<Chain<'a>>,
    /// Lines and segments that could not be read.
    damaged: u64,
}

struct Chain<'a> {
    segments: VecDeque<Segment>,
    secret: Option<&'a Secret>,
    open: Option<Lines>,
    next: Option<Entry>,
}

impl<'a> Merged<'a> {
    /// Begins with the first records of all chains.
    ///
    /// # Errors
    /// A segment cannot be read; `PermissionDenied`: it is encrypted, and the key is not at hand.
    pub fn new(listing: Listing, secret: Option<&'a Secret>) -> io::Result<Self> {
        let mut merged = Self { chains: Vec::new(), damaged: 0 };
        for segments in listing.writers.into_values() {
            let mut chain = Chain { segments: segments.into(), secret, open: None, next: None };
            chain.advance(&mut merged.damaged)?;
            merged.chains.push(chain);
        }
        Ok(merged)
    }

    /// Returns how many lines and segments could not be read so far; `audit verify` says which.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    fn earliest(&mut self) -> io::Result<Option<Entry>> {
        let earliest = self.chains.iter_mut().filter(|chain| chain.next.is_some());
        let earliest = earliest.min_by(|a, b| time(a).cmp(&time(b)));
        let Some(chain) = earliest else { return Ok(None) };
        let entry = chain.next.take();
        chain.advance(&mut self.damaged)?;
        Ok(entry)
    }
}

fn time<'a>(chain: &'a Chain<'_>) -> Option<&'a str> {
    chain.next.as_ref().map(|entry| entry.record.time.as_ref())
}

impl Chain<'_> {
    fn advance(&mut self, damaged: &mut u64) -> io::Result<()> {
        loop {
            let Some(lines) = &mut self.open else {
                let Some(segment) = self.segments.pop_front() else { return Ok(()) };
                match Lines::open(&segment, self.secret) {
                    Ok(lines) => self.open = Some(lines),
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => *damaged += 1,
                    Err(error) => return Err(error),
                }
                continue;
            };
            match lines.next() {
                None => self.open = None,
                Some(Ok(line)) => match chain::read(&line) {
                    Ok((_, record)) => {
                        self.next = Some(Entry { line, record });
                        return Ok(());
                    }
                    Err(_) => *damaged += 1,
                },
                // Behind a damaged frame nothing of the segment can be found.
                Some(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                    *damaged += 1;
                    self.open = None;
                }
                Some(Err(error)) => return Err(error),
            }
        }
    }
}

impl Iterator for Merged<'_> {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.earliest().transpose()
    }
}
