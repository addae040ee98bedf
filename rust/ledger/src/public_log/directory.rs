//! The public directory as a reader sees it: tiles, bundles, the checkpoint, and the proofs that they give.
//!
//! Needs no key and writes nothing; any number of readers may look at a directory that a [`super::PublicLog`] writes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use farechain_core::note::{Checkpoint, Note};
use farechain_core::tlog::{self, Hash};

use super::edge::{entries, subtree_root};
use super::layout::{Row, Tile, WIDTH};
use super::tile_trees::TileTrees;
use super::{LogError, durable};

/// The file with the published checkpoint.
pub(super) const CHECKPOINT: &str = "checkpoint";
/// The file with the log's verifier key.
pub(super) const VKEY: &str = "vkey";

/// A public directory. Clones share what they have read for proofs.
#[derive(Clone, Debug)]
pub struct PublicDirectory {
    path: PathBuf,
    proven: Arc<TileTrees>,
}

impl PublicDirectory {
    /// The directory at this path; nothing is read yet.
    pub fn new(path: &Path) -> PublicDirectory {
        PublicDirectory { path: path.into(), proven: Arc::default() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The published note; empty before the first. Its signatures are not verified.
    ///
    /// # Errors
    /// [`LogError::Io`]; [`LogError::Corrupt`] where it is not UTF-8.
    pub fn checkpoint(&self) -> Result<String, LogError> {
        let path = self.path.join(CHECKPOINT);
        let bytes = durable::read(&path)?.unwrap_or_default();
        String::from_utf8(bytes).map_err(|_| LogError::corrupt(path, "not UTF-8"))
    }

    /// The size of the published checkpoint; 0 before the first. Its signatures are not verified.
    ///
    /// # Errors
    /// [`LogError::Io`]; [`LogError::Corrupt`] where it is not a checkpoint.
    pub fn published_size(&self) -> Result<u64, LogError> {
        let note = self.checkpoint()?;
        if note.is_empty() {
            return Ok(0);
        }
        let checkpoint = Note::parse(&note).and_then(|note| Checkpoint::parse(note.text()));
        let checkpoint =
            checkpoint.map_err(|error| LogError::corrupt(self.path.join(CHECKPOINT), error.to_string()))?;
        Ok(checkpoint.size)
    }

    /// The RFC 6962 path of entry `index` in the tree of the first `size` entries, which must be published.
    ///
    /// # Errors
    /// [`LogError::Invalid`] for a place that is not published, else the tile that is missing or damaged.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        self.at(self.published_size()?).inclusion(index, size)
    }

    /// The same for the size of a published checkpoint, as its note says; from tiles that stay in memory.
    ///
    /// # Errors
    /// As [`PublicDirectory::inclusion`].
    pub fn inclusion_under(&self, size: u64, index: u64) -> Result<Vec<Hash>, LogError> {
        let path = tlog::inclusion(index, size, |level, place| self.proven.hash_at(self, size, level, place))?;
        path.ok_or_else(|| self.at(size).outside(&format!("entry {index} of {size}")))
    }

    /// The RFC 6962 proof that the tree of `new` entries, which must be published, extends that of `old` entries.
    ///
    /// # Errors
    /// As [`PublicDirectory::inclusion`].
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, LogError> {
        self.at(self.published_size()?).consistency(old, new)
    }

    /// The hashes of the tree of the first `size` entries.
    pub(super) fn at(&self, size: u64) -> Tree<'_> {
        Tree { directory: self, size, tiles: RefCell::default() }
    }

    /// A tile's bytes, from the full tile where the partial one is gone; `None` where neither is there.
    pub(super) fn read(&self, tile: Tile) -> Result<Option<Vec<u8>>, LogError> {
        if let Some(bytes) = durable::read(&self.path.join(tile.to_string()))? {
            self.check_length(tile, &bytes)?;
            return Ok(Some(bytes));
        }
        let full = tile.full();
        let Some(mut bytes) = durable::read(&self.path.join(full.to_string()))? else { return Ok(None) };
        self.check_length(full, &bytes)?;
        let length = match tile.row {
            Row::Level(_) => tile.width as usize * 32,
            Row::Entries => {
                let entries = entries(&bytes).unwrap_or_default();
                entries.iter().take(tile.width as usize).map(|entry| entry.len() + 2).sum()
            }
        };
        bytes.truncate(length);
        Ok(Some(bytes))
    }

    fn check_length(&self, tile: Tile, bytes: &[u8]) -> Result<(), LogError> {
        let width = match tile.row {
            Row::Level(_) => bytes.len().is_multiple_of(32).then_some(bytes.len() / 32),
            Row::Entries => entries(bytes).map(|entries| entries.len()),
        };
        if width == Some(tile.width as usize) {
            return Ok(());
        }
        Err(LogError::corrupt(self.path.join(tile.to_string()), "has not the length that its name says"))
    }
}

/// The tree of a directory's first `size` entries; keeps the tiles that it has read.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    directory: &'a PublicDirectory,
    size: u64,
    tiles: RefCell<HashMap<(u8, u64), Vec<Hash>>>,
}

impl Tree<'_> {
    pub(super) fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        let path = if size > self.size { None } else { tlog::inclusion(index, size, |l, i| self.hash_at(l, i))? };
        path.ok_or_else(|| self.outside(&format!("entry {index} of {size}")))
    }

    pub(super) fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, LogError> {
        let proof = if new > self.size { None } else { tlog::consistency(old, new, |l, i| self.hash_at(l, i))? };
        proof.ok_or_else(|| self.outside(&format!("sizes {old} to {new}")))
    }

    /// The root of the first `size` entries.
    pub(super) fn root(&self, size: u64) -> Result<Hash, LogError> {
        Ok(tlog::Frontier::read(size, |level, index| self.hash_at(level, index))?.root())
    }

    fn outside(&self, what: &str) -> LogError {
        LogError::Invalid(format!("{what}: the log has {} entries here", self.size))
    }

    /// The hash over the 2^level entries from `index * 2^level` on.
    pub(super) fn hash_at(&self, level: u32, index: u64) -> Result<Hash, LogError> {
        let (tile_level, height) = ((level / 8) as u8, level % 8);
        let first = index << height;
        let (place, start) = (first / WIDTH, (first % WIDTH) as usize);
        let mut tiles = self.tiles.borrow_mut();
        let hashes = match tiles.entry((tile_level, place)) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(unread) => unread.insert(self.hashes(tile_level, place)?),
        };
        let range = hashes.get(start..start + (1 << height));
        range.map(subtree_root).ok_or_else(|| self.outside(&format!("hash {index} of level {level}")))
    }

    /// All hashes of a tile.
    pub(super) fn hashes(&self, level: u8, place: u64) -> Result<Vec<Hash>, LogError> {
        let tile = Row::Level(level).tile(place, self.size);
        self.tile(tile.ok_or_else(|| self.outside(&format!("tile {place} of level {level}")))?)
    }

    /// The same of a tile of this tree.
    pub(super) fn tile(&self, tile: Tile) -> Result<Vec<Hash>, LogError> {
        let bytes = self.directory.read(tile)?.ok_or_else(|| self.missing(tile))?;
        Ok(bytes.as_chunks::<32>().0.to_vec())
    }

    /// The bytes of an entry bundle.
    pub(super) fn bundle(&self, place: u64) -> Result<Vec<u8>, LogError> {
        let tile = Row::Entries.tile(place, self.size);
        let tile = tile.ok_or_else(|| self.outside(&format!("bundle {place}")))?;
        self.directory.read(tile)?.ok_or_else(|| self.missing(tile))
    }

    fn missing(&self, tile: Tile) -> LogError {
        LogError::Rollback(format!(
            "{} is missing, yet the log has signed or holds {} entries: restore the public directory",
            self.directory.path.join(tile.to_string()).display(),
            self.size
        ))
    }
}
