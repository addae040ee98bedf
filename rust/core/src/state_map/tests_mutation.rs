//! What must be refused: every changed byte, every cut, every longer or shorter way, and every way to hide a key.

use alloc::vec::Vec;

use proptest::prelude::*;

use super::tests::{chain, crowded};
use super::*;
use crate::digest;

fn entries(count: u32) -> Vec<Entry> {
    let mut entries: Vec<Entry> = (0..count)
        .map(|i| (digest::leaf(&i.to_be_bytes()), digest::leaf(&[i.to_be_bytes(), [7; 4]].concat())))
        .collect();
    entries.sort_unstable();
    entries
}

#[test]
fn every_changed_byte_is_refused() {
    for count in [0, 1, 2, 3, 8, 40] {
        let entries = entries(count);
        let root = root(&entries);
        let stranger = digest::leaf(b"stranger");
        for key in entries.iter().map(|(key, _)| key).take(4).chain([&stranger]) {
            let proof = prove(&entries, key).to_bytes();
            for at in 0..proof.len() {
                for change in 1..=255 {
                    let mut changed = proof.clone();
                    changed[at] ^= change;
                    assert!(verify(&root, key, &changed).is_err(), "{count}: byte {at} ^ {change}");
                }
                assert_eq!(verify(&root, key, &proof[..at]), Err(Refused::Form));
            }
            assert_eq!(verify(&root, key, &[&proof[..], &[0]].concat()), Err(Refused::Form));
        }
    }
}

#[test]
fn a_proof_is_of_its_key_and_its_root() {
    let entries = entries(50);
    let (root, older) = (root(&entries), root(&entries[1..]));
    let proof = prove(&entries, &entries[10].0);
    for (key, _) in &entries {
        assert_eq!(proof.verify(&root, key).is_ok(), *key == entries[10].0);
    }
    assert_eq!(proof.verify(&older, &entries[10].0), Err(Refused::Root));
}

#[test]
fn a_longer_shorter_or_unordered_way_is_refused() {
    let entries = entries(50);
    let root = root(&entries);
    let key = entries[20].0;
    let proof = prove(&entries, &key);
    for at in 0..proof.steps.len() {
        let mut shorter = proof.clone();
        let step = shorter.steps.remove(at);
        assert_eq!(shorter.verify(&root, &key), Err(Refused::Root));
        let mut twice = proof.clone();
        twice.steps.insert(at, step);
        assert_eq!(twice.verify(&root, &key), Err(Refused::Form));
        assert_eq!(verify(&root, &key, &twice.to_bytes()), Err(Refused::Form));
        let mut swapped = proof.clone();
        swapped.steps.swap(0, at);
        assert_eq!(swapped.verify(&root, &key).is_ok(), at == 0);
    }
    for bit in 0..=255 {
        let mut longer = proof.clone();
        longer.steps.push(Step { bit, sibling: [7; 32] });
        assert!(longer.verify(&root, &key).is_err());
    }
}

/// Whoever wants to hide a key has the whole tree: another entry, its true way, and any claim of where the ways part.
#[test]
fn no_entry_can_stand_in_for_a_key_that_is_there() {
    for entries in [entries(40), chain()] {
        let root = root(&entries);
        for (key, _) in entries.iter().step_by(7) {
            for other in entries.iter().filter(|(other, _)| other != key) {
                let mut hidden = prove(&entries, &other.0);
                hidden.found = Found::Other(*other);
                assert_eq!(hidden.verify(&root, key), Err(Refused::Place));
                // Relabelled to bits at which both agree.
                let mut agreed = (0..=255).filter(|at| bit(key, *at) == bit(&other.0, *at));
                hidden.steps.iter_mut().for_each(|step| step.bit = agreed.next().unwrap_or(255));
                assert!(hidden.verify(&root, key).is_err());
            }
            let mut own = prove(&entries, key);
            let Found::Value(value) = own.found else { panic!("the key is there") };
            own.found = Found::Other((*key, value));
            assert_eq!(own.verify(&root, key), Err(Refused::Place));
        }
    }
}

/// A node's 64 bytes offered as an entry, and an entry's as a node.
#[test]
fn a_node_is_no_entry_and_an_entry_no_node() {
    let entries = entries(2);
    let (left, right) = (leaf(&entries[0]), leaf(&entries[1]));
    let top = root(&entries);
    for key in [left, right] {
        let as_entry = Proof { steps: Vec::new(), found: Found::Value(if key == left { right } else { left }) };
        assert_eq!(as_entry.verify(&top, &key), Err(Refused::Root));
    }
    let alone = root(&entries[..1]);
    for bit in 0..=255 {
        let (key, value) = entries[0];
        let as_node = Proof { steps: [Step { bit, sibling: value }].into(), found: Found::Value(key) };
        assert_eq!(as_node.verify(&alone, &key), Err(Refused::Root));
    }
    let nothing = Proof { steps: Vec::new(), found: Found::Nothing };
    assert_eq!(nothing.verify(&top, &left), Err(Refused::Root));
    assert_eq!(nothing.verify(&empty(), &left), Ok(None));
    let deeper = Proof { steps: [Step { bit: 0, sibling: [0; 32] }].into(), found: Found::Nothing };
    assert_eq!(deeper.verify(&empty(), &left), Err(Refused::Form));
}

#[test]
fn other_spellings_are_refused() {
    let entries = entries(2);
    let root = root(&entries);
    let key = entries[0].0;
    let proof = prove(&entries, &key).to_bytes();
    let (head, rest) = proof.split_at(2);
    assert_eq!(head, [0x85, 1]);
    assert!(verify(&root, &key, &[&[0x85, 0x18, 1], rest].concat()).is_err());
    assert!(verify(&root, &key, &[&[0x98, 5, 1], rest].concat()).is_err());
    assert!(verify(&root, &key, &[&[0x85, 2], rest].concat()).is_err());
    assert!(verify(&root, &key, &[&[0x86, 1], rest, &[0xF6]].concat()).is_err());
}

proptest! {
    #[test]
    fn bytes_that_are_read_are_written_the_same(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(proof) = Proof::from_bytes(&bytes) {
            prop_assert_eq!(proof.to_bytes(), bytes);
        }
    }

    #[test]
    fn crowded_proofs_with_a_changed_byte_are_refused(
        map in prop::collection::btree_map(crowded(), any::<[u8; 32]>(), 1..40),
        key in crowded(),
        at in any::<prop::sample::Index>(),
        change in 1u8..=255,
    ) {
        let entries: Vec<Entry> = map.into_iter().collect();
        let mut proof = prove(&entries, &key).to_bytes();
        let at = at.index(proof.len());
        proof[at] ^= change;
        prop_assert!(verify(&root(&entries), &key, &proof).is_err());
    }
}
