//! What changed since the last time that the map was applied: the latest value of each key, in memory, bounded.

use farechain_core::digest::Digest;

use super::entry::{Entry, Held};

/// Changes that are worth applying for their number alone. What is pushed comes to twice that at most before
/// repeated keys are dropped, and a block may go beyond.
const MANY: usize = 1 << 17;

/// Changes of the blocks since the last commitment.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    entries: Vec<Entry>,
    /// How many are known to be in order, none twice.
    distinct: usize,
}

impl Changes {
    /// What a key has from now on; the last one counts.
    pub fn push(&mut self, key: Digest, held: Held) {
        if self.entries.len() >= 2 * MANY.max(self.distinct) {
            self.entries = latest(std::mem::take(&mut self.entries));
            self.distinct = self.entries.len();
        }
        self.entries.push((key, held));
    }

    /// Whether they should be applied before the next block is folded, whatever the time.
    pub fn are_many(&self) -> bool {
        self.entries.len() >= MANY
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes them, in the order of the keys, none twice.
    pub fn take(&mut self) -> Vec<Entry> {
        self.distinct = 0;
        latest(std::mem::take(&mut self.entries))
    }
}

/// The latest entry of each key, in the order of the keys.
pub(super) fn latest(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by_key(|(key, _)| *key);
    entries.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 = later.1;
        }
        same
    });
    entries
}
