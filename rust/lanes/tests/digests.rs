//! Every path gives the digests and roots of `farechain_core`, whatever the lengths and however many.

use farechain_core::digest::{self, Digest};
use farechain_core::merkle;
use farechain_lanes::blake3::{self, Hashing, Tree};
use proptest::prelude::*;

/// The paths of this machine. On one without AVX-512 or AVX2 only the others are tested.
fn paths() -> impl Iterator<Item = Hashing> {
    ["portable", "avx2", "avx512"].into_iter().filter_map(Hashing::named)
}

/// Bytes that differ from place to place.
fn message(seed: usize, length: usize) -> Vec<u8> {
    (0..length).map(|i| (seed.wrapping_mul(0x9E37_79B9).wrapping_add(i * 7) >> (i % 4 * 8)) as u8).collect()
}

fn leaves(count: usize) -> Vec<Digest> {
    (0..count as u64).map(|i| digest::leaf(&i.to_be_bytes())).collect()
}

fn check(messages: &[Vec<u8>]) {
    for key in [&digest::INPUT, &digest::LEAF] {
        let expected: Vec<Digest> = messages.iter().map(|message| digest::keyed(key, message)).collect();
        for path in paths() {
            let mut digests = vec![[7; 32]];
            path.keyed_many(key, messages.iter().map(Vec::as_slice), &mut digests);
            assert_eq!(digests[0], [7; 32], "what was there stays");
            for (i, (digest, expected)) in digests[1..].iter().zip(&expected).enumerate() {
                assert_eq!(digest, expected, "{}: {i} of {}, {} bytes", path.name(), messages.len(), messages[i].len());
            }
            assert_eq!(digests.len() - 1, expected.len());
        }
    }
}

#[test]
fn the_fastest_path_is_tested_where_the_machine_has_it() {
    let fastest = paths().last().expect("portable is everywhere");
    assert_eq!(fastest.name(), Hashing::detect().name());
    assert!(Hashing::named("quantum").is_none());
}

#[test]
fn digests_equal_the_oracles_for_all_lengths_alone_and_together() {
    let all: Vec<Vec<u8>> = (0..1100).map(|length| message(length, length)).collect();
    check(&all);
    check(&all.iter().rev().cloned().collect::<Vec<_>>());
    for length in 0..1100 {
        check(&vec![message(length, length); 3]);
    }
}

#[test]
fn digests_equal_the_oracles_for_all_counts_of_one_length() {
    for length in [0, 1, 63, 64, 65, 330, 700, 1024] {
        for count in 0..70 {
            check(&(0..count).map(|i| message(i, length)).collect::<Vec<_>>());
        }
    }
}

#[test]
fn more_messages_than_are_sorted_together_keep_their_order() {
    check(&(0..1500).map(|i| message(i, i * 37 % 1100)).collect::<Vec<_>>());
}

#[test]
fn roots_and_paths_equal_the_oracles_for_all_sizes_to_600() {
    let all = leaves(8192);
    for count in (0..=600).chain([1023, 1024, 1025, 8191, 8192]) {
        let leaves = &all[..count];
        let root = merkle::root(leaves);
        assert_eq!(blake3::merkle_root(leaves), root, "{count}");
        for path in paths() {
            let tree = Tree::with(path, leaves.to_vec());
            assert_eq!(tree.root(), root, "{} {count}", path.name());
            assert_eq!(tree.path(count), None);
            for index in (0..count).step_by(count / 20 + 1).chain(count.checked_sub(1)) {
                assert_eq!(tree.path(index), merkle::path(leaves, index), "{} {index} of {count}", path.name());
            }
        }
    }
}

#[test]
fn messages_in_one_buffer_are_split_at_their_ends() {
    let parts: Vec<&[u8]> = blake3::split(b"xxabcdef", 2, &[3, 3, 8]).collect();
    assert_eq!(parts, [&b"a"[..], b"", b"bcdef"]);
}

proptest! {
    #[test]
    fn digests_equal_the_oracles_for_any_mixture(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..1300), 0..70),
    ) {
        check(&messages);
    }

    #[test]
    fn digests_equal_the_oracles_for_short_mixtures(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..70),
    ) {
        check(&messages);
    }
}
