//! All keys with one first byte: their file, and the tree above it.

use std::path::Path;
use std::sync::Arc;

use super::base::{Base, Writer};
use super::base_path;
use super::bytes::damaged;
use super::entry::Entry;
use super::group::{Part, Rewriting};
use super::stored::{Stored, part_at, total};
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
        let (base, list) = Base::open(path.clone())?;
        let is_tree = list.is_empty() || part_at(DEPTH, &list) == Some(list.len());
        if !is_tree || total(&list) != base.entries {
            return Err(damaged(&path, "its buckets make no tree"));
        }
        Shard::over(base, &list)
    }

    /// A file and the tree over it.
    pub(super) fn over(base: Base, list: &[Stored]) -> Result<Shard, LedgerError> {
        let tree = Node::over(DEPTH, &Part { base: &base, list, at: 0, first: 0 })?;
        Ok(Shard { base: Arc::new(base), tree, pending: 0, oldest: u64::MAX })
    }

    /// The shard after changes that came with a frame, and how many of their keys are new.
    pub(super) fn apply(&self, changes: &[Entry], frame: u64) -> Result<(Shard, u64), LedgerError> {
        let mut grown = Grown::default();
        let tree = self.tree.applied(DEPTH, changes, &self.base, &mut grown)?;
        let oldest = if changes.is_empty() { self.oldest } else { self.oldest.min(frame) };
        let pending = self.pending.strict_add_signed(grown.pending);
        Ok((Shard { base: Arc::clone(&self.base), tree, pending, oldest }, grown.added.cast_unsigned()))
    }

    /// The shard with all of its entries in a new file, which holds what came up to frame `sequence`.
    pub(super) fn written_again(
        &self,
        dir: &Path,
        number: u8,
        sequence: u64,
        limit: usize,
    ) -> Result<Shard, LedgerError> {
        let mut writer = Writer::new(&base_path(dir, number))?;
        let mut to = Rewriting { writer: &mut writer, list: Vec::new(), limit };
        self.tree.rewrite(DEPTH, &self.base, &mut to)?;
        let list = to.list;
        let shard = Shard::over(writer.finish(&list, sequence)?, &list)?;
        if shard.tree.hash() == self.tree.hash() {
            Ok(shard)
        } else {
            Err(damaged(&base_path(dir, number), "it was not written as it was"))
        }
    }
}
