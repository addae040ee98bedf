//! Tiles that proofs were made from lately, as trees, so that a path is look-ups. What checks the files never reads here.

use std::sync::{Arc, Mutex, PoisonError};

use farechain_core::tlog::{Hash, node_hash};

use super::layout::{Row, Tile, WIDTH};
use super::{LogError, PublicDirectory};
use crate::recent::Recent;

/// Bytes of tiles in memory: those of 250,000 entries, which is two days of blocks in the real-time shape.
const BYTES_MAX: usize = 16 << 20;

/// The trees of recent tiles. A tile's name has its width, so that what it holds never changes.
#[derive(Debug)]
pub(super) struct TileTrees(Mutex<Recent<Tile, TileTree>>);

/// The roots of a tile's complete subtrees by height; the hashes themselves have height 0.
#[derive(Debug)]
struct TileTree(Vec<Vec<Hash>>);

impl Default for TileTrees {
    fn default() -> TileTrees {
        TileTrees(Mutex::new(Recent::new(BYTES_MAX)))
    }
}

impl TileTrees {
    /// The hash over the 2^level entries from `index * 2^level` on, in the tree of the directory's first `size` entries.
    pub fn hash_at(&self, directory: &PublicDirectory, size: u64, level: u32, index: u64) -> Result<Hash, LogError> {
        let (row, height) = (Row::Level((level / 8) as u8), level % 8);
        let first = index << height;
        let outside = || LogError::Invalid(format!("hash {index} of level {level}: the log has {size} entries here"));
        let tile = row.tile(first / WIDTH, size).ok_or_else(outside)?;
        let place = ((first % WIDTH) >> height) as usize;
        self.tree(directory, size, tile)?.0[height as usize].get(place).copied().ok_or_else(outside)
    }

    fn tree(&self, directory: &PublicDirectory, size: u64, tile: Tile) -> Result<Arc<TileTree>, LogError> {
        let recent = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = recent().get(&tile) {
            return Ok(tree);
        }
        let tree = Arc::new(TileTree::new(directory.at(size).tile(tile)?));
        recent().insert(tile, Arc::clone(&tree), 2 * tile.width as usize * size_of::<Hash>());
        Ok(tree)
    }
}

impl TileTree {
    fn new(hashes: Vec<Hash>) -> TileTree {
        let mut levels = vec![hashes];
        for height in 1..8 {
            let (pairs, _) = levels[height - 1].as_chunks::<2>();
            levels.push(pairs.iter().map(|[left, right]| node_hash(left, right)).collect());
        }
        TileTree(levels)
    }
}
