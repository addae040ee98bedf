//! Roots and proofs against the definition, for every pair of small sizes, and against Certificate Transparency's vectors.

use alloc::vec::Vec;
use core::convert::Infallible;

use super::*;
use crate::json;

/// RFC 6962, 2.1, word by word.
fn naive(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(1 << (leaves.len() - 1).ilog2());
            node_hash(&naive(left), &naive(right))
        }
    }
}

/// RFC 6962, 2.1.1, word by word.
fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(1 << (leaves.len() - 1).ilog2());
    let (mut path, sibling) = if index < left.len() {
        (naive_path(index, left), naive(right))
    } else {
        (naive_path(index - left.len(), right), naive(left))
    };
    path.push(sibling);
    path
}

/// RFC 6962, 2.1.2, word by word.
fn naive_consistency(old: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if known { Vec::new() } else { alloc::vec![naive(leaves)] };
    }
    let (left, right) = leaves.split_at(1 << (leaves.len() - 1).ilog2());
    let (mut proof, sibling) = if old <= left.len() {
        (naive_consistency(old, left, known), naive(right))
    } else {
        (naive_consistency(old - left.len(), right, false), naive(left))
    };
    proof.push(sibling);
    proof
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

/// Reads complete subtrees from the leaves; panics where a proof asks for one that is not complete in `leaves`.
fn from_leaves(leaves: &[Hash]) -> impl FnMut(u32, u64) -> Result<Hash, Infallible> + '_ {
    |level, index| {
        let start = (index << level) as usize;
        Ok(naive(&leaves[start..start + (1 << level)]))
    }
}

fn sound<T>(result: Result<Option<T>, Infallible>) -> T {
    result.expect("infallible").expect("the place exists")
}

#[test]
fn the_frontier_has_the_root_of_the_definition() {
    let all = leaves(300);
    let mut frontier = Frontier::new();
    for (size, leaf) in all.iter().enumerate() {
        assert_eq!(frontier.root(), naive(&all[..size]), "{size}");
        assert_eq!(frontier, Frontier::read(size as u64, from_leaves(&all)).expect("infallible"));
        frontier.append(*leaf);
    }
}

#[test]
fn every_inclusion_proof_is_that_of_the_definition_and_verifies_at_its_place_only() {
    for size in 1..=70u64 {
        let leaves = leaves(size);
        let root = naive(&leaves);
        for index in 0..size {
            let path = sound(inclusion(index, size, from_leaves(&leaves)));
            assert_eq!(path, naive_path(index as usize, &leaves));
            let leaf = &leaves[index as usize];
            for other in 0..=size {
                assert_eq!(verify_inclusion(leaf, other, size, &path, &root), other == index, "{index} of {size}");
            }
            let mut longer = path.clone();
            longer.push(root);
            assert!(!verify_inclusion(leaf, index, size, &longer, &root));
            assert!(path.is_empty() || !verify_inclusion(leaf, index, size, &path[1..], &root));
            assert!(path.is_empty() || !verify_inclusion(leaf, index, size, &path[..path.len() - 1], &root));
        }
        assert_eq!(inclusion(size, size, from_leaves(&leaves)), Ok(None));
    }
}

#[test]
fn every_consistency_proof_is_that_of_the_definition_and_verifies_for_its_sizes_only() {
    let all = leaves(70);
    let roots: Vec<Hash> = (0..=all.len()).map(|size| naive(&all[..size])).collect();
    for new in 0..=all.len() {
        for old in 0..=new {
            let proof = sound(consistency(old as u64, new as u64, from_leaves(&all)));
            let expected = if old == 0 { Vec::new() } else { naive_consistency(old, &all[..new], true) };
            assert_eq!(proof, expected, "{old} to {new}");
            let verify = |old_root: &Hash, new_root: &Hash, proof: &[Hash]| {
                verify_consistency(old as u64, old_root, new as u64, new_root, proof)
            };
            assert_eq!(verify(&roots[old], &roots[new], &proof), Ok(()), "{old} to {new}");
            assert!(verify(&[1; 32], &roots[new], &proof).is_err());
            assert_eq!(verify(&roots[old], &[1; 32], &proof).is_ok(), old == 0 && new != 0);
            let mut longer = proof.clone();
            longer.push([0; 32]);
            assert_eq!(verify(&roots[old], &roots[new], &longer), Err(Inconsistent::Length));
            let shorter = proof.split_last().map(|(_, rest)| verify(&roots[old], &roots[new], rest));
            assert!(shorter.is_none_or(|result| result.is_err()));
            for place in 0..proof.len() {
                let mut other = proof.clone();
                other[place][0] ^= 1;
                assert!(verify(&roots[old], &roots[new], &other).is_err(), "{old} to {new} at {place}");
            }
        }
        let back = verify_consistency(new as u64 + 1, &roots[new], new as u64, &roots[new], &[]);
        assert_eq!(back, Err(Inconsistent::Sizes));
        assert_eq!(consistency(new as u64 + 1, new as u64, from_leaves(&all)), Ok(None));
    }
}

#[test]
fn a_doubled_last_entry_changes_the_root_and_a_node_is_no_leaf() {
    let all = leaves(3);
    assert_ne!(naive(&all), naive(&[all[0], all[1], all[2], all[2]]));
    assert_ne!(leaf_hash(&[all[0], all[1]].concat()), node_hash(&all[0], &all[1]));
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("hex") as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn hashes(list: json::Value<'_>) -> Vec<Hash> {
    let hash = |item: json::Value<'_>| unhex(item.as_text().expect("text")).try_into().expect("32 bytes");
    list.items().expect("array").map(hash).collect()
}

fn member<'a>(object: json::Value<'a>, name: &str) -> json::Value<'a> {
    object.members().expect("object").find(|(found, _)| *found == name).expect("a member of the vectors").1
}

fn number(object: json::Value<'_>, name: &str) -> u64 {
    member(object, name).as_number().expect("number").parse().expect("unsigned")
}

#[test]
fn the_vectors_of_certificate_transparency() {
    let text = include_bytes!("../../../../tests/vectors/rfc6962.json");
    let mut tokens = json::Tokens::default();
    let document = json::parse(text, &mut tokens).expect("the vectors are JSON");
    let entries: Vec<Vec<u8>> = member(document.root(), "entries")
        .items()
        .expect("array")
        .map(|entry| unhex(entry.as_text().expect("text")))
        .collect();
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let roots = hashes(member(document.root(), "roots"));
    assert_eq!(roots.len(), 9);
    for (size, expected) in roots.iter().enumerate() {
        assert_eq!(root(&entries[..size]), *expected);
    }
    for case in member(document.root(), "inclusion").items().expect("array") {
        let (index, size, path) = (number(case, "index"), number(case, "size"), hashes(member(case, "path")));
        assert_eq!(sound(inclusion(index, size, from_leaves(&leaves))), path);
        assert!(verify_inclusion(&leaves[index as usize], index, size, &path, &roots[size as usize]));
    }
    for case in member(document.root(), "consistency").items().expect("array") {
        let (old, new, proof) = (number(case, "old"), number(case, "new"), hashes(member(case, "proof")));
        assert_eq!(sound(consistency(old, new, from_leaves(&leaves))), proof);
        assert_eq!(verify_consistency(old, &roots[old as usize], new, &roots[new as usize], &proof), Ok(()));
    }
}
