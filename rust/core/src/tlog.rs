//! The public log's tree: RFC 6962 with SHA-256, whatever the suite. Roots, proofs, and the frontier that grows.
//!
//! Proofs are made from `hash_at(level, index)`, the hash over the 2^level entries from `index * 2^level` on; where
//! those hashes are kept (tiles, memory) is the caller's affair.

mod prove;
mod verify;

use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};

pub use prove::{consistency, inclusion, range_root};
pub use verify::{Inconsistent, verify_consistency, verify_inclusion};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The hash of an entry: SHA-256 of a zero byte and the entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(entry);
    hasher.finalize().into()
}

/// The hash of an inner node: SHA-256 of a one byte and the two children.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// The root of a tree without entries: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The root over entries.
pub fn root<E: AsRef<[u8]>>(entries: &[E]) -> Hash {
    let mut frontier = Frontier::new();
    for entry in entries {
        frontier.append(leaf_hash(entry.as_ref()));
    }
    frontier.root()
}

/// What a growing tree must remember: the roots of its complete subtrees, largest first, one for each bit of its size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// No entries.
    pub fn new() -> Frontier {
        Frontier::default()
    }

    /// Entries.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends an entry by its leaf hash.
    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(&last) = peaks.next() else { return empty_root() };
        peaks.fold(last, |right, left| node_hash(left, &right))
    }
}

#[cfg(test)]
mod tests;
