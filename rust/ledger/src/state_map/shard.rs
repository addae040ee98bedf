//! All keys with one first byte: their file, and the tree above it.

use std::path::Path;
use std::sync::Arc;

use farechain_core::state_map::Entry;

use super::base::Base;
use super::base_path;
use super::bytes::damaged;
use super::tree::{Grown, Node};
use crate::error::LedgerError;

/// One for each first byte.
pub(super) const SHARDS: usize = 256;
/// The bits of that byte.
pub(super) const DEPTH: u16 = 8;

#[derive(Clone, Debug)]
pub(super) struct Shard {
    pub base: Arc<Base>,
    pub tree: Node,
    /// Entries that are not in the file yet.
    pub pending: usize,
    /// The frame of the journal that the first of those came with.
    pub oldest: u64,
}

impl Shard {
    /// What the file has.
    pub(super) fn open(dir: &Path, number: u8) -> Result<Shard, LedgerError> {
        let path = base_path(dir, number);
        let (base, stored) = Base::open(path.clone())?;
        let (mut buckets, mut first) = (stored.iter(), 0);
        let tree = if stored.is_empty() { Some(Node::empty()) } else { Node::stored(DEPTH, &mut buckets, &mut first) };
        let tree = tree.filter(|_| buckets.len() == 0 && first == base.entries);
        let tree = tree.ok_or_else(|| damaged(&path, "its buckets make no tree"))?;
        Ok(Shard::new(base, tree))
    }

    /// A file and the tree over it.
    pub(super) fn new(base: Base, tree: Node) -> Shard {
        Shard { base: Arc::new(base), tree, pending: 0, oldest: u64::MAX }
    }

    /// The shard after changes that came with a frame, and how many of their keys are new.
    pub(super) fn apply(&self, changes: &[Entry], frame: u64, limit: usize) -> Result<(Shard, u64), LedgerError> {
        let mut grown = Grown::default();
        let tree = self.tree.applied(DEPTH, changes, &self.base, limit, &mut grown)?;
        let oldest = if changes.is_empty() { self.oldest } else { self.oldest.min(frame) };
        let shard = Shard { base: Arc::clone(&self.base), tree, pending: self.pending + grown.pending, oldest };
        Ok((shard, grown.added))
    }
}
