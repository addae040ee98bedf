//! The tree above the entries of a shard: buckets of neighbouring entries, and what joins them. Never changed: a new tree
//! shares all of the old one that did not change.
//!
//! A node stands at every bit down to a bucket's, also where all keys agree; such a one has its only child's hash. So a bit
//! chooses a child without knowing the keys below, and keys that agree in many bits, by chance or by work, make a longer way
//! and no larger bucket.

use std::sync::Arc;

use farechain_core::digest::Digest;
use farechain_core::state_map::{self, Entry, Found, Proof, Step};

use super::base::{Base, Stored};
use super::hashing;
use super::merge::merged;
use crate::error::LedgerError;

/// A part of the tree.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Two parts that a bit tells apart.
    Inner {
        hash: Digest,
        children: Arc<[Node; 2]>,
    },
    Bucket(Bucket),
}

/// Entries whose keys agree in all bits before it.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    hash: Digest,
    /// Where its entries stand in the file.
    first: u32,
    entries: u32,
    /// What came since the file was written.
    pending: Arc<[Entry]>,
}

/// What changes came to.
#[derive(Default)]
pub(super) struct Grown {
    /// Keys that had no value before.
    pub added: u64,
    /// Entries that are in memory and were not.
    pub pending: usize,
}

impl Node {
    /// No entries.
    pub(super) fn empty() -> Node {
        bucket(0, 0, &[], &[])
    }

    /// Its hash; `None` where there are no entries.
    pub(super) fn hash(&self) -> Option<&Digest> {
        match self {
            Node::Inner { hash, .. } => Some(hash),
            Node::Bucket(bucket) => (bucket.entries > 0 || !bucket.pending.is_empty()).then_some(&bucket.hash),
        }
    }

    /// The tree after changes, whose keys agree in the bits before `depth` with those of this part.
    pub(super) fn applied(
        &self,
        depth: u16,
        changes: &[Entry],
        base: &Base,
        limit: usize,
        grown: &mut Grown,
    ) -> Result<Node, LedgerError> {
        if changes.is_empty() {
            return Ok(self.clone());
        }
        match self {
            Node::Inner { children, .. } => {
                let (left, right) = changes.split_at(parted(changes, depth));
                let left = children[0].applied(depth + 1, left, base, limit, grown)?;
                let right = children[1].applied(depth + 1, right, base, limit, grown)?;
                Ok(joined(depth, left, right))
            }
            Node::Bucket(bucket) => {
                let stored = base.read(bucket.first, bucket.entries)?;
                let pending = merged(&bucket.pending, changes);
                let all = merged(&stored, &pending);
                let before = merged(&stored, &bucket.pending).len();
                grown.added += (all.len() - before) as u64;
                grown.pending += pending.len() - bucket.pending.len();
                Ok(grown_from(depth, bucket.first, &stored, &pending, &all, limit))
            }
        }
    }

    /// The tree over some entries of a file.
    pub(super) fn over(depth: u16, base: &Base, first: u32, count: u32, limit: usize) -> Result<Node, LedgerError> {
        /// More are not read at once.
        const MANY: u32 = 1 << 18;
        if count <= MANY {
            let stored = base.read(first, count)?;
            return Ok(grown_from(depth, first, &stored, &[], &stored, limit));
        }
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            let set = base.read(first + middle, 1)?.iter().any(|(key, _)| bit(key, depth));
            (low, high) = if set { (low, middle) } else { (middle + 1, high) };
        }
        let left = Node::over(depth + 1, base, first, low, limit)?;
        let right = Node::over(depth + 1, base, first + low, count - low, limit)?;
        Ok(joined(depth, left, right))
    }

    /// The tree whose buckets are these, the first of which begins at `first`; `None` unless they make one.
    pub(super) fn stored(depth: u16, buckets: &mut std::slice::Iter<'_, Stored>, first: &mut u32) -> Option<Node> {
        let next = buckets.as_slice().first().filter(|next| next.depth >= depth && depth <= 256)?;
        if next.depth == depth {
            let bucket = Bucket { hash: next.hash, first: *first, entries: next.entries, pending: Arc::default() };
            *first = first.checked_add(next.entries)?;
            buckets.next();
            return Some(Node::Bucket(bucket));
        }
        let left = Node::stored(depth + 1, buckets, first)?;
        let right = Node::stored(depth + 1, buckets, first)?;
        left.hash().or(right.hash())?;
        Some(joined(depth, left, right))
    }

    /// Its buckets, in order.
    pub(super) fn store(&self, depth: u16, out: &mut Vec<Stored>) {
        match self {
            Node::Inner { children, .. } => children.iter().for_each(|child| child.store(depth + 1, out)),
            Node::Bucket(bucket) => out.push(Stored { depth, entries: bucket.entries, hash: bucket.hash }),
        }
    }

    /// The same tree, after `write` has taken all entries, bucket by bucket, to where the file then has them.
    pub(super) fn rewritten(
        &self,
        base: &Base,
        write: &mut impl FnMut(&[Entry]) -> Result<u32, LedgerError>,
    ) -> Result<Node, LedgerError> {
        match self {
            Node::Inner { hash, children } => {
                let left = children[0].rewritten(base, write)?;
                let right = children[1].rewritten(base, write)?;
                Ok(Node::Inner { hash: *hash, children: Arc::new([left, right]) })
            }
            Node::Bucket(bucket) => {
                let all = merged(&base.read(bucket.first, bucket.entries)?, &bucket.pending);
                let (first, entries) = (write(&all)?, all.len() as u32);
                Ok(Node::Bucket(Bucket { hash: bucket.hash, first, entries, pending: Arc::default() }))
            }
        }
    }

    /// The rest of a proof: the steps from here on, and what stands at their end.
    pub(super) fn prove(
        &self,
        depth: u16,
        key: &Digest,
        base: &Base,
        mut steps: Vec<Step>,
    ) -> Result<Proof, LedgerError> {
        let (mut node, mut depth) = (self, depth);
        while let Node::Inner { children, .. } = node {
            let [left, right] = &**children;
            let (mine, other) = if bit(key, depth) { (right, left) } else { (left, right) };
            match (mine.hash(), other.hash()) {
                (Some(_), Some(sibling)) => steps.push(Step { bit: depth as u8, sibling: *sibling }),
                // The keys below agree in this bit, so that the key's own says nothing.
                (None, _) => (node, depth) = (other, depth + 1),
                _ => {}
            }
            if mine.hash().is_some() {
                (node, depth) = (mine, depth + 1);
            }
        }
        let Node::Bucket(bucket) = node else { unreachable!("the loop ends at a bucket") };
        let all = merged(&base.read(bucket.first, bucket.entries)?, &bucket.pending);
        let rest = state_map::prove_by(&all, key, hashing::root);
        steps.extend(rest.steps);
        Ok(Proof { steps, found: rest.found })
    }

    /// Bytes of memory.
    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Node::Inner { children, .. } => {
                16 + children.iter().map(|child| size_of::<Node>() + child.memory_bytes()).sum::<usize>()
            }
            Node::Bucket(bucket) if bucket.pending.is_empty() => 0,
            Node::Bucket(bucket) => 16 + size_of_val(&*bucket.pending),
        }
    }
}

/// A bit, by a depth that is below 256 wherever two keys are to be told apart.
pub(super) fn bit(key: &Digest, depth: u16) -> bool {
    state_map::bit(key, depth as u8)
}

/// Where the entries with a 1 at `depth` begin.
fn parted(entries: &[Entry], depth: u16) -> usize {
    entries.partition_point(|(key, _)| !bit(key, depth))
}

/// The hash of two parts that the bit at `depth` tells apart.
pub(super) fn hash_of(depth: u16, left: Option<&Digest>, right: Option<&Digest>) -> Option<Digest> {
    match (left, right) {
        (Some(left), Some(right)) => Some(state_map::node(depth as u8, left, right)),
        (one, other) => one.or(other).copied(),
    }
}

fn joined(depth: u16, left: Node, right: Node) -> Node {
    let hash = hash_of(depth, left.hash(), right.hash()).expect("a part that was parted has entries");
    Node::Inner { hash, children: Arc::new([left, right]) }
}

fn bucket(first: u32, entries: u32, pending: &[Entry], all: &[Entry]) -> Node {
    let hash = if all.is_empty() { [0; 32] } else { hashing::root(all) };
    Node::Bucket(Bucket { hash, first, entries, pending: pending.into() })
}

/// The tree over `all`, of which `stored` begin at `first` in the file and `pending` are in memory.
fn grown_from(depth: u16, first: u32, stored: &[Entry], pending: &[Entry], all: &[Entry], limit: usize) -> Node {
    if all.len() <= limit {
        return bucket(first, stored.len() as u32, pending, all);
    }
    let [in_file, in_memory, together] = [stored, pending, all].map(|entries| entries.split_at(parted(entries, depth)));
    let next = first + in_file.0.len() as u32;
    let left = grown_from(depth + 1, first, in_file.0, in_memory.0, together.0, limit);
    let right = grown_from(depth + 1, next, in_file.1, in_memory.1, together.1, limit);
    joined(depth, left, right)
}

/// What stands at the end of a way through no entries.
pub(super) fn nothing() -> Proof {
    Proof { steps: Vec::new(), found: Found::Nothing }
}
