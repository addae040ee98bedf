//! The root of a bucket with its hashes in lanes: all entries at once, then the nodes of each bit, the deepest first.

use std::cell::RefCell;

use farechain_core::digest::Digest;
use farechain_core::state_map::{self, Entry};
use farechain_lanes::blake3::keyed_many;

/// Fewer entries than this are not worth their arrangement.
const FEW: usize = 8;

/// Buffers that are used again.
#[derive(Default)]
struct Arranged {
    pairs: Vec<[u8; 64]>,
    /// Of entries, in their order, then of nodes, in the order in which they are made.
    hashes: Vec<Digest>,
    nodes: Vec<Node>,
    open: Vec<(u8, u32)>,
    made: Vec<Digest>,
}

/// A node whose children stand in `hashes`, or, from the number of entries on, in `nodes`.
struct Node {
    bit: u8,
    children: [u32; 2],
}

thread_local! {
    static ARRANGED: RefCell<Arranged> = RefCell::default();
}

/// Equal to [`farechain_core::state_map::root`].
pub(super) fn root(entries: &[Entry]) -> Digest {
    if entries.len() < FEW {
        return state_map::root(entries);
    }
    ARRANGED.with_borrow_mut(|arranged| arranged.root(entries))
}

impl Arranged {
    fn root(&mut self, entries: &[Entry]) -> Digest {
        self.pairs.clear();
        self.pairs.extend(entries.iter().map(|(key, value)| pair(key, value)));
        self.hashes.clear();
        keyed_many(&state_map::LEAF, self.pairs.iter().map(<[u8; 64]>::as_slice), &mut self.hashes);
        let top = self.arrange(entries);
        self.hashes.resize(entries.len() + self.nodes.len(), [0; 32]);
        let mut deepest_first: Vec<(u8, u32)> = self.nodes.iter().zip(0..).map(|(node, at)| (node.bit, at)).collect();
        deepest_first.sort_unstable_by_key(|(bit, at)| (u8::MAX - bit, *at));
        for level in deepest_first.chunk_by(|a, b| a.0 == b.0) {
            self.hash_level(level, entries.len());
        }
        self.hashes[top as usize]
    }

    /// Finds the nodes, and which is the top one; as [`state_map::root_of`] does, without hashing.
    fn arrange(&mut self, entries: &[Entry]) -> u32 {
        let leaves = entries.len() as u32;
        self.nodes.clear();
        self.open.clear();
        let mut right = 0;
        for (neighbours, leaf) in entries.windows(2).zip(1..) {
            let bit = state_map::parting(&neighbours[0].0, &neighbours[1].0).expect("keys are different");
            self.close(&mut right, leaves, Some(bit));
            self.open.push((bit, right));
            right = leaf;
        }
        self.close(&mut right, leaves, None);
        right
    }

    fn close(&mut self, right: &mut u32, leaves: u32, bit: Option<u8>) {
        while let Some((below, left)) = self.open.pop_if(|(below, _)| bit.is_none_or(|bit| *below > bit)) {
            self.nodes.push(Node { bit: below, children: [left, *right] });
            *right = leaves + self.nodes.len() as u32 - 1;
        }
    }

    /// Nodes of one bit hold none another.
    fn hash_level(&mut self, level: &[(u8, u32)], leaves: usize) {
        self.pairs.clear();
        for (_, node) in level {
            let [left, right] = self.nodes[*node as usize].children.map(|child| self.hashes[child as usize]);
            self.pairs.push(pair(&left, &right));
        }
        self.made.clear();
        keyed_many(&state_map::node_key(level[0].0), self.pairs.iter().map(<[u8; 64]>::as_slice), &mut self.made);
        for ((_, node), hash) in level.iter().zip(&self.made) {
            self.hashes[leaves + *node as usize] = *hash;
        }
    }
}

fn pair(left: &Digest, right: &Digest) -> [u8; 64] {
    let mut both = [0; 64];
    both[..32].copy_from_slice(left);
    both[32..].copy_from_slice(right);
    both
}
