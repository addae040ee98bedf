//! Values that change after their record was written, with what was touched since the snapshot's last final part.

use std::collections::HashMap;
use std::hash::Hash;

/// Values by key.
#[derive(Debug, Clone, Default)]
pub struct Changes<K> {
    values: HashMap<K, u64>,
    touched: Vec<K>,
}

impl<K: Copy + Ord + Hash> Changes<K> {
    /// The value of a key.
    pub fn get(&self, key: K) -> Option<u64> {
        self.values.get(&key).copied()
    }

    /// Sets a value.
    pub fn set(&mut self, key: K, value: u64) {
        self.values.insert(key, value);
        self.touched.push(key);
    }

    /// Adds to a value.
    pub fn add(&mut self, key: K, value: u64) {
        *self.values.entry(key).or_default() += value;
        self.touched.push(key);
    }

    /// All, in the order of the keys.
    pub fn sorted(&self) -> Vec<(K, u64)> {
        let mut all: Vec<(K, u64)> = self.values.iter().map(|(key, value)| (*key, *value)).collect();
        all.sort_unstable();
        all
    }

    /// What was touched since [`Changes::settle`], as it is now, in the order of the keys.
    pub fn recent(&self) -> Vec<(K, u64)> {
        let mut keys = self.touched.clone();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().map(|key| (key, self.values[&key])).collect()
    }

    /// Forgets what was touched.
    pub fn settle(&mut self) {
        self.touched.clear();
    }

    /// Bytes of memory.
    pub fn memory_bytes(&self) -> usize {
        self.values.capacity() * (size_of::<(K, u64)>() + 1) + self.touched.capacity() * size_of::<K>()
    }
}
