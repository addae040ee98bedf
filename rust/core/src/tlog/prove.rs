//! Makes inclusion and consistency proofs (RFC 6962, 2.1.1 and 2.1.2) from the hashes of complete subtrees.

use alloc::vec::Vec;

use super::{Frontier, Hash, node_hash};

/// The root over entries `start..end`, where `start` is a multiple of the largest power of two below `end - start`, as
/// every range of a proof is; `None` for an empty range.
///
/// # Errors
/// What `hash_at` fails with.
pub fn range_root<E>(
    start: u64,
    end: u64,
    hash_at: impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Option<Hash>, E> {
    let peaks = peaks(start, end, hash_at)?;
    Ok(peaks.split_last().map(|(last, rest)| rest.iter().rev().fold(*last, |right, left| node_hash(left, &right))))
}

/// The complete subtrees of a range, largest first.
fn peaks<E>(start: u64, end: u64, mut hash_at: impl FnMut(u32, u64) -> Result<Hash, E>) -> Result<Vec<Hash>, E> {
    let (mut at, mut peaks) = (start, Vec::new());
    while at < end {
        let level = (end - at).ilog2();
        peaks.push(hash_at(level, at >> level)?);
        at += 1 << level;
    }
    Ok(peaks)
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// The path from entry `index` to the root of a tree of `size` entries, lowest first; `None` unless `index < size`.
///
/// # Errors
/// What `hash_at` fails with.
pub fn inclusion<E>(
    index: u64,
    size: u64,
    mut hash_at: impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Option<Vec<Hash>>, E> {
    if index >= size {
        return Ok(None);
    }
    let (mut start, mut end, mut path) = (0, size, Vec::new());
    while end - start > 1 {
        let middle = start + split(end - start);
        let sibling = if index < middle { (middle, end) } else { (start, middle) };
        path.extend(range_root(sibling.0, sibling.1, &mut hash_at)?);
        (start, end) = if index < middle { (start, middle) } else { (middle, end) };
    }
    path.reverse();
    Ok(Some(path))
}

/// The proof that the tree of `new_size` entries extends that of `old_size`; `None` where the sizes go back. Empty for
/// equal sizes and for an empty old tree.
///
/// # Errors
/// What `hash_at` fails with.
pub fn consistency<E>(
    old_size: u64,
    new_size: u64,
    mut hash_at: impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Option<Vec<Hash>>, E> {
    if old_size > new_size {
        return Ok(None);
    }
    let (mut start, mut end, mut proof) = (0, new_size, Vec::new());
    if old_size == 0 {
        return Ok(Some(proof));
    }
    while end > old_size {
        let middle = start + split(end - start);
        let sibling = if old_size <= middle { (middle, end) } else { (start, middle) };
        proof.extend(range_root(sibling.0, sibling.1, &mut hash_at)?);
        (start, end) = if old_size <= middle { (start, middle) } else { (middle, end) };
    }
    // The old tree itself is known to whoever asks, unless it is made of several subtrees.
    if start > 0 {
        proof.extend(range_root(start, end, &mut hash_at)?);
    }
    proof.reverse();
    Ok(Some(proof))
}

impl Frontier {
    /// The frontier of the first `size` entries.
    ///
    /// # Errors
    /// What `hash_at` fails with.
    pub fn read<E>(size: u64, hash_at: impl FnMut(u32, u64) -> Result<Hash, E>) -> Result<Frontier, E> {
        Ok(Frontier { size, peaks: peaks(0, size, hash_at)? })
    }
}
