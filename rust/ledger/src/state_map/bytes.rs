//! Fixed layouts of the map's files: integers big-endian, entries as key, value and place.

use std::path::Path;

use super::entry::{Entry, Held};
use crate::error::LedgerError;

/// Bytes of an entry.
pub(super) const ENTRY_BYTES: usize = 72;

/// The entries of some bytes.
pub(super) fn entries(bytes: &[u8]) -> impl Iterator<Item = Entry> {
    bytes.as_chunks::<ENTRY_BYTES>().0.iter().map_while(|entry| {
        let mut reader = Reader(entry);
        Some((reader.array()?, Held { hash: reader.array()?, place: reader.u64()? }))
    })
}

/// Appends an entry.
pub(super) fn put((key, held): &Entry, out: &mut Vec<u8>) {
    out.extend_from_slice(key);
    out.extend_from_slice(&held.hash);
    out.extend_from_slice(&held.place.to_be_bytes());
}

/// Takes integers and digests off the front of some bytes.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (part, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*part)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (part, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(part)
    }
}

/// A file is not as it was written. It is derived, so whoever opens the map makes it again.
pub(super) fn damaged(path: &Path, what: &str) -> LedgerError {
    LedgerError::Corrupt(format!("{}: {what}; the map of state is made again when it is next opened", path.display()))
}
