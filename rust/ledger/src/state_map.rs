//! The map of current state on disk: what each payment and invoice has, under one root, with proofs against it.
//!
//! Knows keys, values, places and positions; what records mean is read by [`Follower`] alone. Derived from the log: whatever is wrong with its files, it is made
//! again. The tree of `farechain_core::state_map` is cut into buckets of a few neighbouring entries, on disk with their hashes
//! in 256 files by first byte, each written at once; what came since is in memory, and in a journal. Memory has a hash for
//! each group of some dozen buckets, and the nodes above. Views share all that did not change, so that a proof is of the
//! root that it was asked for, whatever is applied meanwhile.

mod base;
mod bytes;
mod changes;
mod entry;
mod follower;
mod group;
mod hashing;
mod journal;
mod merge;
mod rebuild;
mod shard;
mod stored;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_crash;
mod tree;
mod view;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use farechain_core::digest::Digest;

use crate::error::LedgerError;
use journal::{Frame, Journal};
use shard::{SHARDS, Shard};

pub use changes::Changes;
pub use entry::{Entry, Held};
pub use follower::Follower;
pub(crate) use follower::is_of;
pub use rebuild::Rebuild;
pub use view::{Shown, View};

/// How far the log has been folded in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Blocks, so also the height of the next one.
    pub blocks: u64,
    /// The hash of the last of them, zeros before genesis.
    pub head: Digest,
}

/// What a map may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries of a bucket, at least 1: it is read and hashed again for a change of one of them. Each has 40 bytes on disk.
    pub bucket_entries: u16,
    /// Entries in memory that are not in the files yet; beyond, the files that wait longest are written again.
    pub pending_entries: usize,
    /// Bytes of the journal, which opening reads.
    pub journal_bytes: u64,
    /// Bytes of one file of the journal: the unit in which it is forgotten.
    pub segment_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bucket_entries: 16, pending_entries: 1 << 18, journal_bytes: 64 << 20, segment_bytes: 8 << 20 }
    }
}

/// The map. One writer; proofs are made from [`StateMap::view`].
#[derive(Debug)]
pub struct StateMap {
    dir: PathBuf,
    limits: Limits,
    view: View,
    journal: Journal,
    /// Of the last frame of the journal.
    sequence: u64,
    /// What is on disk may not be what is in memory.
    failed: bool,
}

impl StateMap {
    /// Opens the map of a directory. `None` where it is missing, damaged, or at a position that is not `known` in this log:
    /// make it again by [`Rebuild`].
    ///
    /// # Errors
    /// [`LedgerError::Io`].
    pub fn open(
        dir: &Path,
        limits: Limits,
        known: impl FnOnce(&Position) -> bool,
    ) -> Result<Option<StateMap>, LedgerError> {
        match StateMap::read(dir, limits) {
            Ok(map) => Ok(map.filter(|map| known(&map.view.position()))),
            Err(LedgerError::Corrupt(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The files, then what the journal has beyond them; both must come to the root that the journal states.
    fn read(dir: &Path, limits: Limits) -> Result<Option<StateMap>, LedgerError> {
        let Some((journal, frames)) = Journal::open(dir, limits.segment_bytes)? else { return Ok(None) };
        let Some((view, sequence)) = StateMap::replay(dir, &frames)? else { return Ok(None) };
        Ok(Some(StateMap { dir: dir.to_path_buf(), limits, view, journal, sequence, failed: false }))
    }

    /// The map of a directory that another process may be writing, to be read as it is now. `None` where it is missing,
    /// damaged, or was written while it was read: try again.
    ///
    /// # Errors
    /// [`LedgerError::Io`].
    pub fn look(dir: &Path) -> Result<Option<View>, LedgerError> {
        let read = Journal::scan(dir).and_then(|(_, frames)| StateMap::replay(dir, &frames));
        match read {
            Ok(replayed) => Ok(replayed.map(|(view, _)| view)),
            Err(LedgerError::Corrupt(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the files and the frames beyond them come to, and the last frame's sequence.
    fn replay(dir: &Path, frames: &[Frame<'_>]) -> Result<Option<(View, u64)>, LedgerError> {
        let Some(last) = frames.last().cloned() else { return Ok(None) };
        let mut shards = Vec::with_capacity(SHARDS);
        for number in 0..=u8::MAX {
            shards.push(Shard::open(dir, number)?);
        }
        let damaged = |what| Err(LedgerError::Corrupt(format!("{}: {what}", dir.display())));
        if shards.iter().any(|shard| shard.base.sequence > last.sequence) {
            return damaged("the journal ends before the files");
        }
        let mut count: u64 = shards.iter().map(|shard| u64::from(shard.base.entries)).sum();
        for (number, shard) in (0..=u8::MAX).zip(&mut shards) {
            let (waiting, oldest) = waiting(frames, number, shard.base.sequence);
            let (next, added) = shard.apply(&waiting, oldest)?;
            *shard = next;
            count += added;
        }
        let view = View::new(shards, count, last.position);
        if (view.root(), count) != (last.root, last.count) {
            return damaged("the files are not those of the journal");
        }
        Ok(Some((view, last.sequence)))
    }

    /// A map whose files were just written, with a journal that begins there.
    fn begin(dir: &Path, limits: Limits, view: View, sequence: u64) -> Result<StateMap, LedgerError> {
        let mut journal = Journal::create(dir, limits.segment_bytes)?;
        journal.append(&Frame {
            sequence,
            position: view.position(),
            root: view.root(),
            count: view.count(),
            changes: Cow::default(),
        })?;
        Ok(StateMap { dir: dir.to_path_buf(), limits, view, journal, sequence, failed: false })
    }

    /// Applies what the blocks up to `position` changed, in the order of the keys, none twice, and gives the new root. Durable
    /// when it returns. Views that were taken before stay as they are.
    ///
    /// # Errors
    /// [`LedgerError::Invalid`] for changes out of order or a position that goes back; nothing has happened then.
    /// [`LedgerError::Corrupt`]: the files are damaged, make the map again. [`LedgerError::Io`], and from then on
    /// [`LedgerError::Poisoned`]: open it again.
    pub fn apply(&mut self, position: Position, changes: &[Entry]) -> Result<Digest, LedgerError> {
        if self.failed {
            return Err(LedgerError::Poisoned("the map of state: an earlier write failed; open it again".into()));
        }
        if !changes.is_sorted_by(|a, b| a.0 < b.0) || position.blocks < self.view.position().blocks {
            return Err(LedgerError::Invalid("changes of state that are out of order".into()));
        }
        let sequence = self.sequence + 1;
        let view = self.view.applied(position, changes, sequence)?;
        self.failed = true;
        let (root, count) = (view.root(), view.count());
        self.journal.append(&Frame { sequence, position, root, count, changes: Cow::Borrowed(changes) })?;
        (self.view, self.sequence) = (view, sequence);
        self.settle()?;
        self.failed = false;
        Ok(root)
    }

    /// Writes the files that wait longest again until what waits, and the journal, are within their limits.
    fn settle(&mut self) -> Result<(), LedgerError> {
        let most = self.limits.pending_entries;
        while self.view.pending() > most || self.journal.bytes() > self.limits.journal_bytes {
            let Some(oldest) = self.view.oldest() else { break };
            let limit = usize::from(self.limits.bucket_entries.max(1));
            let shard = self.view.shard(oldest).written_again(&self.dir, oldest, self.sequence, limit)?;
            self.view = self.view.with_shard(oldest, shard);
            let needed = self.view.oldest_sequence().unwrap_or(self.sequence + 1);
            self.journal.forget_before(needed)?;
        }
        Ok(())
    }

    /// The map as it is now; it stays as it is.
    pub fn view(&self) -> View {
        self.view.clone()
    }

    /// The root.
    pub fn root(&self) -> Digest {
        self.view.root()
    }

    /// How far the log has been folded in.
    pub fn position(&self) -> Position {
        self.view.position()
    }

    /// Bytes of memory of the tree and of what is not in the files yet.
    pub fn memory_bytes(&self) -> usize {
        self.view.memory_bytes()
    }
}

/// What the frames hold for a shard beyond its file, the latest value of each key, and the first frame of those.
fn waiting(frames: &[Frame<'_>], number: u8, beyond: u64) -> (Vec<Entry>, u64) {
    let (mut changes, mut oldest) = (Vec::new(), u64::MAX);
    for frame in frames.iter().filter(|frame| frame.sequence > beyond) {
        let from = frame.changes.partition_point(|(key, _)| key[0] < number);
        let to = frame.changes.partition_point(|(key, _)| key[0] <= number);
        if from < to {
            oldest = oldest.min(frame.sequence);
            changes.extend_from_slice(&frame.changes[from..to]);
        }
    }
    (changes::latest(changes), oldest)
}

/// The file of a shard.
fn base_path(dir: &Path, number: u8) -> PathBuf {
    dir.join(format!("entries-{number:02x}"))
}
