//! The map against a sorted map of the same changes: roots, proofs, views, files, whatever the keys and limits.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use farechain_core::digest::{Digest, leaf};
use farechain_core::state_map::{self, Entry as Plain};
use proptest::prelude::*;

use super::*;

pub(super) type Model = BTreeMap<Digest, Digest>;

/// So small that everything happens: buckets part, files are written again, the journal is forgotten.
pub(super) const TINY: Limits =
    Limits { bucket_entries: 3, pending_entries: 40, journal_bytes: 9000, segment_bytes: 2000 };

/// A directory that ends with the test, in memory where there is such a place: what syncing costs is not tested.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Scratch {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("state-map-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let memory = PathBuf::from("/dev/shm");
        let path = if memory.is_dir() { memory } else { std::env::temp_dir() }.join(name);
        std::fs::create_dir_all(&path).expect("a scratch directory");
        Scratch(path)
    }

    pub(super) fn map(&self) -> PathBuf {
        self.0.join("state")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) fn position(blocks: u64) -> Position {
    Position { blocks, head: leaf(&blocks.to_be_bytes()) }
}

pub(super) fn fresh(scratch: &Scratch, limits: Limits) -> StateMap {
    Rebuild::new(&scratch.map(), limits).expect("begun").finish(Position::default()).expect("an empty map")
}

pub(super) fn reopened(scratch: &Scratch, limits: Limits) -> StateMap {
    StateMap::open(&scratch.map(), limits, |_| true).expect("readable").expect("a good map")
}

/// What is held of a value; its place says which it is, so that a mix-up shows.
pub(super) fn held(hash: Digest) -> Held {
    Held { hash, place: u64::from_be_bytes(hash[..8].try_into().expect("eight bytes")) }
}

pub(super) fn entry((key, value): Plain) -> Entry {
    (key, held(value))
}

/// The latest of some changes, as the map takes them.
pub(super) fn latest(changes: impl IntoIterator<Item = Plain>) -> Vec<Entry> {
    changes::latest(changes.into_iter().map(entry).collect())
}

pub(super) fn root_of(model: &Model) -> Digest {
    state_map::root(&model.iter().map(|(key, value)| (*key, *value)).collect::<Vec<_>>())
}

pub(super) fn number(i: u32) -> Plain {
    (leaf(&i.to_be_bytes()), leaf(&[i.to_be_bytes(), [1; 4]].concat()))
}

pub(super) fn check(view: &View, model: &Model, strangers: &[Digest]) {
    let entries: Vec<Plain> = model.iter().map(|(key, value)| (*key, *value)).collect();
    assert_eq!(view.root(), state_map::root(&entries));
    assert_eq!(view.count(), model.len() as u64);
    for key in strangers.iter().chain(model.keys()) {
        let Shown { proof, held: found } = view.prove(key).expect("readable");
        assert_eq!(proof, state_map::prove(&entries, key));
        assert_eq!(found, model.get(key).map(|value| held(*value)));
        assert_eq!(proof.verify(&view.root(), key), Ok(model.get(key).copied()));
        assert_eq!(view.get(key).expect("readable"), model.get(key).copied());
    }
}

/// Keys that crowd in few first bytes and agree far beyond, and others.
fn crowded() -> impl Strategy<Value = Digest> {
    let one = (0usize..32, prop_oneof![0u8..4, Just(0x80), any::<u8>()]);
    let near = prop::collection::vec(one, 0..3).prop_map(|places| {
        let mut key = [0; 32];
        places.into_iter().for_each(|(at, byte)| key[at] = byte);
        key
    });
    prop_oneof![3 => near, 1 => any::<[u8; 32]>()]
}

fn batches() -> impl Strategy<Value = Vec<Vec<Plain>>> {
    prop::collection::vec(prop::collection::vec((crowded(), any::<[u8; 32]>()), 0..40), 1..16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn the_map_says_what_a_sorted_map_says(
        batches in batches(),
        bucket_entries in 1u16..6,
        strangers in prop::collection::vec(crowded(), 0..20),
        reopen in any::<prop::sample::Index>(),
    ) {
        let scratch = Scratch::new();
        let limits = Limits { bucket_entries, ..TINY };
        let (mut map, mut model, mut changes) = (fresh(&scratch, limits), Model::new(), Changes::default());
        let reopen = reopen.index(batches.len());
        for (height, batch) in batches.iter().enumerate() {
            let before = (map.view(), model.clone());
            batch.iter().for_each(|(key, value)| changes.push(*key, held(*value)));
            model.extend(batch.iter().copied());
            let root = map.apply(position(height as u64 + 1), &changes.take()).expect("applied");
            prop_assert_eq!(root, root_of(&model));
            prop_assert!(map.view.pending() <= TINY.pending_entries);
            if height == reopen {
                map = reopened(&scratch, limits);
            }
            // A view is of its root, whatever was applied and written again since.
            if height % 4 == 0 {
                check(&before.0, &before.1, &strangers);
            }
        }
        check(&map.view(), &model, &strangers);
        drop(map);
        let map = reopened(&scratch, limits);
        prop_assert_eq!(map.position(), position(batches.len() as u64));
        check(&map.view(), &model, &strangers);
    }

    #[test]
    fn a_map_made_from_all_changes_is_the_map_that_was_kept(batches in batches()) {
        let (kept, made) = (Scratch::new(), Scratch::new());
        let mut map = fresh(&kept, TINY);
        let mut rebuild = Rebuild::new(&made.map(), TINY).expect("begun");
        for (height, batch) in batches.iter().enumerate() {
            map.apply(position(height as u64 + 1), &latest(batch.iter().copied())).expect("applied");
            batch.iter().try_for_each(|(key, value)| rebuild.push(*key, held(*value))).expect("pushed");
        }
        let rebuilt = rebuild.finish(map.position()).expect("made");
        prop_assert_eq!((rebuilt.root(), rebuilt.view().count()), (map.root(), map.view().count()));
        prop_assert_eq!(rebuilt.position(), map.position());
    }

    #[test]
    fn a_set_hashed_in_lanes_has_the_root_of_the_rules(
        entries in prop::collection::btree_map(crowded(), any::<[u8; 32]>(), 0..300),
    ) {
        let entries: Vec<Plain> = entries.into_iter().collect();
        let in_lanes = hashing::root(&latest(entries.iter().copied()));
        prop_assert_eq!(in_lanes, state_map::root(&entries));
    }

    #[test]
    fn merging_is_that_of_sorted_maps(older in prop::collection::btree_map(crowded(), any::<[u8; 32]>(), 0..30),
                                      newer in prop::collection::btree_map(crowded(), any::<[u8; 32]>(), 0..30)) {
        let both: Model = older.iter().chain(&newer).map(|(key, value)| (*key, *value)).collect();
        let listed = |map: Model| latest(map);
        prop_assert_eq!(merge::merged(&listed(older), &listed(newer)), listed(both));
    }
}

#[test]
fn runs_of_a_rebuild_are_merged_the_latest_value_last() {
    let scratch = Scratch::new();
    let mut rebuild = Rebuild::new(&scratch.map(), Limits::default()).expect("begun");
    let mut model = Model::new();
    for i in 0..1_100_000u32 {
        let (key, value) = (number(i % 600_000).0, number(i).1);
        rebuild.push(key, held(value)).expect("pushed");
        model.insert(key, value);
    }
    let map = rebuild.finish(position(9)).expect("made");
    assert_eq!((map.root(), map.view().count()), (root_of(&model), 600_000));
    assert!(map.memory_bytes() < 2_000_000, "{}", map.memory_bytes());
    for i in (0..1_100_000).step_by(99_991) {
        let key = number(i).0;
        let proof = map.view().prove(&key).expect("readable").proof;
        assert_eq!(proof.verify(&map.root(), &key), Ok(model.get(&key).copied()));
        assert!(proof.to_bytes().len() < 1000);
    }
}

/// A million keys in one bucket is what 2^40 of work would give; bits beyond the shard's are the same here, at any depth.
#[test]
fn crafted_prefixes_make_a_longer_way_and_no_larger_bucket() {
    let scratch = Scratch::new();
    let mut map = fresh(&scratch, Limits::default());
    let crafted = |i: u32| {
        let (mut key, value) = number(i);
        key[..8].fill(7);
        (key, value)
    };
    map.apply(position(1), &latest((0..100_000).map(crafted))).expect("applied");
    map.apply(position(2), &[entry(crafted(100_001))]).expect("applied");
    let mut proof = map.view().prove(&crafted(5).0).expect("readable").proof;
    assert_eq!(proof.verify(&map.root(), &crafted(5).0), Ok(Some(crafted(5).1)));
    proof.steps.retain(|step| step.bit < 64);
    assert_eq!(proof.steps, []);
    let chain: Vec<Plain> = (0..=255u8).map(|i| (flipped(i), leaf(&[i]))).collect();
    let root = map.apply(position(3), &latest(chain.iter().copied())).expect("applied");
    for (key, value) in &chain {
        assert_eq!(map.view().prove(key).expect("readable").proof.verify(&root, key), Ok(Some(*value)));
    }
}

fn flipped(bit: u8) -> Digest {
    let mut key = [0; 32];
    key[usize::from(bit / 8)] = 0x80 >> (bit % 8);
    key
}

#[test]
fn changes_keep_the_latest_value_of_each_key_and_stay_bounded() {
    let mut changes = Changes::default();
    for i in 0..1_000_000u32 {
        changes.push(number(i % 1000).0, held(number(i).1));
    }
    assert!(changes.are_many() && !changes.is_empty());
    let taken = changes.take();
    let expected: Model = (999_000..1_000_000).map(|i| (number(i % 1000).0, number(i).1)).collect();
    assert_eq!(taken, latest(expected));
    assert!(changes.is_empty());
}

#[test]
fn changes_out_of_order_or_of_the_past_are_refused_and_nothing_has_happened() {
    let scratch = Scratch::new();
    let mut map = fresh(&scratch, TINY);
    let mut pair = [number(1), number(2)].map(entry);
    pair.sort_unstable_by_key(|(key, _)| *key);
    let root = map.apply(position(5), &pair).expect("applied");
    for wrong in [[pair[1], pair[0]], [pair[0], pair[0]]] {
        assert!(matches!(map.apply(position(6), &wrong), Err(LedgerError::Invalid(_))));
    }
    assert!(matches!(map.apply(position(4), &[]), Err(LedgerError::Invalid(_))));
    assert_eq!((map.root(), map.position()), (root, position(5)));
    assert_eq!(map.apply(position(6), &[]), Ok(root));
    assert_eq!(reopened(&scratch, TINY).position(), position(6));
}

#[test]
fn a_key_that_changes_for_ever_does_not_grow_the_journal() {
    let scratch = Scratch::new();
    let mut map = fresh(&scratch, TINY);
    for i in 0..400 {
        map.apply(position(u64::from(i) + 1), &[entry((number(1).0, number(i).1))]).expect("applied");
        assert!(map.journal.bytes() <= TINY.journal_bytes, "{}", map.journal.bytes());
    }
    assert_eq!(reopened(&scratch, TINY).view().get(&number(1).0), Ok(Some(number(399).1)));
}
