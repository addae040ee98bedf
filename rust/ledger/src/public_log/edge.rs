//! The growing edge of the log: the partial tile of every row in memory, and the full ones as they come to be.

use farechain_core::tlog::{self, Frontier, Hash};

use super::layout::{Row, Tile, WIDTH};

/// The longest entry that a bundle can hold, bytes.
pub(super) const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// The right edge of the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Edge {
    pub frontier: Frontier,
    /// The bytes of the partial bundle; empty where the last bundle is full.
    pub bundle: Vec<u8>,
    /// The hashes of each level's partial tile.
    pub levels: Vec<Vec<Hash>>,
}

impl Edge {
    pub(super) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Appends an entry of at most [`MAX_ENTRY_BYTES`]; hands the bundle and the tiles that are full with it to `full`.
    pub(super) fn append(&mut self, entry: &[u8], full: &mut impl FnMut(Tile, Vec<u8>)) {
        let leaf = tlog::leaf_hash(entry);
        self.frontier.append(leaf);
        self.bundle.extend_from_slice(&(entry.len() as u16).to_be_bytes());
        self.bundle.extend_from_slice(entry);
        let size = self.size();
        if size.is_multiple_of(WIDTH) {
            full(Tile { row: Row::Entries, index: size / WIDTH - 1, width: WIDTH }, std::mem::take(&mut self.bundle));
        }
        let (mut hash, mut level) = (leaf, 0u8);
        loop {
            if self.levels.len() == usize::from(level) {
                self.levels.push(Vec::new());
            }
            let tile = &mut self.levels[usize::from(level)];
            tile.push(hash);
            if tile.len() < WIDTH as usize {
                return;
            }
            let row = Row::Level(level);
            full(Tile { row, index: row.length(size) / WIDTH - 1, width: WIDTH }, tile.concat());
            hash = subtree_root(tile);
            tile.clear();
            level += 1;
        }
    }

    /// The bytes of a row's partial tile; empty where the row has none.
    pub(super) fn partial_bytes(&self, row: Row) -> Vec<u8> {
        match row {
            Row::Entries => self.bundle.clone(),
            Row::Level(level) => self.levels.get(usize::from(level)).map(|hashes| hashes.concat()).unwrap_or_default(),
        }
    }

    /// The partial tiles that are not those of a tree of `size` entries.
    pub(super) fn partials_since(&self, size: u64) -> impl Iterator<Item = (Tile, Vec<u8>)> + '_ {
        Row::all(self.size())
            .filter(move |row| row.length(size) != row.length(self.size()))
            .filter_map(|row| Some((row.partial(self.size())?, self.partial_bytes(row))))
    }
}

/// The root over hashes of equal height whose number is a power of two.
pub(super) fn subtree_root(hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    for hash in hashes {
        frontier.append(*hash);
    }
    frontier.root()
}

/// The entries of a bundle; `None` where it does not end with an entry.
pub(super) fn entries(mut bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bundle.split_first_chunk::<2>() {
        let (entry, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        entries.push(entry);
        bundle = rest;
    }
    bundle.is_empty().then_some(entries)
}
