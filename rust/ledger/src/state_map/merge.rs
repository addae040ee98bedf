//! Two rows of entries as one.

use std::cmp::Ordering;

use super::entry::Entry;

/// Both, in the order of the keys; of a key in both, what `newer` says.
pub(super) fn merged(older: &[Entry], newer: &[Entry]) -> Vec<Entry> {
    let mut all = Vec::with_capacity(older.len() + newer.len());
    let mut rest = older;
    for entry in newer {
        let before = rest.partition_point(|(key, _)| *key < entry.0);
        all.extend_from_slice(&rest[..before]);
        all.push(*entry);
        let same = rest.get(before).is_some_and(|(key, _)| key.cmp(&entry.0) == Ordering::Equal);
        rest = &rest[before + usize::from(same)..];
    }
    all.extend_from_slice(rest);
    all
}
