//! The tree above the groups of a shard. Never changed: a new tree shares all of the old one that did not change.
//!
//! A node stands at every bit down to a group's, also where all keys agree; such a one has its only child's hash. So a bit
//! chooses a child without knowing the keys below, and keys that agree in many bits, by chance or by work, make a longer way
//! and no larger group.

use std::sync::Arc;

use farechain_core::digest::Digest;
use farechain_core::state_map::Step;

use super::base::Base;
use super::entry::Entry;
use super::group::{Group, Part, Rewriting, turn};
use super::merge::merged;
use super::stored::{Stored, cut, joined, parted, total};
use super::view::Shown;
use crate::error::LedgerError;

/// Entries of a group in the file: as many as some dozen buckets have.
const GROUP_ENTRIES: u32 = 256;
/// Entries of a group in memory: each may touch a bucket of its own.
const GROUP_PENDING: usize = 4;

/// A part of the tree.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Two parts that a bit tells apart.
    Inner { hash: Option<Digest>, children: Arc<[Node; 2]> },
    /// What is under it is on disk.
    Group(Group),
}

/// What changes came to.
#[derive(Default)]
pub(super) struct Grown {
    /// Keys that had no value before.
    pub added: i64,
    /// Entries that are in memory and were not.
    pub pending: isize,
}

impl Node {
    /// The tree over the buckets of a file.
    pub(super) fn over(depth: u16, part: &Part<'_>) -> Result<Node, LedgerError> {
        match part.halves(depth) {
            Some([left, right]) if total(part.list) > GROUP_ENTRIES => {
                Ok(inner(depth, Node::over(depth + 1, &left)?, Node::over(depth + 1, &right)?))
            }
            _ => Ok(Node::Group(Group::new(depth, part, &[])?)),
        }
    }

    /// Its hash; `None` where there are no entries.
    pub(super) fn hash(&self) -> Option<&Digest> {
        match self {
            Node::Inner { hash, .. } => hash.as_ref(),
            Node::Group(group) => group.hash.as_ref(),
        }
    }

    /// The tree after changes, whose keys agree in the bits before `depth` with those of this part.
    pub(super) fn applied(
        &self,
        depth: u16,
        changes: &[Entry],
        base: &Base,
        grown: &mut Grown,
    ) -> Result<Node, LedgerError> {
        if changes.is_empty() {
            return Ok(self.clone());
        }
        match self {
            Node::Inner { children, .. } => {
                let (low, high) = changes.split_at(parted(changes, depth));
                let left = children[0].applied(depth + 1, low, base, grown)?;
                Ok(inner(depth, left, children[1].applied(depth + 1, high, base, grown)?))
            }
            Node::Group(group) => {
                let list = group.list(base)?;
                grown.added -= i64::from(group.total);
                grown.pending -= group.pending.len().cast_signed();
                grown_from(depth, &group.part(base, &list), &merged(&group.pending, changes), grown)
            }
        }
    }

    /// Writes all entries to another file.
    pub(super) fn rewrite(&self, depth: u16, base: &Base, to: &mut Rewriting<'_>) -> Result<(), LedgerError> {
        match self {
            Node::Inner { children, .. } => children.iter().try_for_each(|child| child.rewrite(depth + 1, base, to)),
            Node::Group(group) => group.rewrite(depth, base, to),
        }
    }

    /// The rest of a proof: the steps from here on, and what stands at their end.
    pub(super) fn prove(
        &self,
        mut depth: u16,
        key: &Digest,
        base: &Base,
        mut steps: Vec<Step>,
    ) -> Result<Shown, LedgerError> {
        let mut node = self;
        loop {
            match node {
                Node::Inner { children, .. } => {
                    let side = turn(key, depth, [children[0].hash(), children[1].hash()], &mut steps);
                    (node, depth) = (&children[side], depth + 1);
                }
                Node::Group(group) => return group.prove(depth, key, base, steps),
            }
        }
    }

    /// Bytes of memory below it.
    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Node::Inner { children, .. } => {
                16 + children.iter().map(|child| size_of::<Node>() + child.memory_bytes()).sum::<usize>()
            }
            Node::Group(group) => 16 + size_of_val(&*group.pending),
        }
    }
}

fn inner(depth: u16, left: Node, right: Node) -> Node {
    let hash = joined(depth, left.hash().copied(), right.hash().copied());
    Node::Inner { hash, children: Arc::new([left, right]) }
}

/// The tree over a part of a file and what is pending, which is cut until no group has too much of it. A bucket that is to be
/// cut becomes pending itself: it is small.
fn grown_from(depth: u16, part: &Part<'_>, pending: &[Entry], grown: &mut Grown) -> Result<Node, LedgerError> {
    if pending.len() <= GROUP_PENDING {
        let group = Group::new(depth, part, pending)?;
        grown.added += i64::from(group.total);
        grown.pending += pending.len().cast_signed();
        return Ok(Node::Group(group));
    }
    let absorbed;
    let ([left, right], pending) = if let Some(halves) = part.halves(depth) {
        (halves, pending)
    } else {
        absorbed = merged(&part.entries()?, pending);
        ([part.none(); 2], &absorbed[..])
    };
    let (low, high) = pending.split_at(parted(pending, depth));
    let left = grown_from(depth + 1, &left, low, grown)?;
    Ok(inner(depth, left, grown_from(depth + 1, &right, high, grown)?))
}

/// Cuts entries that were just written, and that agree before `depth`, into buckets.
pub(super) fn cut_written(
    depth: u16,
    base: &Base,
    first: u32,
    count: u32,
    limit: usize,
    list: &mut Vec<Stored>,
) -> Result<(), LedgerError> {
    /// More are not read at once.
    const MANY: u32 = 1 << 18;
    if count <= MANY {
        cut(depth, &base.unchecked(first, count)?, limit, list);
        return Ok(());
    }
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        let is_high = parted(&base.unchecked(first + middle, 1)?, depth) == 0;
        (low, high) = if is_high { (low, middle) } else { (middle + 1, high) };
    }
    cut_written(depth + 1, base, first, low, limit, list)?;
    cut_written(depth + 1, base, first + low, count - low, limit, list)
}
