//! The map at one root, whatever is applied later.

use std::sync::Arc;

use farechain_core::digest::Digest;
use farechain_core::state_map::{self, Found, Proof, Step};

use super::Position;
use super::base::Base;
use super::entry::{Entry, Held};
use super::group::turn;
use super::shard::{DEPTH, SHARDS, Shard};
use super::stored::joined;
use crate::error::LedgerError;

/// The proof of what a key has, and what that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The proof.
    pub proof: Proof,
    /// What the key has; `None` where it has nothing.
    pub held: Option<Held>,
}

impl Shown {
    pub(super) fn new(steps: Vec<Step>, end: Option<&Entry>, key: &Digest) -> Shown {
        let found = Found::of(end.map(|(key, held)| (*key, held.hash)).as_ref(), key);
        Shown { proof: Proof { steps, found }, held: end.filter(|end| end.0 == *key).map(|end| end.1) }
    }
}

/// The map at one root. Cloning shares it; any thread may prove from it.
#[derive(Clone, Debug)]
pub struct View {
    shards: Arc<[Shard]>,
    /// Hashes of the nodes above the shards, node n above 2n and 2n + 1, the top one at 1, the shards from 256 on.
    above: Arc<[Option<Digest>]>,
    count: u64,
    position: Position,
}

impl View {
    pub(super) fn new(shards: Vec<Shard>, count: u64, position: Position) -> View {
        let mut above = vec![None; SHARDS];
        above.extend(shards.iter().map(|shard| shard.tree.hash().copied()));
        for node in (1..SHARDS).rev() {
            above[node] = joined(node.ilog2() as u16, above[2 * node], above[2 * node + 1]);
        }
        View { shards: shards.into(), above: above.into(), count, position }
    }

    /// The root.
    pub fn root(&self) -> Digest {
        self.above[1].unwrap_or_else(state_map::empty)
    }

    /// How many keys have a value.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How far the log has been folded in.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The proof of what a key has under this root.
    ///
    /// # Errors
    /// [`LedgerError::Corrupt`]: the files are damaged, make the map again. [`LedgerError::Io`].
    pub fn prove(&self, key: &Digest) -> Result<Shown, LedgerError> {
        if self.above[1].is_none() {
            return Ok(Shown::new(Vec::new(), None, key));
        }
        let (mut node, mut steps) = (1, Vec::with_capacity(32));
        for depth in 0..DEPTH {
            let below = [self.above[2 * node].as_ref(), self.above[2 * node + 1].as_ref()];
            node = 2 * node + turn(key, depth, below, &mut steps);
        }
        let shard = &self.shards[node - SHARDS];
        shard.tree.prove(DEPTH, key, &shard.base, steps)
    }

    /// What a key has.
    ///
    /// # Errors
    /// As [`View::prove`].
    pub fn get(&self, key: &Digest) -> Result<Option<Digest>, LedgerError> {
        Ok(self.prove(key)?.held.map(|held| held.hash))
    }

    /// The view after changes, which came with a frame.
    pub(super) fn applied(&self, position: Position, changes: &[Entry], frame: u64) -> Result<View, LedgerError> {
        let (mut shards, mut count) = (self.shards.to_vec(), self.count);
        for changes in changes.chunk_by(|a, b| a.0[0] == b.0[0]) {
            let number = usize::from(changes[0].0[0]);
            let (shard, added) = shards[number].apply(changes, frame)?;
            shards[number] = shard;
            count += added;
        }
        Ok(View::new(shards, count, position))
    }

    /// The same view over another file of one shard.
    pub(super) fn with_shard(&self, number: u8, shard: Shard) -> View {
        let mut shards = self.shards.to_vec();
        shards[usize::from(number)] = shard;
        View { shards: shards.into(), above: Arc::clone(&self.above), count: self.count, position: self.position }
    }

    pub(super) fn shard(&self, number: u8) -> &Shard {
        &self.shards[usize::from(number)]
    }

    /// Entries that are not in the files yet.
    pub(super) fn pending(&self) -> usize {
        self.shards.iter().map(|shard| shard.pending).sum()
    }

    /// The shard whose entries wait longest to be written to its file.
    pub(super) fn oldest(&self) -> Option<u8> {
        let waiting = (0..=u8::MAX).zip(self.shards.iter()).filter(|(_, shard)| shard.pending > 0);
        waiting.min_by_key(|(_, shard)| shard.oldest).map(|(number, _)| number)
    }

    /// The first frame of the journal that the files lack.
    pub(super) fn oldest_sequence(&self) -> Option<u64> {
        self.oldest().map(|number| self.shard(number).oldest)
    }

    /// Bytes of memory.
    pub(super) fn memory_bytes(&self) -> usize {
        let shards = self.shards.iter().map(|shard| size_of::<Shard>() + size_of::<Base>() + shard.tree.memory_bytes());
        shards.sum::<usize>() + size_of_val(&*self.above)
    }
}
