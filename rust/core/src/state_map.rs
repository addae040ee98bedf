//! The commitment to current state: a binary Patricia tree over keys of 256 bits, and proofs of what a key has or has not.
//!
//! A node stands only where keys part, and its hash names the bit at which they do, so that the tree of a set of entries is
//! one and the same whatever the order in which they came, has no empty places, and a search by a key's bits ends at that
//! key if it is there at all. Hashing rules are in `docs/format.md`, section 9; the form of proofs in `state_map/proof.rs`.

mod proof;
mod subjects;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_mutation;

use alloc::vec::Vec;

use crate::digest::{self, Digest};

pub use proof::{Found, MAX_PROOF_BYTES, Proof, Refused, Step, verify};
pub use subjects::{keys, of_invoice};

/// A key and its value.
pub type Entry = (Digest, Digest);

/// Key of the hash of an entry: key and value, 64 bytes, one compression.
pub const LEAF: [u8; 32] = digest::key(b"farechain/1 state leaf");
/// Key of a node, the number of the bit at which its keys part in the last byte: two children, one compression.
const NODE: [u8; 32] = digest::key(b"farechain/1 state node");
/// Key of the root of no entries.
const EMPTY: [u8; 32] = digest::key(b"farechain/1 state empty");

/// The root of no entries.
pub fn empty() -> Digest {
    digest::keyed(&EMPTY, b"")
}

/// The hash of an entry.
pub fn leaf((key, value): &Entry) -> Digest {
    digest::keyed(&LEAF, &pair(key, value))
}

/// The hash of the node whose keys agree before `bit` and have 0 (left) and 1 (right) there.
pub fn node(bit: u8, left: &Digest, right: &Digest) -> Digest {
    digest::keyed(&node_key(bit), &pair(left, right))
}

/// The key under which the nodes of a bit are hashed.
pub fn node_key(bit: u8) -> [u8; 32] {
    let mut key = NODE;
    key[31] = bit;
    key
}

fn pair(left: &Digest, right: &Digest) -> [u8; 64] {
    let mut both = [0; 64];
    both[..32].copy_from_slice(left);
    both[32..].copy_from_slice(right);
    both
}

/// A bit of a key: 0 is the highest of the first byte, 255 the lowest of the last.
pub fn bit(key: &Digest, bit: u8) -> bool {
    key[usize::from(bit / 8)] << (bit % 8) & 0x80 != 0
}

/// The first bit at which two keys differ; `None` if they are the same.
pub fn parting(a: &Digest, b: &Digest) -> Option<u8> {
    let at = (0..32).find(|at| a[*at] != b[*at])?;
    Some(at as u8 * 8 + (a[at] ^ b[at]).leading_zeros() as u8)
}

/// The root of entries, in the order of their keys, none twice.
pub fn root(entries: &[Entry]) -> Digest {
    let leaves: Vec<Digest> = entries.iter().map(leaf).collect();
    root_of(entries, &leaves)
}

/// The same, where the hashes of the entries are known already; of these nothing but the keys is looked at.
///
/// # Panics
/// If two neighbours have the same key, or there are not as many hashes as entries.
pub fn root_of<V>(entries: &[(Digest, V)], leaves: &[Digest]) -> Digest {
    assert_eq!(entries.len(), leaves.len(), "a hash for each entry");
    let Some(first) = leaves.first() else { return empty() };
    // Nodes that have their left child and wait for their right one, the bits increasing.
    let mut open: Vec<(u8, Digest)> = Vec::with_capacity(32);
    let mut right = *first;
    for (neighbours, leaf) in entries.windows(2).zip(&leaves[1..]) {
        let bit = parting(&neighbours[0].0, &neighbours[1].0).expect("keys are different");
        close(&mut open, &mut right, Some(bit));
        open.push((bit, right));
        right = *leaf;
    }
    close(&mut open, &mut right, None);
    right
}

/// Joins what is known with the open nodes below `bit`.
fn close(open: &mut Vec<(u8, Digest)>, right: &mut Digest, bit: Option<u8>) {
    while let Some((below, left)) = open.pop_if(|(below, _)| bit.is_none_or(|bit| *below > bit)) {
        *right = node(below, &left, right);
    }
}

/// The proof of what a key has, from entries in the order of their keys, none twice.
pub fn prove(entries: &[Entry], key: &Digest) -> Proof {
    let (steps, end) = prove_by(entries, key, root);
    Proof { steps, found: Found::of(end, key) }
}

/// The steps to a key and the entry at their end, where [`root`] has a faster equal, or a key has more than its value.
pub fn prove_by<'e, V>(
    entries: &'e [(Digest, V)],
    key: &Digest,
    root: impl Fn(&[(Digest, V)]) -> Digest,
) -> (Vec<Step>, Option<&'e (Digest, V)>) {
    let (mut mine, mut steps) = (entries, Vec::new());
    while let [first, .., last] = mine
        && let Some(at) = parting(&first.0, &last.0)
    {
        let (left, right) = mine.split_at(mine.partition_point(|(key, _)| !bit(key, at)));
        let other = if bit(key, at) { left } else { right };
        mine = if bit(key, at) { right } else { left };
        steps.push(Step { bit: at, sibling: root(other) });
    }
    (steps, mine.first())
}
