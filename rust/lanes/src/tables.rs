//! The tables in memory: which keys have one, bounded in bytes, the longest unused leaving first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use farechain_core::signature::PublicKey;

use crate::table::{KEY_TABLE_BYTES, KeyTable};

/// Tables by key. A table that leaves stays alive until the batch that still reads it is done.
#[derive(Debug)]
pub(crate) struct Tables {
    most: usize,
    resident: Mutex<Resident>,
}

#[derive(Debug, Default)]
struct Resident {
    tables: HashMap<PublicKey, Entry>,
    /// Room given to tables that are being built.
    reserved: usize,
    /// Counts batches: the time of [`Entry::last_used`].
    batch: u64,
}

#[derive(Debug)]
struct Entry {
    table: Arc<KeyTable>,
    last_used: u64,
}

impl Tables {
    pub fn new(bytes_max: usize) -> Tables {
        Tables { most: bytes_max / KEY_TABLE_BYTES, resident: Mutex::default() }
    }

    /// The tables that exist of a batch's keys, in their order; they count as used now.
    pub fn of(&self, keys: &[PublicKey]) -> Vec<Option<Arc<KeyTable>>> {
        let mut resident = self.lock();
        resident.batch += 1;
        let now = resident.batch;
        keys.iter()
            .map(|key| {
                let entry = resident.tables.get_mut(key)?;
                entry.last_used = now;
                Some(entry.table.clone())
            })
            .collect()
    }

    /// Makes room for `wanted` tables and says for how many there is: what the newest batch uses does not leave.
    pub fn reserve(&self, wanted: usize) -> usize {
        if wanted == 0 {
            return 0;
        }
        let mut resident = self.lock();
        let free = self.most.saturating_sub(resident.tables.len() + resident.reserved);
        if free < wanted {
            let now = resident.batch;
            let mut idle: Vec<(u64, PublicKey)> = resident
                .tables
                .iter()
                .filter(|(_, entry)| entry.last_used < now)
                .map(|(key, entry)| (entry.last_used, *key))
                .collect();
            idle.sort_unstable_by_key(|(last_used, _)| *last_used);
            for (_, key) in idle.iter().take(wanted - free) {
                resident.tables.remove(key);
            }
        }
        let given = wanted.min(self.most.saturating_sub(resident.tables.len() + resident.reserved));
        resident.reserved += given;
        given
    }

    /// Takes tables for which room was reserved.
    pub fn insert(&self, built: impl ExactSizeIterator<Item = (PublicKey, Arc<KeyTable>)>) {
        let mut resident = self.lock();
        resident.reserved -= built.len();
        let last_used = resident.batch;
        // Another batch may have built the same table meanwhile: one of the two stays.
        resident.tables.extend(built.map(|(key, table)| (key, Entry { table, last_used })));
    }

    /// Bytes of the tables in memory and being built.
    pub fn bytes(&self) -> usize {
        let resident = self.lock();
        (resident.tables.len() + resident.reserved) * KEY_TABLE_BYTES
    }

    /// The maps stay sound wherever a holder of the lock may have panicked: entries come and go whole.
    fn lock(&self) -> MutexGuard<'_, Resident> {
        self.resident.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use farechain_core::signature::public_key;

    use super::*;
    use crate::packed;
    use crate::portable::point::Extended;

    fn key(seed: u8) -> PublicKey {
        PublicKey::admit(public_key(&[seed; 32])).expect("a real key")
    }

    /// Builds what there is room for of a batch of keys, as the verifier does.
    fn use_all(tables: &Tables, keys: &[PublicKey]) {
        let missing: Vec<PublicKey> =
            keys.iter().zip(tables.of(keys)).filter(|(_, table)| table.is_none()).map(|(key, _)| *key).collect();
        let room = tables.reserve(missing.len());
        let built = missing[..room].iter().map(|key| {
            let point = Extended::decode_negative(&packed::from_bytes(key.as_bytes())).expect("on the curve");
            (*key, Arc::new(KeyTable::new(&point)))
        });
        tables.insert(built);
    }

    fn resident(tables: &Tables, seeds: &[u8]) -> Vec<u8> {
        let resident = tables.lock();
        seeds.iter().copied().filter(|&seed| resident.tables.contains_key(&key(seed))).collect()
    }

    #[test]
    fn the_longest_unused_leaves_and_a_batch_never_evicts_its_own() {
        let tables = Tables::new(3 * KEY_TABLE_BYTES + 1);
        for seed in [1, 2, 3, 1, 4] {
            use_all(&tables, &[key(seed)]);
        }
        assert_eq!(resident(&tables, &[1, 2, 3, 4]), [1, 3, 4]);
        use_all(&tables, &[key(3), key(5), key(6), key(7)]);
        assert_eq!(resident(&tables, &[1, 2, 3, 4, 5, 6, 7]), [3, 5, 6]);
        assert_eq!(tables.bytes(), 3 * KEY_TABLE_BYTES);
        assert_eq!(Tables::new(KEY_TABLE_BYTES - 1).reserve(1), 0);
    }
}
