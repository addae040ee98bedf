//! Some dozen buckets of a file and what came since, under one hash: what memory holds instead of each bucket's.
//!
//! For a change the list of the buckets is read, and the entries of those that it touches; the others have their hashes in
//! the list. A set has one root however it is cut, so that a bucket with more entries than it should have is no matter.

use std::sync::Arc;

use farechain_core::digest::Digest;
use farechain_core::state_map::{self, Step};

use super::base::{Base, Writer};
use super::entry::Entry;
use super::hashing;
use super::merge::merged;
use super::stored::{self, Stored, bit, cut, joined, part_at, parted, total};
use super::view::Shown;
use crate::error::LedgerError;

/// The group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub hash: Option<Digest>,
    /// How many keys it holds.
    pub total: u32,
    /// Where its entries begin in the file.
    first: u32,
    /// Where its buckets begin in the file's list, how many they are, and the CRC of their bytes.
    at: u32,
    buckets: u32,
    crc: u32,
    /// What came since the file was written.
    pub pending: Arc<[Entry]>,
}

/// A part of a file: neighbouring buckets that make a part of the tree, or none.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub base: &'a Base,
    pub list: &'a [Stored],
    pub at: u32,
    pub first: u32,
}

impl<'a> Part<'a> {
    /// Its two halves; `None` where it is one bucket or none, so that a bit does not tell its buckets apart.
    pub(super) fn halves(&self, depth: u16) -> Option<[Part<'a>; 2]> {
        self.list.first().filter(|first| first.depth > depth)?;
        let left = part_at(depth + 1, self.list)?;
        let (left, right) = self.list.split_at(left);
        let (at, first) = (self.at + left.len() as u32, self.first + total(left));
        Some([Part { list: left, ..*self }, Part { list: right, at, first, ..*self }])
    }

    /// A part without entries.
    pub(super) fn none(&self) -> Part<'a> {
        Part { list: &[], ..*self }
    }

    pub(super) fn entries(&self) -> Result<Vec<Entry>, LedgerError> {
        self.base.entries(self.first, self.list)
    }

    /// Whether it has no entries, with what is pending.
    fn is_empty(&self, pending: &[Entry]) -> bool {
        pending.is_empty() && total(self.list) == 0
    }

    /// Its hash and how many keys it holds, with what is pending.
    fn summed(&self, depth: u16, pending: &[Entry]) -> Result<(Option<Digest>, u32), LedgerError> {
        let mut rest = *self;
        rest.take_summed(depth, pending)
    }

    /// The same for the part at `depth` at the front of the list, which is taken off: each bucket is looked at once.
    fn take_summed(&mut self, depth: u16, pending: &[Entry]) -> Result<(Option<Digest>, u32), LedgerError> {
        if self.list.first().is_some_and(|first| first.depth > depth) {
            let (low, high) = pending.split_at(parted(pending, depth));
            let (low, few) = self.take_summed(depth + 1, low)?;
            let (high, more) = self.take_summed(depth + 1, high)?;
            return Ok((joined(depth, low, high), few + more));
        }
        let bucket = self.take_bucket();
        if pending.is_empty() {
            return Ok((bucket.list.first().and_then(Stored::hash), total(bucket.list)));
        }
        let all = merged(&bucket.entries()?, pending);
        Ok((Some(hashing::root(&all)), all.len() as u32))
    }

    /// Takes the first bucket off the list, if there is one.
    fn take_bucket(&mut self) -> Part<'a> {
        let (bucket, rest) = self.list.split_at(self.list.len().min(1));
        let taken = Part { list: bucket, ..*self };
        *self = Part { list: rest, at: self.at + bucket.len() as u32, first: self.first + total(bucket), ..*self };
        taken
    }

    fn prove(
        &self,
        mut depth: u16,
        mut pending: &[Entry],
        key: &Digest,
        mut steps: Vec<Step>,
    ) -> Result<Shown, LedgerError> {
        let mut part = *self;
        while let Some(halves) = part.halves(depth) {
            let (low, high) = pending.split_at(parted(pending, depth));
            let (mine, pendings) = (usize::from(bit(key, depth)), [low, high]);
            let side = if halves[mine].is_empty(pendings[mine]) { 1 - mine } else { mine };
            if let (true, Some(sibling)) = (side == mine, halves[1 - mine].summed(depth + 1, pendings[1 - mine])?.0) {
                steps.push(Step { bit: depth as u8, sibling });
            }
            (part, pending, depth) = (halves[side], pendings[side], depth + 1);
        }
        let all = merged(&part.entries()?, pending);
        let (rest, end) = state_map::prove_by(&all, key, hashing::root);
        steps.extend(rest);
        Ok(Shown::new(steps, end, key))
    }

    /// Writes the part at `depth` at the front of the list, whose entries begin at the front of `entries`, with what is
    /// pending, and takes it off both; `list` gets its buckets.
    fn take_rewritten(
        &mut self,
        depth: u16,
        entries: &mut &[Entry],
        pending: &[Entry],
        to: &mut Rewriting<'_>,
    ) -> Result<(), LedgerError> {
        if self.list.first().is_some_and(|first| first.depth > depth) {
            let (low, high) = pending.split_at(parted(pending, depth));
            self.take_rewritten(depth + 1, entries, low, to)?;
            return self.take_rewritten(depth + 1, entries, high, to);
        }
        let bucket = self.take_bucket().list;
        let (mine, rest) = entries.split_at(total(bucket) as usize);
        *entries = rest;
        if let ([bucket], []) = (bucket, pending) {
            to.list.push(*bucket);
            return to.writer.extend(mine);
        }
        let all = merged(mine, pending);
        cut(depth, &all, to.limit, &mut to.list);
        to.writer.extend(&all)
    }
}

/// A file that is written, and the list of its buckets.
pub(super) struct Rewriting<'a> {
    pub writer: &'a mut Writer,
    pub list: Vec<Stored>,
    /// Entries of a bucket.
    pub limit: usize,
}

/// Which of two parts a key's way goes through: its own where both have entries, and then that is a step; the only one that
/// has any, since the keys there agree in this bit.
pub(super) fn turn(key: &Digest, depth: u16, hashes: [Option<&Digest>; 2], steps: &mut Vec<Step>) -> usize {
    let mine = usize::from(bit(key, depth));
    match (hashes[mine], hashes[1 - mine]) {
        (Some(_), Some(sibling)) => {
            steps.push(Step { bit: depth as u8, sibling: *sibling });
            mine
        }
        (None, Some(_)) => 1 - mine,
        (_, None) => mine,
    }
}

impl Group {
    /// A group of a part of a file and what is pending.
    pub(super) fn new(depth: u16, part: &Part<'_>, pending: &[Entry]) -> Result<Group, LedgerError> {
        let (hash, total) = part.summed(depth, pending)?;
        let crc = crc32c::crc32c(&stored::to_bytes(part.list));
        let buckets = part.list.len() as u32;
        Ok(Group { hash, total, first: part.first, at: part.at, buckets, crc, pending: pending.into() })
    }

    /// Reads the list of its buckets.
    pub(super) fn list(&self, base: &Base) -> Result<Vec<Stored>, LedgerError> {
        if self.buckets == 0 { Ok(Vec::new()) } else { base.buckets(self.at, self.buckets, self.crc) }
    }

    pub(super) fn part<'a>(&self, base: &'a Base, list: &'a [Stored]) -> Part<'a> {
        Part { base, list, at: self.at, first: self.first }
    }

    /// The rest of a proof: the steps from here on, and what stands at their end.
    pub(super) fn prove(&self, depth: u16, key: &Digest, base: &Base, steps: Vec<Step>) -> Result<Shown, LedgerError> {
        let list = self.list(base)?;
        self.part(base, &list).prove(depth, &self.pending, key, steps)
    }

    /// Writes its entries to another file.
    pub(super) fn rewrite(&self, depth: u16, base: &Base, to: &mut Rewriting<'_>) -> Result<(), LedgerError> {
        let list = self.list(base)?;
        let mut part = self.part(base, &list);
        let entries = part.entries()?;
        part.take_rewritten(depth, &mut &entries[..], &self.pending, to)
    }
}
