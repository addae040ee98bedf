//! A chain's ledger on disk: create, open, prepare, commit, close. The one writer; readers see durable blocks only.

mod copying;
mod following;
mod open;
mod query;
mod state;
#[cfg(test)]
mod state_tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use farechain_core::block::{Genesis, SourceRange};
use farechain_core::decide::{self, Block};
use farechain_core::digest::{self, Digest};
use farechain_core::error::Code;
use farechain_core::outcome::Verdict;
use farechain_core::record::{Record, StateRecord};
use farechain_core::registry::Registry;
use farechain_lanes::Verifier;
use farechain_lanes::blake3::Tree;

use crate::assemble::{Assembled, step};
use crate::batch::PreparedBatch;
use crate::copied::Copies;
use crate::draft::{Draft, damage};
use crate::error::LedgerError;
use crate::index::{Index, Position, snapshot};
use crate::intake::{Intake, RawBatch};
use crate::lock::Lock;
use crate::log::body::{ByteList, Pieces, has_evidence};
use crate::log::{LogReader, LogWriter};
use crate::prepare::{Keyring, PrepareTimes, prepare, timed};
use crate::recent::Recent;
use crate::rejected::{DAY_MS, RejectedStore};
use crate::settled::Settled;
use crate::state_map::Follower;

use state::Views;

pub use following::{ChangeRow, RejectionRow, WaitingRow};
pub use open::{Create, OpenOptions};
pub(crate) use open::{State, confirm, genesis_is_there};
pub(crate) use query::read_outcomes;
pub use query::{BlockView, InputFrame, InvoiceParts, InvoiceView, Status};
pub use state::StateStatus;

/// Inputs between asking memory for an identity's slots and deciding it: of a large index they are in no cache
/// (`examples/index_bench.rs`).
const PREFETCHED: usize = 8;

/// A durable block.
#[derive(Debug, Clone, Default)]
pub struct Committed {
    /// Its height; the head's where nothing was to be committed.
    pub height: u64,
    /// Its hash.
    pub hash: Digest,
    /// Its time, milliseconds since 1970.
    pub time_ms: u64,
    /// Inputs of sources, the engine's own left out.
    pub inputs: u64,
    /// Records.
    pub records: u64,
    /// Blue invoices.
    pub invoices: u64,
    /// Red-letter invoices.
    pub red_letters: u64,
    /// Duplicates.
    pub duplicates: u64,
    /// Rejected inputs by code.
    pub rejected: Vec<(Code, u64)>,
    /// What waits for numbers or credit after it.
    pub waiting: u64,
    /// Bytes in the block log.
    pub bytes: u64,
    /// CPU of deciding, encoding and hashing the records, nanoseconds.
    pub decide_ns: u64,
    /// CPU of the roots and the block's bytes, nanoseconds.
    pub hash_ns: u64,
    /// CPU of the frames' checksums and the write, nanoseconds.
    pub append_ns: u64,
    /// CPU of applying the block to the index, nanoseconds.
    pub index_ns: u64,
    /// The sync, nanoseconds of waiting.
    pub sync_ns: u64,
}

/// A ledger that is open.
#[derive(Debug)]
pub struct Ledger {
    genesis: Genesis,
    log: LogReader,
    rejected: RejectedStore,
    index: RwLock<Index>,
    registry: RwLock<Registry>,
    writer: Mutex<Option<Writer>>,
    poisoned: AtomicBool,
    keyring: Keyring,
    verifier: Verifier,
    threads: usize,
    rejected_days: u64,
    trees: Mutex<Recent<u64, Tree>>,
    /// Opened so, or closed since.
    readonly: AtomicBool,
    state_dir: PathBuf,
    follower: Mutex<Option<Follower>>,
    views: Mutex<Views>,
    copies: Copies,
}

/// A block's hash and bytes, and what was rejected.
struct Sealed<'b> {
    hash: Digest,
    body: Pieces<'b>,
    evidence: ByteList<'b>,
    rejected: ByteList<'b>,
}

#[derive(Debug)]
struct Writer {
    log: LogWriter,
    snapshot: snapshot::Row,
    _lock: Lock,
}

impl Ledger {
    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn registry(&self) -> RwLockReadGuard<'_, Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the chain is.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Reads of the block log.
    pub fn log(&self) -> &LogReader {
        &self.log
    }

    /// The rejected inputs' bytes.
    pub fn rejected(&self) -> &RejectedStore {
        &self.rejected
    }

    /// The height of the last durable block.
    pub fn height(&self) -> u64 {
        self.log.blocks() - 1
    }

    /// Its hash.
    pub fn head(&self) -> Digest {
        self.index().head
    }

    /// Per source, the engine's own first: where it stands.
    pub fn positions(&self) -> Vec<Position> {
        self.index().positions.clone()
    }

    /// An intake at the ledger's positions.
    pub fn intake(&self) -> Intake {
        Intake::new(self.index().positions.iter().map(|position| position.next_offset).collect())
    }

    /// Whether something that waits could be issued in a block of this time.
    pub fn is_drainable(&self, time_ms: u64) -> bool {
        let (index, registry) = (self.index(), self.registry());
        let block = Block { height: self.log.blocks(), time_ms: time_ms.max(index.time_ms) };
        decide::can_drain(&Settled { index: &index, log: &self.log, registry: &registry }, block)
    }

    /// Decodes and verifies a batch on all threads; may run while another one is being committed.
    pub fn prepare(&self, batch: RawBatch) -> (PreparedBatch, PrepareTimes) {
        let look_up = |kid: &[u8; 16]| self.registry().key(kid).map(|key| key.public_key);
        prepare(batch, &self.keyring, &self.verifier, self.threads, &look_up)
    }

    /// Decides, hashes, appends and syncs a batch. Batches come in the order in which they were sealed. A batch that holds
    /// nothing, when nothing that waits can be issued, makes no block.
    ///
    /// # Errors
    /// `Conflict` for ranges that are not at the ledger's positions; `Poisoned` and `Io`: leave the process and open again;
    /// `Invalid` for a ledger opened for reading.
    pub fn commit(&self, batch: &PreparedBatch, time_ms: u64) -> Result<Committed, LedgerError> {
        self.commit_checked(batch, time_ms, None)
    }

    fn commit_checked(
        &self,
        batch: &PreparedBatch,
        time_ms: u64,
        state: Option<StateRecord>,
    ) -> Result<Committed, LedgerError> {
        let mut guard = self.writer();
        let writer =
            guard.as_mut().ok_or_else(|| LedgerError::Invalid("the ledger is open for reading only".into()))?;
        if self.poisoned.load(Ordering::Acquire) {
            return Err(LedgerError::Poisoned("an earlier commit failed: stop the process and open again".into()));
        }
        self.check_ranges(batch)?;
        // Set first and taken back at the end: a panic on the way leaves it set.
        self.poisoned.store(true, Ordering::Release);
        let committed = self.commit_next(writer, batch, time_ms, state)?;
        self.poisoned.store(false, Ordering::Release);
        Ok(committed)
    }

    fn check_ranges(&self, batch: &PreparedBatch) -> Result<(), LedgerError> {
        let index = self.index();
        for range in &batch.ranges {
            let position = index.positions.get(usize::from(range.source)).map(|position| position.next_offset);
            if range.source == 0 || position != Some(range.first_offset) {
                let (source, first) = (range.source, range.first_offset);
                let message = format!("the batch starts at {first} of source {source}, the ledger is at {position:?}");
                return Err(LedgerError::Conflict(message));
            }
        }
        Ok(())
    }

    fn commit_next(
        &self,
        writer: &mut Writer,
        batch: &PreparedBatch,
        time_ms: u64,
        state: Option<StateRecord>,
    ) -> Result<Committed, LedgerError> {
        let index = self.index();
        let block = Block { height: self.log.blocks(), time_ms: time_ms.max(index.time_ms) };
        let (built, decide_ns) = timed(|| self.build(&index, batch, block, state));
        let mut built = built?;
        if built.outcomes.is_empty() && batch.ranges.is_empty() {
            return Ok(Committed {
                height: block.height - 1,
                hash: index.head,
                time_ms: index.time_ms,
                ..Committed::default()
            });
        }
        let (mut sealed, hash_ns) = timed(|| self.seal(&mut built, batch, block, &index));
        self.rejected.append(block.height, block.time_ms, &mut sealed.rejected)?;
        if block.time_ms / DAY_MS != index.time_ms / DAY_MS {
            self.rejected.expire(block.time_ms, self.rejected_days)?;
        }
        let hash = sealed.hash;
        let (body, evidence, rejected) = (sealed.body.all(), sealed.evidence.pieces(), sealed.rejected.pieces_if_any());
        let confirm = || self.copies.confirm(block.height, &hash, &body, &evidence, &rejected);
        let appended = writer.log.append(block.height, &index.head, hash, &body, &evidence, &confirm)?;
        drop(index);
        let ((), index_ns) = timed(|| self.apply(&built, block, hash, appended.bytes));
        self.snapshot_if_due(writer);
        Ok(Committed {
            bytes: appended.bytes,
            decide_ns,
            hash_ns,
            append_ns: appended.append_ns,
            index_ns,
            sync_ns: appended.sync_ns,
            ..summary(&built, block, hash, self.registry().waiting() as u64)
        })
    }

    fn seal<'b>(
        &self,
        built: &'b mut Assembled<'_>,
        batch: &'b PreparedBatch,
        block: Block,
        index: &Index,
    ) -> Sealed<'b> {
        built.close(ranges(batch, &index.positions));
        let header = built.header(&self.genesis.chain, index.head, block, &index.positions).encode();
        let (evidence, rejected) = inputs_by_fate(batch, built);
        Sealed { hash: digest::block(&header), body: built.parts.pieces(&header), evidence, rejected }
    }

    fn build<'b>(
        &self,
        index: &Index,
        batch: &'b PreparedBatch,
        block: Block,
        state: Option<StateRecord>,
    ) -> Result<Assembled<'b>, LedgerError> {
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        let draft = Draft::new(index, &self.log, &mut registry, block, batch.inputs.len());
        let steps = batch.inputs.iter().enumerate().map(|(i, input)| {
            let ahead = batch.inputs.get(i + PREFETCHED).and_then(|ahead| ahead.event.as_ref().ok());
            if let Some(identity) = ahead.and_then(|signed| signed.event.identity()) {
                index.prefetch(identity);
            }
            step(batch, input)
        });
        Assembled::build(draft, &index.positions[0], state, steps).map_err(damage)
    }

    fn apply(&self, built: &Assembled<'_>, block: Block, hash: Digest, bytes: u64) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        built.apply_to(&mut index, &self.log, block, hash, bytes);
    }

    fn snapshot_if_due(&self, writer: &mut Writer) {
        if writer.snapshot.is_due(&self.index()) {
            // A snapshot only makes opening faster: if it cannot be written, the log is read instead.
            let _written = self.write_snapshot(writer);
        }
    }

    fn write_snapshot(&self, writer: &mut Writer) -> Result<(), LedgerError> {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        writer.snapshot.write(&mut index, &self.registry(), &self.log)
    }

    /// Writes the end of the snapshot and gives the lock back.
    ///
    /// # Errors
    /// `Io` where the snapshot cannot be written; the ledger is closed all the same.
    pub fn close(&self) -> Result<(), LedgerError> {
        self.stop_following();
        // A copy that was not applied is in the log: where it cannot be applied now, the next opening says so.
        let _applied = self.apply_copy();
        let Some(mut writer) = self.writer().take() else { return Ok(()) };
        if self.poisoned.load(Ordering::Acquire) { Ok(()) } else { self.write_snapshot(&mut writer) }
    }

    /// The digest of the whole state.
    pub fn state_digest(&self) -> Digest {
        snapshot::state_digest(&self.index(), &self.registry(), &self.log)
    }

    /// Memory by table, bytes.
    pub fn memory_bytes(&self) -> Vec<(&'static str, usize)> {
        let mut tables = self.index().memory_bytes();
        tables.push(("signers", self.verifier.memory_bytes()));
        tables.push(("state", self.state_memory_bytes()));
        tables
    }
}

/// The ranges of a batch with the digests of the last inputs.
fn ranges<'a>(batch: &'a PreparedBatch, positions: &'a [Position]) -> impl Iterator<Item = SourceRange> + 'a {
    batch.ranges.iter().map(|range| {
        let last = batch.inputs.iter().rev().find(|input| input.source == range.source).map(|input| input.digest);
        SourceRange {
            source: range.source,
            first_offset: range.first_offset,
            next_offset: range.next_offset,
            last_digest: last.unwrap_or(positions[usize::from(range.source)].last_digest),
        }
    })
}

/// The canonical bytes of what was accepted, and of what was rejected, each in the order of the outcomes.
fn inputs_by_fate<'b>(batch: &'b PreparedBatch, built: &Assembled<'_>) -> (ByteList<'b>, ByteList<'b>) {
    let (mut evidence, mut rejected) = (ByteList::with_capacity(batch.inputs.len()), ByteList::with_capacity(0));
    let outcomes = built.outcomes.iter().filter(|outcome| outcome.verdict != Verdict::Drained);
    for (input, outcome) in batch.inputs.iter().zip(outcomes) {
        let list = if has_evidence(outcome) { &mut evidence } else { &mut rejected };
        list.push(&batch.buffers[input.buffer as usize], input.start as usize..input.end as usize);
    }
    (evidence, rejected)
}

fn summary(built: &Assembled<'_>, block: Block, hash: Digest, waiting: u64) -> Committed {
    let mut committed =
        Committed { height: block.height, hash, time_ms: block.time_ms, waiting, ..Committed::default() };
    committed.records = built.entries.len() as u64;
    let mut rejected = [0u64; 64];
    for outcome in &built.outcomes {
        match outcome.verdict {
            Verdict::Drained => continue,
            Verdict::Duplicate(_) => committed.duplicates += 1,
            Verdict::Rejected(code) => rejected[code as usize] += 1,
            _ => {}
        }
        committed.inputs += 1;
    }
    for entry in &built.entries {
        match entry.record {
            Record::Invoice(_) | Record::Claimed(_) => committed.invoices += 1,
            Record::RedLetter(_) | Record::LineRedLetter(_) => committed.red_letters += 1,
            _ => {}
        }
    }
    let counted = Code::ALL.iter().map(|code| (*code, rejected[*code as usize]));
    committed.rejected = counted.filter(|(_, count)| *count > 0).collect();
    committed
}
