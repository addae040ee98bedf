//! Digests to records' ordinals: short fingerprints in shards of open addressing, ordered, so that a miss ends early.
//!
//! 40 bits of a keyed hash place an entry: 8 choose the shard, 32 are kept beside the ordinal. The slots of a shard are
//! in the order of their fingerprints, each at its home or behind it: a miss stops at the first larger one, a shard grows
//! by one sweep over both arrays, and entries with one fingerprint stand oldest first.

use farechain_core::digest::Digest;

/// The ledger's own secret, so that nobody can choose digests whose fingerprints agree.
pub type Secret = [u64; 2];

/// Shards of a table: each grows by itself, so that growing stops nobody and never needs all the memory twice.
pub const SHARDS: usize = 256;

/// A fingerprint in the upper half, an ordinal in the lower. Ordinal 0 is genesis, which is in no table: 0 is free.
pub type Slot = u64;

const FREE: Slot = 0;
/// Slots behind the last home at first, so that the last entries need not wrap around.
const OVERHANG: usize = 32;

#[derive(Debug, Clone)]
struct Shard {
    slots: Vec<Slot>,
    homes: usize,
    used: usize,
}

/// The table.
#[derive(Debug, Clone)]
pub struct Table {
    secret: Secret,
    shards: Vec<Shard>,
    recent: Vec<(u8, Slot)>,
}

/// A slot of these parts.
pub fn slot(fingerprint: u32, ordinal: u32) -> Slot {
    u64::from(fingerprint) << 32 | u64::from(ordinal)
}

impl Shard {
    fn new(homes: usize) -> Shard {
        Shard { slots: vec![FREE; homes + OVERHANG], homes, used: 0 }
    }

    fn home(&self, slot: Slot) -> usize {
        (((slot >> 32) * self.homes as u64) >> 32) as usize
    }

    fn insert(&mut self, slot: Slot) {
        if (self.used + 1) * 10 > self.homes * 9 {
            self.grow_to(self.homes * 5 / 4 + 1);
        }
        while !self.place(slot) {
            self.slots.resize(self.slots.len() + OVERHANG, FREE);
        }
        self.used += 1;
    }

    /// Puts a slot in its order and moves those behind it up to the next free one; refused where there is none.
    fn place(&mut self, slot: Slot) -> bool {
        let home = self.home(slot);
        let behind = self.slots[home..].iter().position(|held| *held == FREE || *held > slot);
        let Some(at) = behind.map(|skipped| home + skipped) else { return false };
        let Some(moved) = self.slots[at..].iter().position(|held| *held == FREE) else { return false };
        self.slots.copy_within(at..at + moved, at + 1);
        self.slots[at] = slot;
        true
    }

    fn grow_to(&mut self, homes: usize) {
        *self = Shard::swept(homes, self.slots.iter().copied().filter(|slot| *slot != FREE));
    }

    /// A shard of these slots, which come in their order.
    fn swept(homes: usize, slots: impl Iterator<Item = Slot>) -> Shard {
        let mut shard = Shard::new(homes);
        let mut free_from = 0;
        for slot in slots {
            let at = shard.home(slot).max(free_from);
            if at == shard.slots.len() {
                shard.slots.push(FREE);
            }
            shard.slots[at] = slot;
            free_from = at + 1;
            shard.used += 1;
        }
        shard
    }
}

impl Table {
    /// An empty table.
    pub fn new(secret: Secret) -> Table {
        // First sizes are spread over one step of growth: the shards then grow one after the other, not all at once.
        let shards = (0..SHARDS).map(|shard| Shard::new(64 + shard * 16 / SHARDS)).collect();
        Table { secret, shards, recent: Vec::new() }
    }

    /// The secret that fingerprints depend on.
    pub fn secret(&self) -> Secret {
        self.secret
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.used).sum()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an entry; does not look for an earlier one. `ordinal` is above 0 and grows from call to call.
    pub fn insert(&mut self, digest: &Digest, ordinal: u32) {
        let (shard, fingerprint) = self.place_of(digest);
        let slot = slot(fingerprint, ordinal);
        self.shards[shard].insert(slot);
        self.recent.push((shard as u8, slot));
    }

    /// The ordinals of all entries whose fingerprint agrees, oldest first.
    pub fn candidates(&self, digest: &Digest) -> impl Iterator<Item = u32> + '_ {
        let (shard, fingerprint) = self.place_of(digest);
        let shard = &self.shards[shard];
        let first = slot(fingerprint, 0);
        let held = shard.slots[shard.home(first)..].iter().copied();
        held.take_while(move |held| *held != FREE && held >> 32 <= u64::from(fingerprint))
            .skip_while(move |held| *held < first)
            .map(|held| held as u32)
    }

    /// Brings the cache line where the look-up of this digest starts nearer; has no other effect.
    pub fn prefetch(&self, digest: &Digest) {
        let (shard, fingerprint) = self.place_of(digest);
        let shard = &self.shards[shard];
        farechain_lanes::prefetch(&shard.slots[shard.home(slot(fingerprint, 0))]);
    }

    /// The entries since [`Table::settle`], in the order of shards and slots.
    pub fn recent(&self) -> Vec<(u8, Slot)> {
        let mut recent = self.recent.clone();
        recent.sort_unstable();
        recent
    }

    /// Forgets which entries are recent.
    pub fn settle(&mut self) {
        self.recent.clear();
    }

    /// Fills an empty shard with what a snapshot holds of it, sorted, in one sweep.
    pub fn fill(&mut self, shard: u8, slots: &[Slot]) {
        let place = usize::from(shard);
        let homes = slots.len() * 10 / 9;
        // As in `new`: the shards are to grow one after the other.
        let homes = (homes + homes * place / (4 * SHARDS) + 1).max(self.shards[place].homes);
        self.shards[place] = Shard::swept(homes, slots.iter().copied());
    }

    /// Says that entries of a shard are in no part of a snapshot that is final.
    pub fn keep_recent(&mut self, shard: u8, slots: &[Slot]) {
        self.recent.extend(slots.iter().map(|slot| (shard, *slot)));
    }

    /// Bytes of memory.
    pub fn memory_bytes(&self) -> usize {
        let slots: usize = self.shards.iter().map(|shard| shard.slots.capacity()).sum();
        slots * size_of::<Slot>() + self.recent.capacity() * size_of::<(u8, Slot)>()
    }

    fn place_of(&self, digest: &Digest) -> (usize, u32) {
        let word = |at: usize| u64::from_le_bytes(digest[at..at + 8].try_into().expect("8 bytes"));
        let mix = |a: u64, b: u64| {
            let product = u128::from(a) * u128::from(b);
            product as u64 ^ (product >> 64) as u64
        };
        let [k0, k1] = self.secret;
        let mixed = mix(word(0) ^ k0, word(8) ^ k1) ^ mix(word(16) ^ k1, word(24) ^ k0);
        let hash = mix(mixed ^ k0, 0x9E37_79B9_7F4A_7C15 ^ k1);
        ((hash >> 56) as usize, (hash >> 24) as u32)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use farechain_core::digest::leaf;
    use proptest::prelude::*;

    fn digest(i: u32) -> Digest {
        leaf(&i.to_be_bytes())
    }

    #[test]
    fn what_went_in_is_found_and_nothing_else() {
        let mut table = Table::new([1, 2]);
        for i in 1..300_000 {
            table.insert(&digest(i), i);
        }
        for i in 1..300_000 {
            table.prefetch(&digest(i + 7));
            assert_eq!(table.candidates(&digest(i)).collect::<Vec<_>>(), [i]);
        }
        assert_eq!((300_000..600_000).filter(|i| table.candidates(&digest(*i)).next().is_some()).count(), 0);
        table.insert(&digest(7), 600_000);
        assert_eq!(table.candidates(&digest(7)).collect::<Vec<_>>(), [7, 600_000]);
        assert_eq!(table.len(), 300_000);
        assert!(table.memory_bytes() < 300_000 * (8 * 10 / 7 + 32), "{}", table.memory_bytes());
    }

    fn all(shard: &Shard) -> Vec<Slot> {
        shard.slots.iter().copied().filter(|slot| *slot != FREE).collect()
    }

    proptest! {
        /// Few fingerprints, crowded at both ends, so that they agree, run into each other and over the last home.
        #[test]
        fn a_shard_holds_what_a_sorted_map_holds(
            fingerprints in prop::collection::vec(
                prop_oneof![0u32..6, Just(u32::MAX), (u32::MAX - 6)..u32::MAX, any::<u32>()], 1..600),
            homes in 8usize..80,
        ) {
            let mut shard = Shard::new(homes);
            let mut model: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
            for (ordinal, fingerprint) in (1u32..).zip(&fingerprints) {
                shard.insert(slot(*fingerprint, ordinal));
                model.entry(*fingerprint).or_default().push(ordinal);
            }
            let expected: Vec<Slot> =
                model.iter().flat_map(|(f, ordinals)| ordinals.iter().map(|o| slot(*f, *o))).collect();
            prop_assert_eq!(all(&shard), expected);
            for (at, held) in shard.slots.iter().enumerate().filter(|(_, held)| **held != FREE) {
                let home = shard.home(*held);
                prop_assert!(home <= at && shard.slots[home..at].iter().all(|between| *between != FREE));
            }
            prop_assert_eq!(shard.used, fingerprints.len());
        }

        #[test]
        fn candidates_are_all_ordinals_of_a_digest_oldest_first(keys in prop::collection::vec(0u32..400, 1..3000)) {
            let mut table = Table::new([3, 4]);
            let mut model: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
            for (ordinal, key) in (1u32..).zip(&keys) {
                table.insert(&digest(*key), ordinal);
                model.entry(*key).or_default().push(ordinal);
            }
            let mut loaded = Table::new([3, 4]);
            for entries in table.recent().chunk_by(|a, b| a.0 == b.0) {
                loaded.fill(entries[0].0, &entries.iter().map(|(_, slot)| *slot).collect::<Vec<_>>());
            }
            prop_assert_eq!(loaded.len(), table.len());
            for key in 0..500 {
                let expected = model.get(&key).cloned().unwrap_or_default();
                prop_assert_eq!(table.candidates(&digest(key)).collect::<Vec<_>>(), expected.clone());
                prop_assert_eq!(loaded.candidates(&digest(key)).collect::<Vec<_>>(), expected);
            }
        }
    }
}
