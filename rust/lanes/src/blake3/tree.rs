//! A whole Merkle tree of suite 1, so that a path is a look-up. The shape is [`farechain_core::merkle`]'s.

use std::mem;

use farechain_core::digest::Digest;
use farechain_core::merkle;

use super::{CHOSEN, Hashing};

/// The tree over some leaves: every level, lowest first, in one buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    nodes: Vec<Digest>,
    leaves: usize,
}

impl Tree {
    /// The tree over leaf digests.
    pub fn new(leaves: Vec<Digest>) -> Tree {
        Tree::with(*CHOSEN, leaves)
    }

    /// The same by the given instructions.
    pub fn with(hashing: Hashing, leaves: Vec<Digest>) -> Tree {
        let (count, mut nodes) = (leaves.len(), leaves);
        nodes.reserve_exact(node_count(count) - count);
        let (mut start, mut width) = (0, count);
        while width > 1 {
            let mut parents = Vec::with_capacity(width.div_ceil(2));
            hashing.level(&nodes[start..], &mut parents);
            start = nodes.len();
            width = parents.len();
            nodes.extend(parents);
        }
        Tree { nodes, leaves: count }
    }

    /// The root.
    pub fn root(&self) -> Digest {
        self.nodes.last().copied().unwrap_or_else(|| merkle::root(&[]))
    }

    /// The path from leaf `index` to the root, lowest first; `None` where there is no such leaf.
    pub fn path(&self, index: usize) -> Option<Vec<Digest>> {
        if index >= self.leaves {
            return None;
        }
        let (mut level, mut width, mut index, mut path) = (&self.nodes[..], self.leaves, index, Vec::new());
        while width > 1 {
            path.extend(level[..width].get(index ^ 1));
            level = &level[width..];
            width = width.div_ceil(2);
            index /= 2;
        }
        Some(path)
    }

    /// Bytes in memory.
    pub fn memory_bytes(&self) -> usize {
        mem::size_of::<Tree>() + self.nodes.capacity() * mem::size_of::<Digest>()
    }
}

/// The nodes of a tree with that many leaves, the leaves among them; an odd last node stands on each of its levels.
fn node_count(leaves: usize) -> usize {
    let (mut width, mut count) = (leaves, leaves);
    while width > 1 {
        width = width.div_ceil(2);
        count += width;
    }
    count
}

/// The root over leaf digests.
pub fn root(hashing: Hashing, leaves: &[Digest]) -> Digest {
    if leaves.len() < 2 {
        return merkle::root(leaves);
    }
    let mut level = Vec::with_capacity(leaves.len().div_ceil(2));
    hashing.level(leaves, &mut level);
    let mut parents = Vec::with_capacity(level.len().div_ceil(2));
    while level.len() > 1 {
        parents.clear();
        hashing.level(&level, &mut parents);
        mem::swap(&mut level, &mut parents);
    }
    level[0]
}
