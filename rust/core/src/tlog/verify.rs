//! Verifies inclusion and consistency proofs (RFC 9162, 2.1.3.2 and 2.1.4.2; the trees of RFC 6962).

use core::fmt;

use super::{Hash, empty_root, node_hash};

/// Why a consistency proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inconsistent {
    /// The new size is below the old one.
    Sizes,
    /// The proof has not the number of hashes that the sizes ask for.
    Length,
    /// The proof does not lead to the old root.
    OldRoot,
    /// The proof does not lead to the new root.
    NewRoot,
}

impl fmt::Display for Inconsistent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sizes => "the new size is below the old one",
            Self::Length => "the consistency proof has not the number of hashes that the sizes ask for",
            Self::OldRoot => "the consistency proof does not lead to the old root",
            Self::NewRoot => "the consistency proof does not lead to the new root",
        })
    }
}

impl core::error::Error for Inconsistent {}

/// Whether the entry with this leaf hash stands at `index` of `size` under `root`: the path must have exactly the length
/// that the place asks for.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut hash, mut index, mut last, mut path) = (*leaf, index, size - 1, path.iter());
    while last > 0 {
        if index % 2 == 1 {
            let Some(sibling) = path.next() else { return false };
            hash = node_hash(sibling, &hash);
        } else if index < last {
            let Some(sibling) = path.next() else { return false };
            hash = node_hash(&hash, sibling);
        }
        index /= 2;
        last /= 2;
    }
    path.next().is_none() && hash == *root
}

/// Whether the tree of `new_size` with `new_root` extends that of `old_size` with `old_root`. Every tree extends the
/// empty one; that and equal sizes take an empty proof.
///
/// # Errors
/// [`Inconsistent`]: the log forked, went back, or the proof is not one for these sizes.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), Inconsistent> {
    let require = |ok: bool, reason: Inconsistent| if ok { Ok(()) } else { Err(reason) };
    require(old_size <= new_size, Inconsistent::Sizes)?;
    if old_size == 0 || old_size == new_size {
        require(proof.is_empty(), Inconsistent::Length)?;
        require(old_size > 0 || *old_root == empty_root(), Inconsistent::OldRoot)?;
        return require(old_size != new_size || old_root == new_root, Inconsistent::NewRoot);
    }
    // The old tree's last complete subtree: from there both roots are climbed to.
    let shift = old_size.trailing_zeros();
    let (mut old_last, mut new_last) = ((old_size - 1) >> shift, (new_size - 1) >> shift);
    let (seed, rest) = match proof.split_first() {
        _ if old_size.is_power_of_two() => (old_root, proof),
        Some(first) => first,
        None => return Err(Inconsistent::Length),
    };
    let (mut old_hash, mut new_hash) = (*seed, *seed);
    for hash in rest {
        require(new_last > 0, Inconsistent::Length)?;
        if old_last % 2 == 1 || old_last == new_last {
            old_hash = node_hash(hash, &old_hash);
            new_hash = node_hash(hash, &new_hash);
            while old_last != 0 && old_last.is_multiple_of(2) {
                old_last /= 2;
                new_last /= 2;
            }
        } else {
            new_hash = node_hash(&new_hash, hash);
        }
        old_last /= 2;
        new_last /= 2;
    }
    require(new_last == 0, Inconsistent::Length)?;
    require(old_hash == *old_root, Inconsistent::OldRoot)?;
    require(new_hash == *new_root, Inconsistent::NewRoot)
}
