//! The log from its files alone: the edge at opening, and the second path to a root before it is signed.

use farechain_core::tlog::{self, Frontier, Hash};

use super::edge::{Edge, entries, subtree_root};
use super::layout::{Row, WIDTH};
use super::{LogError, PublicDirectory};

/// The right edge of a tree from the files; the partial bundle must hash to the partial tile.
pub(super) fn read_edge(directory: &PublicDirectory, size: u64) -> Result<Edge, LogError> {
    let tree = directory.at(size);
    let frontier = Frontier::read(size, |level, index| tree.hash_at(level, index))?;
    let bundle = if let Some(tile) = Row::Entries.partial(size) { tree.bundle(tile.index)? } else { Vec::new() };
    let mut levels = Vec::new();
    for row in Row::all(size) {
        if let Row::Level(level) = row {
            levels.push(row.partial(size).map(|tile| tree.hashes(level, tile.index)).transpose()?.unwrap_or_default());
        }
    }
    let leaves: Vec<Hash> = entries(&bundle).unwrap_or_default().iter().map(|entry| tlog::leaf_hash(entry)).collect();
    if levels.first().is_some_and(|hashes| *hashes != leaves) {
        let path = directory.path().join(Row::Entries.partial(size).map_or_else(String::new, |tile| tile.to_string()));
        return Err(LogError::corrupt(path, "the entries do not hash to the tile of level 0"));
    }
    Ok(Edge { frontier, bundle, levels })
}

/// The second path to a root: from a tree whose files were compared before, by the entries and tiles on disk since then.
/// Every new hash of every level is compared with what the row below it gives.
pub(super) fn read_again(directory: &PublicDirectory, verified: &Frontier, size: u64) -> Result<Frontier, LogError> {
    let (tree, mut frontier) = (directory.at(size), verified.clone());
    let wrong = |row: Row, place: u64| {
        let tile = row.tile(place, size).map_or_else(String::new, |tile| tile.to_string());
        LogError::corrupt(directory.path().join(tile), "is not what the row below it gives")
    };
    for place in verified.size() / WIDTH..size.div_ceil(WIDTH) {
        let (bundle, hashes) = (tree.bundle(place)?, tree.hashes(0, place)?);
        let entries = entries(&bundle).unwrap_or_default();
        let known = verified.size().saturating_sub(place * WIDTH).min(WIDTH) as usize;
        for (entry, hash) in entries.iter().zip(&hashes).skip(known) {
            if tlog::leaf_hash(entry) != *hash {
                return Err(wrong(Row::Level(0), place));
            }
            frontier.append(*hash);
        }
    }
    for row in Row::all(size) {
        let Row::Level(level @ 1..) = row else { continue };
        for index in row.length(verified.size())..row.length(size) {
            if tree.hash_at(8 * u32::from(level), index)? != subtree_root(&tree.hashes(level - 1, index)?) {
                return Err(wrong(row, index / WIDTH));
            }
        }
    }
    let edge = tree.root(size)?;
    if frontier.size() != size || frontier.root() != edge {
        return Err(LogError::corrupt(directory.path(), "entries and tiles give different roots"));
    }
    Ok(frontier)
}
