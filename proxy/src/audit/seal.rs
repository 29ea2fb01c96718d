//! Encryption of a segment: frames that are each complete, so that whatever was written before a crash can be read.
//!
//! A segment is a first line in the clear (JSON: form, id of the key, salt) and frames: the length of what follows in four
//! bytes, big-endian, then AES-256-GCM of some lines. The key of a segment comes from the installation's key, the salt and
//! the name of the segment (HKDF-SHA256), so a frame's number can be its nonce; the first line is authenticated with each frame.

use super::keys::{SECRET, Secret};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::io::{self, BufRead, Error, ErrorKind, Read};

/// The form of a sealed segment.
const FORMAT: &str = "netweave-audit-sealed/1";
/// Longest first line.
const MAX_HEADER: u64 = 1024;
/// Largest frame; a batch of the writer is far below.
const MAX_FRAME: usize = 16 << 20;
/// Bytes of a frame's length.
const LENGTH: usize = 4;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    key: String,
    salt: String,
}

/// Seals or opens the frames of one segment, one after the other.
pub struct Seal {
    key: LessSafeKey,
    header: Vec<u8>,
    frame: u64,
}

impl Seal {
    /// Begins a segment.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn begin(secret: &Secret, name: &str) -> io::Result<Self> {
        let mut salt = [0; SECRET];
        rand::fill(&mut salt).map_err(|error| Error::other(format!("no salt: {error}")))?;
        let header = Header { format: FORMAT.to_owned(), key: secret.id(), salt: STANDARD.encode(salt) };
        let mut line = serde_json::to_vec(&header)?;
        line.push(b'\n');
        Self::derive(secret, &salt, name, line)
    }

    /// Reads the first line of a segment.
    ///
    /// # Errors
    /// `InvalidData`: it is no sealed segment. `PermissionDenied`: it was sealed with another key.
    pub fn open(secret: &Secret, name: &str, input: &mut impl BufRead) -> io::Result<Self> {
        let damaged = |what: String| Error::new(ErrorKind::InvalidData, what);
        let mut line = Vec::new();
        input.take(MAX_HEADER).read_until(b'\n', &mut line)?;
        let header: Header = serde_json::from_slice(&line)
            .map_err(|error| damaged(format!("it is no sealed segment: {error}")))?;
        let salt =
            STANDARD.decode(&header.salt).map_err(|error| damaged(format!("it has no salt: {error}")))?;
        if header.format != FORMAT {
            return Err(damaged(format!("the form {} is not known", header.format)));
        }
        if header.key != secret.id() {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                format!("it is sealed with the key {}", header.key),
            ));
        }
        Self::derive(secret, &salt, name, line)
    }

    fn derive(secret: &Secret, salt: &[u8], name: &str, header: Vec<u8>) -> io::Result<Self> {
        let unusable = |_| Error::other("the key cannot be used");
        let info = [FORMAT.as_bytes(), b"\n", name.as_bytes()];
        let extracted = Salt::new(HKDF_SHA256, salt).extract(secret.bytes());
        let expanded = extracted.expand(&info, &AES_256_GCM).map_err(unusable)?;
        Ok(Self { key: LessSafeKey::new(UnboundKey::from(expanded)), header, frame: 0 })
    }

    /// Returns the first line.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Returns the frame of some lines. Called again before [`Seal::written`], it gives the same frame's number again.
    ///
    /// # Errors
    /// They are too many.
    pub fn seal(&self, lines: &[u8]) -> io::Result<Vec<u8>> {
        let mut sealed = lines.to_vec();
        let sealing = self.key.seal_in_place_append_tag(self.nonce(), Aad::from(&self.header), &mut sealed);
        sealing.map_err(|error| Error::other(format!("a frame cannot be sealed: {error}")))?;
        let length = u32::try_from(sealed.len()).map_err(Error::other)?;
        let mut frame = length.to_be_bytes().to_vec();
        frame.extend(sealed);
        Ok(frame)
    }

    /// Goes on to the next frame.
    pub fn written(&mut self) {
        self.frame += 1;
    }

    /// Reads the next frame's lines; `None` at the end, also if the last frame is not complete.
    ///
    /// # Errors
    /// `InvalidData`: the frame is not what was sealed.
    pub fn next(&mut self, input: &mut impl Read) -> io::Result<Frame> {
        let damaged = |why: &dyn Display| {
            Error::new(ErrorKind::InvalidData, format!("a frame is not what was sealed: {why}"))
        };
        let mut length = [0; LENGTH];
        let got = fill(input, &mut length)?;
        if got < LENGTH {
            return Ok(if got == 0 { Frame::End } else { Frame::Torn });
        }
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(Error::other)?;
        if !(MAX_TAG_LEN..=MAX_FRAME).contains(&length) {
            return Err(damaged(&"its length cannot be"));
        }
        let mut sealed = vec![0; length];
        if fill(input, &mut sealed)? < length {
            return Ok(Frame::Torn);
        }
        let opened = self.key.open_in_place(self.nonce(), Aad::from(&self.header), &mut sealed);
        let length = opened.map_err(|error| damaged(&error))?.len();
        sealed.truncate(length);
        self.frame += 1;
        Ok(Frame::Lines(sealed))
    }

    fn nonce(&self) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        for (place, byte) in nonce.iter_mut().skip(NONCE_LEN - size_of::<u64>()).zip(self.frame.to_be_bytes())
        {
            *place = byte;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

/// What is found where a frame should be.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// Lines, each with its end.
    Lines(Vec<u8>),
    /// Nothing more.
    End,
    /// The beginning of a frame that was never completed.
    Torn,
}

/// Reads until the buffer is full or the input ends; returns how much was read.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> Secret {
        Secret::new([byte; SECRET])
    }

    fn sealed() -> Vec<u8> {
        let mut seal = Seal::begin(&secret(1), "w.1").unwrap();
        let mut file = seal.header().to_vec();
        for lines in ["CANARY one\n", "CANARY two\n"] {
            file.extend(seal.seal(lines.as_bytes()).unwrap());
            seal.written();
        }
        file
    }

    fn opened(mut file: &[u8]) -> io::Result<(Vec<String>, Frame)> {
        let mut seal = Seal::open(&secret(1), "w.1", &mut file)?;
        let mut all = Vec::new();
        loop {
            match seal.next(&mut file)? {
                Frame::Lines(lines) => all.push(String::from_utf8(lines).unwrap()),
                end @ (Frame::End | Frame::Torn) => return Ok((all, end)),
            }
        }
    }

    #[test]
    fn frames_are_read_back_and_nothing_of_them_is_in_the_clear() {
        let file = sealed();
        assert!(!String::from_utf8_lossy(&file).contains("CANARY"));
        assert_eq!(
            opened(&file).unwrap(),
            (vec!["CANARY one\n".to_owned(), "CANARY two\n".to_owned()], Frame::End)
        );
    }

    #[test]
    fn a_file_that_was_cut_anywhere_gives_all_its_complete_frames() {
        let file = sealed();
        let header = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let second = header + LENGTH + "CANARY one\n".len() + MAX_TAG_LEN;
        for end in header..file.len() {
            let (frames, last) = opened(&file[..end]).unwrap();
            assert_eq!(frames.len(), usize::from(end >= second), "cut at {end}");
            assert_eq!(
                last,
                if end == header || end == second { Frame::End } else { Frame::Torn },
                "cut at {end}"
            );
        }
    }

    #[test]
    fn no_bit_of_a_frame_can_be_flipped_unseen() {
        let file = sealed();
        for at in 0..file.len() {
            let mut flipped = file.clone();
            flipped[at] ^= 1;
            let read = opened(&flipped);
            assert!(
                read.is_err() || read.is_ok_and(|(frames, end)| frames.len() < 2 && end == Frame::Torn),
                "byte {at}"
            );
        }
    }

    #[test]
    fn another_key_and_another_segments_name_open_nothing() {
        let file = sealed();
        let other = Seal::open(&secret(2), "w.1", &mut file.as_slice()).err().unwrap();
        assert_eq!(other.kind(), ErrorKind::PermissionDenied);
        let mut rest = file.as_slice();
        let mut renamed = Seal::open(&secret(1), "w.2", &mut rest).unwrap();
        assert!(renamed.next(&mut rest).is_err());
    }
}
