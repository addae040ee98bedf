//! Fingerprints of digests to places: open addressing over 16-byte slots, several candidates where fingerprints agree.

use farechain_core::digest::Digest;

/// The ledger's own secret, so that nobody can choose digests whose fingerprints agree.
pub type Secret = [u64; 2];

const EMPTY: u64 = 0;
const FIRST_SLOTS: usize = 1024;

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// [`EMPTY`] where the slot is free.
    fingerprint: u64,
    place: u64,
}

/// The table.
#[derive(Debug, Clone)]
pub struct Table {
    secret: Secret,
    slots: Vec<Slot>,
    used: usize,
}

impl Table {
    /// An empty table.
    pub fn new(secret: Secret) -> Table {
        Table { secret, slots: vec![Slot { fingerprint: EMPTY, place: 0 }; FIRST_SLOTS], used: 0 }
    }

    /// The secret that fingerprints depend on.
    pub fn secret(&self) -> Secret {
        self.secret
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Adds an entry; does not look for an earlier one.
    pub fn insert(&mut self, digest: &Digest, place: u64) {
        self.insert_fingerprint(self.fingerprint(digest), place);
    }

    /// The places of all entries whose fingerprint agrees, oldest first.
    pub fn candidates(&self, digest: &Digest) -> impl Iterator<Item = u64> + '_ {
        let fingerprint = self.fingerprint(digest);
        let mask = self.slots.len() - 1;
        let start = fingerprint as usize & mask;
        (0..self.slots.len())
            .map(move |i| self.slots[(start + i) & mask])
            .take_while(|slot| slot.fingerprint != EMPTY)
            .filter(move |slot| slot.fingerprint == fingerprint)
            .map(|slot| slot.place)
    }

    /// Every entry as (fingerprint, place), in no order that means anything.
    pub fn entries(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.slots.iter().filter(|slot| slot.fingerprint != EMPTY).map(|slot| (slot.fingerprint, slot.place))
    }

    /// Adds an entry that [`Table::entries`] gave.
    pub fn insert_fingerprint(&mut self, fingerprint: u64, place: u64) {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        self.place(Slot { fingerprint, place });
        self.used += 1;
    }

    fn place(&mut self, slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut at = slot.fingerprint as usize & mask;
        while self.slots[at].fingerprint != EMPTY {
            at = (at + 1) & mask;
        }
        self.slots[at] = slot;
    }

    fn grow(&mut self) {
        let doubled = vec![Slot { fingerprint: EMPTY, place: 0 }; self.slots.len() * 2];
        let mut old: Vec<Slot> = std::mem::replace(&mut self.slots, doubled);
        // Entries with one fingerprint must stay in the order of their places.
        old.retain(|slot| slot.fingerprint != EMPTY);
        old.sort_unstable_by_key(|slot| slot.place);
        old.into_iter().for_each(|slot| self.place(slot));
    }

    /// Bytes of memory.
    pub fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }

    fn fingerprint(&self, digest: &Digest) -> u64 {
        let word = |at: usize| u64::from_le_bytes(digest[at..at + 8].try_into().expect("8 bytes"));
        let mix = |a: u64, b: u64| {
            let product = u128::from(a) * u128::from(b);
            product as u64 ^ (product >> 64) as u64
        };
        let [k0, k1] = self.secret;
        let mixed = mix(word(0) ^ k0, word(8) ^ k1) ^ mix(word(16) ^ k1, word(24) ^ k0);
        mix(mixed ^ k0, 0x9E37_79B9_7F4A_7C15 ^ k1).max(EMPTY + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farechain_core::digest::leaf;

    #[test]
    fn what_went_in_is_found_and_nothing_else() {
        let mut table = Table::new([1, 2]);
        for i in 0..50_000u64 {
            table.insert(&leaf(&i.to_be_bytes()), i);
        }
        for i in 0..50_000u64 {
            assert_eq!(table.candidates(&leaf(&i.to_be_bytes())).collect::<Vec<_>>(), [i]);
        }
        assert_eq!(
            (50_000..100_000u64).filter(|i| table.candidates(&leaf(&i.to_be_bytes())).next().is_some()).count(),
            0
        );
        table.insert(&leaf(&7u64.to_be_bytes()), 60_000);
        assert_eq!(table.candidates(&leaf(&7u64.to_be_bytes())).collect::<Vec<_>>(), [7, 60_000]);
    }
}
