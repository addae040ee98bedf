//! The map of current state beside the log: followed off the writer's path, committed to by the writer, proved by readers.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use farechain_core::cbor::Encoder;
use farechain_core::digest::{Digest, leaf};
use farechain_core::outcome::Location;
use farechain_core::record::{Record, StateRecord, composed};
use farechain_core::state_proof::{PartProof, Step, Subject, named_invoice};

use crate::batch::PreparedBatch;
use crate::error::LedgerError;
use crate::ledger::{Committed as DurableBlock, Ledger};
use crate::settled::read_record;
use crate::state_map::{Follower, Limits, Shown, StateMap, View, is_of};

/// The last commitment, the one before it while no checkpoint covers the last, and one in reserve.
const COMMITTED_VIEWS: usize = 3;

/// The maps that can be asked, of one moment each.
#[derive(Debug, Default)]
pub(super) struct Views {
    /// As it was applied last: what the next commitment is to.
    applied: Option<View>,
    /// Committed to, the latest last, with the place of the record.
    committed: VecDeque<(Location, View)>,
    /// A view found the files damaged.
    damaged: bool,
}

/// How current state is known.
#[derive(Debug, Clone)]
pub struct StateStatus {
    /// The block after which the map is; `None` where it was not applied since opening.
    pub applied: Option<u64>,
    /// Its keys.
    pub keys: u64,
    /// Where the latest commitment stands, and what it says.
    pub committed: Option<(Location, StateRecord)>,
    /// Whether a commitment to what was applied would say anything new, or make proofs possible that are not.
    pub is_due: bool,
}

impl Ledger {
    fn views(&self) -> MutexGuard<'_, Views> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies all durable blocks to the map of current state, which is made from the log where it is missing, and gives the
    /// height that it is of. May take long; nothing else waits for it, another call of this excepted.
    ///
    /// # Errors
    /// `Invalid` for a ledger opened for reading, `Corrupt`, `Io`.
    pub fn apply_state(&self) -> Result<u64, LedgerError> {
        let mut follower = self.follower.lock().unwrap_or_else(PoisonError::into_inner);
        if self.readonly.load(Ordering::Acquire) {
            return Err(LedgerError::Invalid("the ledger is closed, or open for reading only".into()));
        }
        let (blocks, stop) = (self.log.blocks(), &self.readonly);
        let mut following = if let Some(following) = follower.take() {
            following
        } else {
            let opened = Follower::open(&self.state_dir, Limits::default(), &self.log, blocks, stop)?;
            self.take_committed(opened.view());
            opened
        };
        if std::mem::take(&mut self.views().damaged) {
            following.rebuild(&self.log, blocks, stop)?;
        } else {
            following.advance(&self.log, blocks, stop)?;
        }
        self.views().applied = Some(following.view());
        *follower = Some(following);
        Ok(blocks - 1)
    }

    /// As [`Ledger::commit`], with a commitment to current state as it was applied last, so that there is a block in any case.
    ///
    /// # Errors
    /// As [`Ledger::commit`]; `Invalid` where nothing was applied.
    pub fn commit_with_state(&self, batch: &PreparedBatch, time_ms: u64) -> Result<DurableBlock, LedgerError> {
        let (state, view) = self.state_to_commit()?;
        let committed = self.commit_checked(batch, time_ms, Some(state))?;
        self.keep_committed(Location { height: committed.height, index: 0 }, view);
        Ok(committed)
    }

    /// What the next commitment says.
    ///
    /// # Errors
    /// `Invalid` where nothing was applied.
    pub(super) fn state_to_commit(&self) -> Result<(StateRecord, View), LedgerError> {
        let view = self.views().applied.clone();
        let view =
            view.ok_or_else(|| LedgerError::Invalid("no state was applied that could be committed to".into()))?;
        Ok((StateRecord { root: view.root(), count: view.count(), height: height_of(&view) }, view))
    }

    /// Ends following: after the block that is being read.
    pub(super) fn stop_following(&self) {
        self.readonly.store(true, Ordering::Release);
        *self.follower.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Bytes of memory of the map; none while it is being applied to.
    pub(super) fn state_memory_bytes(&self) -> usize {
        let follower = self.follower.try_lock();
        follower.map_or(0, |follower| follower.as_ref().map_or(0, Follower::memory_bytes))
    }

    /// What was committed to can be proved from now on.
    pub(super) fn keep_committed(&self, location: Location, view: View) {
        let mut views = self.views();
        views.committed.push_back((location, view));
        if views.committed.len() > COMMITTED_VIEWS {
            views.committed.pop_front();
        }
    }

    /// A map as it was found may be the one that was committed to last, or one that later blocks did not change.
    fn take_committed(&self, view: View) {
        let last = self.registry().committed();
        if let Some((location, said)) = last.and_then(|last| self.said_at(last.location))
            && said.root == view.root()
        {
            self.keep_committed(location, view);
        }
    }

    /// How current state is known.
    pub fn state_status(&self) -> StateStatus {
        let last = self.registry().committed().map(|last| last.location);
        // While a block is written the registry is ahead of the log: its commitment is not durable yet, and none is due.
        let writing = last.is_some_and(|last| last.height >= self.log.blocks());
        let durable = if writing { self.views().committed.back().map(|(location, _)| *location) } else { last };
        let committed = durable.and_then(|location| self.said_at(location));
        let views = self.views();
        let (applied, keys) = match &views.applied {
            Some(view) => (Some(height_of(view)), view.count()),
            None => (None, 0),
        };
        let newest = views.committed.back().map(|(location, view)| (*location, view.root()));
        let provable = committed.is_some_and(|(location, said)| newest == Some((location, said.root)));
        let root = views.applied.as_ref().map(View::root);
        let is_due = !writing && keys > 0 && (!provable || committed.map(|(_, said)| said.root) != root);
        StateStatus { applied, keys, committed, is_due }
    }

    fn said_at(&self, location: Location) -> Option<(Location, StateRecord)> {
        match read_record(&self.log, location) {
            Record::State(state) => Some((location, state)),
            _ => None,
        }
    }

    /// The latest commitment below `size` blocks, and the map that it commits to. `None` where there is none that can be
    /// shown: none was made, no checkpoint covers it yet, or the map on disk is another one.
    ///
    /// # Errors
    /// `Io`.
    pub fn committed_state(&self, size: u64) -> Result<Option<(Location, View)>, LedgerError> {
        if self.readonly.load(Ordering::Acquire) && self.views().committed.is_empty() {
            self.look_at_state()?;
        }
        Ok(self.views().committed.iter().rev().find(|(location, _)| location.height < size).cloned())
    }

    /// The steps from a root to where somebody stands, for a proof of it.
    ///
    /// # Errors
    /// `Corrupt` where the map is damaged, which the owner's next application makes good, or the log; `Io`.
    pub fn state_steps(&self, view: &View, subject: &Subject) -> Result<Vec<Step>, LedgerError> {
        let Subject::Payment(payment) = subject else { return Ok(vec![self.state_step(view, subject)?]) };
        let first = self.state_step(view, subject)?;
        let holder = match &first.record {
            Some(record) => named_invoice(payment, record, first.part.as_ref()),
            None => Ok(None),
        };
        let holder = holder.map_err(|error| LedgerError::Corrupt(format!("{error}; stop and audit")))?;
        let second = holder.map(|invoice| self.state_step(view, &Subject::Invoice(invoice))).transpose()?;
        Ok(std::iter::once(first).chain(second).collect())
    }

    fn state_step(&self, view: &View, subject: &Subject) -> Result<Step, LedgerError> {
        let Shown { proof, held } = view.prove(&subject.key()).inspect_err(|_| self.views().damaged = true)?;
        let state = proof.to_bytes();
        let Some(held) = held else { return Ok(Step { state, record: None, part: None }) };
        let location = Location::unpack(held.place);
        let damaged = || LedgerError::Corrupt(format!("the record at {location:?} cannot be read; stop and audit"));
        let bytes = self.log.record(location)?.filter(|bytes| leaf(bytes) == held.hash).ok_or_else(damaged)?;
        let part = match (subject, Record::decode(&bytes).map_err(|_| damaged())?) {
            (Subject::Payment(payment), record @ (Record::Claimed(_) | Record::LineRedLetter(_))) => {
                let annex = self.log.annex(location)?.unwrap_or_default();
                Some(part_of(&record, &annex, payment).ok_or_else(damaged)?)
            }
            _ => None,
        };
        Ok(Step { state, record: Some(bytes), part })
    }

    /// A reader takes the owner's map as it is now, if it is the one that was committed to last.
    fn look_at_state(&self) -> Result<(), LedgerError> {
        let found = StateMap::look(&self.state_dir)?;
        if let Some(view) = found.filter(|view| is_of(&self.log, &view.position())) {
            self.take_committed(view);
        }
        Ok(())
    }
}

/// The proof of a payment among those of its record's annex.
fn part_of(record: &Record, annex: &[u8], payment: &Digest) -> Option<PartProof> {
    let written = |encode: &dyn Fn(&mut Encoder<'_>)| {
        let mut bytes = Vec::with_capacity(96);
        encode(&mut Encoder::new(&mut bytes));
        bytes
    };
    let (place, elements): (_, Vec<Vec<u8>>) = if let Record::Claimed(_) = record {
        let parts = composed::of_claim(annex).ok()?.payments;
        let place = parts.iter().position(|part| part.identity == *payment);
        (place, parts.iter().map(|part| written(&|e| part.encode(e))).collect())
    } else {
        let losses = composed::of_red_letter(annex).ok()?.payments;
        let place = losses.iter().position(|loss| loss.identity == *payment);
        (place, losses.iter().map(|loss| written(&|e| loss.encode(e))).collect())
    };
    let elements: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
    PartProof::of(&elements, place?)
}

/// The map's directory.
pub(super) fn state_dir(dir: &Path) -> PathBuf {
    dir.join("state-map")
}

/// The last block that was applied; every map that is asked has genesis.
fn height_of(view: &View) -> u64 {
    view.position().blocks.saturating_sub(1)
}
