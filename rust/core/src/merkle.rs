//! Merkle trees of suite 1: the shape of RFC 6962, keyed BLAKE3 leaves and nodes.

use alloc::vec::Vec;

use crate::digest::{self, Digest};

/// The root over leaf digests. The root of none is the keyed hash (node key) of the empty string.
pub fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => digest::keyed(&digest::NODE, b""),
        _ => fold(leaves.to_vec()),
    }
}

/// Level by level: pairs are joined and an odd last one moves up as it is, which gives RFC 6962's shape.
fn fold(mut level: Vec<Digest>) -> Digest {
    while level.len() > 1 {
        let half = level.len() / 2;
        for i in 0..half {
            level[i] = digest::node(&level[2 * i], &level[2 * i + 1]);
        }
        if level.len() % 2 == 1 {
            level[half] = level[level.len() - 1];
        }
        level.truncate(level.len().div_ceil(2));
    }
    level[0]
}

/// The path from leaf `index` to the root, lowest first; `None` where there is no such leaf.
pub fn path(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut level, mut index, mut path) = (leaves.to_vec(), index, Vec::new());
    while level.len() > 1 {
        if let Some(sibling) = level.get(index ^ 1) {
            path.push(*sibling);
        }
        level = level
            .chunks(2)
            .map(|pair| if let [left, right] = pair { digest::node(left, right) } else { pair[0] })
            .collect();
        index /= 2;
    }
    Some(path)
}

/// Whether `leaf` stands at `index` of `count` under `root`: the path must have exactly the length that the place asks for.
pub fn verify(leaf: &Digest, index: u64, count: u64, path: &[Digest], root: &Digest) -> bool {
    if index >= count {
        return false;
    }
    let (mut hash, mut index, mut last, mut path) = (*leaf, index, count - 1, path.iter());
    while last > 0 {
        if index % 2 == 1 {
            let Some(sibling) = path.next() else { return false };
            hash = digest::node(sibling, &hash);
        } else if index < last {
            let Some(sibling) = path.next() else { return false };
            hash = digest::node(&hash, sibling);
        }
        index /= 2;
        last /= 2;
    }
    path.next().is_none() && hash == *root
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962, 2.1, word by word.
    fn naive(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => digest::keyed(&digest::NODE, b""),
            [leaf] => *leaf,
            _ => {
                let split = (leaves.len() - 1).ilog2();
                let (left, right) = leaves.split_at(1 << split);
                digest::node(&naive(left), &naive(right))
            }
        }
    }

    fn leaves(count: usize) -> Vec<Digest> {
        (0..count as u64).map(|i| digest::leaf(&i.to_be_bytes())).collect()
    }

    #[test]
    fn roots_equal_the_definition_for_all_small_sizes() {
        let all = leaves(4096);
        for count in (0..=600).chain([1023, 1024, 1025, 2047, 3000, 4095, 4096]) {
            assert_eq!(root(&all[..count]), naive(&all[..count]), "{count}");
        }
    }

    #[test]
    fn each_path_verifies_at_its_place_only() {
        for count in 1..=70 {
            let leaves = leaves(count);
            let root = root(&leaves);
            for index in 0..count {
                let path = path(&leaves, index).expect("index < count");
                let ok = |index: usize, count: usize, path: &[Digest]| {
                    verify(&leaves[index.min(leaves.len() - 1)], index as u64, count as u64, path, &root)
                };
                assert!(ok(index, count, &path));
                assert!(!verify(&leaves[index], count as u64, count as u64, &path, &root));
                let mut longer = path.clone();
                longer.push([0; 32]);
                assert!(!ok(index, count, &longer));
                assert!(path.is_empty() || !ok(index, count, &path[1..]));
                for other in 0..count {
                    assert!(other == index || !verify(&leaves[index], other as u64, count as u64, &path, &root));
                }
            }
        }
    }

    #[test]
    fn a_doubled_last_leaf_changes_the_root_and_a_node_is_no_leaf() {
        let mut leaves = leaves(3);
        let three = root(&leaves);
        leaves.push(leaves[2]);
        assert_ne!(three, root(&leaves));
        let node = digest::node(&leaves[0], &leaves[1]);
        assert_ne!(digest::leaf(&[leaves[0], leaves[1]].concat()), node);
    }
}
