//! Buckets as a file lists them: in the order of their entries, each with its depth, so that the list is a tree.

use farechain_core::digest::Digest;
use farechain_core::state_map;

use super::bytes::{self, ENTRY_BYTES, Reader};
use super::entry::Entry;
use super::hashing;

/// Depth, entries, CRC and hash.
pub(super) const STORED_BYTES: usize = 2 + 2 + 4 + 32;

/// Neighbouring entries that are read and hashed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// Bits in which all its keys agree, and in which they differ from those of all other buckets.
    pub depth: u16,
    pub entries: u16,
    /// CRC-32C of the entries.
    pub crc: u32,
    /// The root of the entries; zeros where there are none.
    pub hash: Digest,
}

impl Stored {
    /// The bucket of some entries, whose hashes are known.
    fn of(depth: u16, entries: &[Entry], leaves: &[Digest]) -> Stored {
        let hash = if entries.is_empty() { [0; 32] } else { state_map::root_of(entries, leaves) };
        Stored { depth, entries: entries.len() as u16, crc: crc_of(entries), hash }
    }

    /// Its hash; `None` where it has no entries.
    pub(super) fn hash(&self) -> Option<Digest> {
        (self.entries > 0).then_some(self.hash)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.depth.to_be_bytes());
        out.extend_from_slice(&self.entries.to_be_bytes());
        out.extend_from_slice(&self.crc.to_be_bytes());
        out.extend_from_slice(&self.hash);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Stored> {
        Some(Stored { depth: reader.u16()?, entries: reader.u16()?, crc: reader.u32()?, hash: reader.array()? })
    }
}

/// The bytes of a list.
pub(super) fn to_bytes(list: &[Stored]) -> Vec<u8> {
    let mut out = Vec::with_capacity(list.len() * STORED_BYTES);
    list.iter().for_each(|bucket| bucket.put(&mut out));
    out
}

/// The CRC-32C of entries as a file has them.
pub(super) fn crc_of(entries: &[Entry]) -> u32 {
    let mut written = Vec::with_capacity(entries.len() * ENTRY_BYTES);
    entries.iter().for_each(|entry| bytes::put(entry, &mut written));
    crc32c::crc32c(&written)
}

/// How many buckets at the front of a list are the part of the tree at `depth`; `None` where they are none.
pub(super) fn part_at(depth: u16, list: &[Stored]) -> Option<usize> {
    let first = list.first().filter(|first| first.depth >= depth)?;
    if first.depth == depth {
        return Some(1);
    }
    let left = part_at(depth + 1, list)?;
    Some(left + part_at(depth + 1, &list[left..])?)
}

/// The entries of some buckets.
pub(super) fn total(list: &[Stored]) -> u32 {
    list.iter().map(|bucket| u32::from(bucket.entries)).sum()
}

/// Cuts entries, whose keys agree before `depth`, into buckets of at most `limit`.
pub(super) fn cut(depth: u16, entries: &[Entry], limit: usize, out: &mut Vec<Stored>) {
    cut_hashed(depth, entries, &hashing::leaves(entries), limit, out);
}

fn cut_hashed(depth: u16, entries: &[Entry], leaves: &[Digest], limit: usize, out: &mut Vec<Stored>) {
    if entries.len() <= limit {
        out.push(Stored::of(depth, entries, leaves));
        return;
    }
    let middle = parted(entries, depth);
    cut_hashed(depth + 1, &entries[..middle], &leaves[..middle], limit, out);
    cut_hashed(depth + 1, &entries[middle..], &leaves[middle..], limit, out);
}

/// A bit, by a depth that is below 256 wherever two keys are to be told apart.
pub(super) fn bit(key: &Digest, depth: u16) -> bool {
    state_map::bit(key, depth as u8)
}

/// Where the entries with a 1 at `depth` begin.
pub(super) fn parted(entries: &[Entry], depth: u16) -> usize {
    entries.partition_point(|(key, _)| !bit(key, depth))
}

/// The hash of two parts that the bit at `depth` tells apart.
pub(super) fn joined(depth: u16, left: Option<Digest>, right: Option<Digest>) -> Option<Digest> {
    match (left, right) {
        (Some(left), Some(right)) => Some(state_map::node(depth as u8, &left, &right)),
        (one, other) => one.or(other),
    }
}

/// The entries of a bucket's bytes, if they are as they were written.
pub(super) fn entries_of(bytes: &[u8], bucket: &Stored) -> Option<Vec<Entry>> {
    (crc32c::crc32c(bytes) == bucket.crc).then(|| bytes::entries(bytes).collect())
}
