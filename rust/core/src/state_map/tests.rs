//! Roots and proofs against the definition over a sorted map, for keys that share from none to nearly all of their bits.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::digest;

/// The definition, word by word: at the first bit at which the keys part, those with 0 to the left, those with 1 to the right.
fn naive(entries: &BTreeMap<Digest, Digest>, at: u16) -> Digest {
    if entries.len() < 2 {
        return entries.iter().next().map_or_else(empty, |(key, value)| leaf(&(*key, *value)));
    }
    let at = u8::try_from(at).expect("two keys differ before bit 256");
    let (right, left): (BTreeMap<Digest, Digest>, _) = entries.iter().partition(|(key, _)| bit(key, at));
    match (left.is_empty(), right.is_empty()) {
        (false, false) => node(at, &naive(&left, u16::from(at) + 1), &naive(&right, u16::from(at) + 1)),
        _ => naive(entries, u16::from(at) + 1),
    }
}

fn listed(map: &BTreeMap<Digest, Digest>) -> Vec<Entry> {
    map.iter().map(|(key, value)| (*key, *value)).collect()
}

/// Keys crowd: few values of a byte at any place, all else zero, so that many agree up to any bit.
pub(super) fn crowded() -> impl Strategy<Value = Digest> {
    let one = (0usize..32, prop_oneof![0u8..4, Just(0x80), any::<u8>()]);
    prop_oneof![
        prop::collection::vec(one, 0..3).prop_map(|places| {
            let mut key = [0; 32];
            places.into_iter().for_each(|(at, byte)| key[at] = byte);
            key
        }),
        any::<[u8; 32]>(),
    ]
}

proptest! {
    #[test]
    fn a_root_is_that_of_the_definition_in_whatever_order_entries_came(
        entries in prop::collection::vec((crowded(), any::<[u8; 32]>()), 0..60),
    ) {
        let map: BTreeMap<Digest, Digest> = entries.iter().copied().collect();
        let mut latest = entries.clone();
        latest.reverse();
        latest.sort_by_key(|(key, _)| *key);
        latest.dedup_by_key(|(key, _)| *key);
        prop_assert_eq!(root(&latest), naive(&map, 0));
        prop_assert_eq!(&latest, &listed(&map));
    }

    #[test]
    fn a_proof_says_what_the_map_says(
        entries in prop::collection::btree_map(crowded(), any::<[u8; 32]>(), 0..60),
        strangers in prop::collection::vec(crowded(), 0..40),
    ) {
        let listed = listed(&entries);
        let root = root(&listed);
        for key in strangers.iter().chain(entries.keys()) {
            let proof = prove(&listed, key);
            let bytes = proof.to_bytes();
            prop_assert!(bytes.len() <= MAX_PROOF_BYTES);
            prop_assert_eq!(Proof::from_bytes(&bytes), Ok(proof));
            prop_assert_eq!(verify(&root, key, &bytes), Ok(entries.get(key).copied()));
        }
    }

    #[test]
    fn a_root_changes_with_every_entry(
        entries in prop::collection::btree_map(crowded(), any::<[u8; 32]>(), 1..30),
        at in any::<prop::sample::Index>(),
    ) {
        let all = listed(&entries);
        let mut fewer = all.clone();
        let (key, value) = fewer.remove(at.index(all.len()));
        let mut other = entries.clone();
        other.insert(key, digest::leaf(&value));
        prop_assert_ne!(root(&all), root(&fewer));
        prop_assert_ne!(root(&all), root(&listed_of(other)));
    }
}

fn listed_of(map: BTreeMap<Digest, Digest>) -> Vec<Entry> {
    map.into_iter().collect()
}

#[test]
fn bits_are_counted_from_the_highest_of_the_first_byte() {
    let mut key = [0; 32];
    key[0] = 0x80;
    key[31] = 1;
    let set: Vec<u8> = (0..=255).filter(|at| bit(&key, *at)).collect();
    assert_eq!(set, [0, 255]);
    assert_eq!(parting(&key, &[0; 32]), Some(0));
    assert_eq!(parting(&key, &key), None);
    key[0] = 0;
    assert_eq!(parting(&key, &[0; 32]), Some(255));
}

/// A chain of 256 nodes, the deepest there is: key i parts from the last one at bit i.
pub(super) fn chain() -> Vec<Entry> {
    let mut keys: Vec<Digest> = (0..256usize).map(|i| core::array::from_fn(|at| flipped(i, at))).collect();
    keys.push([0xFF; 32]);
    keys.sort_unstable();
    keys.into_iter().map(|key| (key, digest::leaf(&key))).collect()
}

fn flipped(i: usize, at: usize) -> u8 {
    if at == i / 8 { 0xFF ^ (0x80 >> (i % 8)) } else { 0xFF }
}

#[test]
fn the_deepest_tree_has_the_longest_proof() {
    let entries = chain();
    let root = root(&entries);
    let last = prove(&entries, &[0xFF; 32]);
    assert_eq!(last.steps.len(), 256);
    assert_eq!(verify(&root, &[0xFF; 32], &last.to_bytes()), Ok(Some(digest::leaf(&[0xFF; 32]))));
    let mut longest = last.clone();
    longest.found = Found::Other(entries[0]);
    assert_eq!(longest.to_bytes().len(), MAX_PROOF_BYTES);
    for (key, value) in &entries {
        assert_eq!(prove(&entries, key).verify(&root, key), Ok(Some(*value)));
    }
}

#[test]
fn leaf_node_and_empty_are_hashes_of_different_kinds() {
    let (a, b) = (digest::leaf(b"a"), digest::leaf(b"b"));
    let nodes: Vec<Digest> = (0..=255).map(|bit| node(bit, &a, &b)).collect();
    let mut all = nodes.clone();
    all.extend([leaf(&(a, b)), digest::node(&a, &b), digest::leaf(&pair(&a, &b)), empty(), digest::keyed(&NODE, b"")]);
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
    assert_eq!(nodes[0], digest::keyed(&NODE, &pair(&a, &b)));
}
