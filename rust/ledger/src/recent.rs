//! What was used last, within a bound of bytes: the longest unused leaves first.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

/// What an entry costs beside its value, roughly: its places in the map and in the order.
const ENTRY_BYTES: usize = 128;

/// Values that may be made again at any time. A value that is in use outlives its entry.
#[derive(Debug)]
pub struct Recent<K, V> {
    bytes_max: usize,
    bytes: usize,
    uses: u64,
    entries: HashMap<K, Entry<V>>,
    order: BTreeMap<u64, K>,
}

#[derive(Debug)]
struct Entry<V> {
    value: Arc<V>,
    bytes: usize,
    used: u64,
}

impl<K: Copy + Eq + Hash, V> Recent<K, V> {
    /// Keeps nothing yet, and never more than that many bytes.
    pub fn new(bytes_max: usize) -> Recent<K, V> {
        Recent { bytes_max, bytes: 0, uses: 0, entries: HashMap::new(), order: BTreeMap::new() }
    }

    /// The value of a key, if it is still here; it is now the one used last.
    pub fn get(&mut self, key: &K) -> Option<Arc<V>> {
        let entry = self.entries.get_mut(key)?;
        self.order.remove(&entry.used);
        self.uses += 1;
        entry.used = self.uses;
        self.order.insert(self.uses, *key);
        Some(Arc::clone(&entry.value))
    }

    /// Keeps a value of that many bytes, unless it is larger than the whole bound.
    pub fn insert(&mut self, key: K, value: Arc<V>, value_bytes: usize) {
        self.remove(&key);
        let bytes = value_bytes + ENTRY_BYTES;
        if bytes > self.bytes_max {
            return;
        }
        while self.bytes + bytes > self.bytes_max {
            let Some((_, longest_unused)) = self.order.pop_first() else { break };
            self.remove(&longest_unused);
        }
        self.uses += 1;
        self.bytes += bytes;
        self.order.insert(self.uses, key);
        self.entries.insert(key, Entry { value, bytes, used: self.uses });
    }

    fn remove(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            self.order.remove(&entry.used);
            self.bytes -= entry.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(recent: &Recent<u64, u64>) -> Vec<u64> {
        recent.order.values().copied().collect()
    }

    #[test]
    fn the_longest_unused_leaves_when_the_bound_is_reached() {
        let mut recent = Recent::new(3 * (ENTRY_BYTES + 100));
        for key in 0..3 {
            recent.insert(key, Arc::new(key * 10), 100);
        }
        assert_eq!(recent.get(&0).as_deref(), Some(&0));
        recent.insert(3, Arc::new(30), 100);
        assert_eq!(kept(&recent), [2, 0, 3]);
        assert_eq!(recent.get(&1), None);
        recent.insert(4, Arc::new(40), 150);
        assert_eq!(kept(&recent), [3, 4], "a larger one makes room for itself");
        assert!(recent.bytes <= recent.bytes_max);
    }

    #[test]
    fn a_key_has_one_value_and_one_that_is_too_large_is_not_kept() {
        let mut recent = Recent::new(1000);
        recent.insert(1, Arc::new(10), 100);
        recent.insert(1, Arc::new(11), 200);
        assert_eq!((recent.get(&1).as_deref(), recent.bytes), (Some(&11), 200 + ENTRY_BYTES));
        recent.insert(1, Arc::new(12), 1000);
        assert_eq!((recent.get(&1), recent.bytes, kept(&recent)), (None, 0, Vec::new()));
    }
}
