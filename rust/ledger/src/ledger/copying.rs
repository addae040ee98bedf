//! The two ends of a second copy: an owner that hands its blocks on, and a ledger whose blocks are another one's.

use std::fs;
use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use farechain_core::digest::{self, Digest};
use farechain_core::outcome::{Outcome, Verdict};
use farechain_core::record::Record;
use farechain_lanes::blake3;

use crate::assemble::inputs_root;
use crate::copied::{Copied, Copies, message};
use crate::error::LedgerError;
use crate::index::{Index, Position};
use crate::ledger::open::{apply, blocks_dir, write_secret};
use crate::ledger::{Ledger, Writer, genesis_is_there};
use crate::lock::Lock;
use crate::log::body::{Body, ByteList, has_evidence};
use crate::log::{LogReader, LogWriter, Recovered};
use crate::rejected::DAY_MS;

impl Ledger {
    /// Where this ledger's blocks go.
    pub fn copies(&self) -> &Copies {
        &self.copies
    }

    /// A durable block as a second copy takes it; `None` beyond the head.
    ///
    /// # Errors
    /// `Corrupt`, `Io`, `Archive`.
    pub fn copy_of(&self, height: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        let (Some(body), Some(evidence)) = (self.log.block(height)?, self.log.evidence(height)?) else {
            return Ok(None);
        };
        let inputs = self.rejected.read(height)?.unwrap_or_default();
        let mut rejected = ByteList::with_capacity(inputs.len());
        inputs.iter().for_each(|input| rejected.push(input, 0..input.len()));
        Ok(Some(message(
            height,
            &digest::block(body.header_bytes()),
            &[body.bytes()],
            &[&evidence],
            &rejected.pieces_if_any(),
        )))
    }

    /// Makes a ledger of the copy of another one's block 0, in a directory that is none yet. `secret`: of its index.
    ///
    /// # Errors
    /// `Exists`, `Replica` for anything but a genesis, `Io`.
    pub fn create_copy(dir: &Path, genesis: &[u8], secret: &[u8; 16]) -> Result<(), LedgerError> {
        let refused = || LedgerError::Replica("what was sent is not a genesis".into());
        let copied = Copied::parse(genesis).filter(|copied| copied.height == 0).ok_or_else(refused)?;
        let body = Body::parse(copied.body.to_vec()).filter(|body| body.record_count() == 1).ok_or_else(refused)?;
        let Ok(Record::Genesis(genesis)) = Record::decode(body.record(0)) else { return Err(refused()) };
        check(&copied, &body, &genesis.chain, &[0; 32], &vec![Position::default(); genesis.sources.len()])?;
        fs::create_dir_all(dir).map_err(|error| LedgerError::io(dir, "create", &error))?;
        let lock = Lock::take(dir)?;
        if genesis_is_there(dir)? {
            return Err(LedgerError::Exists(format!("{} holds a ledger already", dir.display())));
        }
        write_secret(dir, secret)?;
        let blocks = blocks_dir(dir);
        LogWriter::create(&blocks)?;
        let end = Recovered { segment: 0, at: 0, size: 0 };
        let mut writer = LogWriter::open(LogReader::new(&blocks), end, [0; 32])?;
        writer.append(0, &[0; 32], copied.hash, &[copied.body], &[copied.evidence], &|| Ok(()))?;
        drop(lock);
        Ok(())
    }

    /// Appends another ledger's next block, once it was checked, and syncs it. Returns its height and hash.
    /// [`Ledger::apply_copy`] follows, when whoever waits for the block was told.
    ///
    /// # Errors
    /// `Replica` where it does not continue this ledger or is not what its header says; `Poisoned`, `Io`, `Corrupt`: leave
    /// the process and open again; `Invalid` for a ledger opened for reading.
    pub fn append_copy(&self, message: &[u8]) -> Result<(u64, Digest), LedgerError> {
        self.apply_copy()?;
        let mut guard = self.writer();
        let writer = self.usable(guard.as_mut())?;
        let refused = || LedgerError::Replica("what was sent is not a block".into());
        let copied = Copied::parse(message).ok_or_else(refused)?;
        let body = Body::parse(copied.body.to_vec()).ok_or_else(refused)?;
        let (height, time_ms) = (copied.height, body.header().time_ms);
        let (before_ms, previous) = {
            let index = self.index();
            let index: &Index = &index;
            if height != self.log.blocks() || time_ms < index.time_ms {
                return Err(LedgerError::Replica(format!("block {height} does not follow the head of this copy")));
            }
            check(&copied, &body, &self.genesis.chain, &index.head, &index.positions)?;
            (index.time_ms, index.head)
        };
        self.poisoned.store(true, Ordering::Release);
        if !copied.rejected.is_empty() {
            self.rejected.append_list(height, time_ms, &[copied.rejected])?;
        }
        if time_ms / DAY_MS != before_ms / DAY_MS {
            self.rejected.expire(time_ms, self.rejected_days)?;
        }
        writer.log.append(height, &previous, copied.hash, &[copied.body], &[copied.evidence], &|| Ok(()))?;
        *self.copies.unapplied.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        self.poisoned.store(false, Ordering::Release);
        Ok((height, copied.hash))
    }

    /// Applies the block that was appended last, if that was not done yet.
    ///
    /// # Errors
    /// `Corrupt` where it cannot follow: stop and audit. `Poisoned`, `Io`.
    pub fn apply_copy(&self) -> Result<(), LedgerError> {
        let mut guard = self.writer();
        let writer = self.usable(guard.as_mut())?;
        let Some(body) = self.copies.unapplied.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        self.poisoned.store(true, Ordering::Release);
        {
            let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
            let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
            let height = body.header().height;
            let place = self.log.place(height);
            let place = place.ok_or_else(|| LedgerError::Corrupt(format!("block {height} has no place")))?;
            apply(&mut index, &mut registry, &self.log, &place, &body)?;
        }
        self.poisoned.store(false, Ordering::Release);
        self.snapshot_if_due(writer);
        Ok(())
    }

    fn usable<'w>(&self, writer: Option<&'w mut Writer>) -> Result<&'w mut Writer, LedgerError> {
        let writer = writer.ok_or_else(|| LedgerError::Invalid("the ledger is open for reading only".into()))?;
        if self.poisoned.load(Ordering::Acquire) {
            return Err(LedgerError::Poisoned("an earlier block failed: stop the process and open again".into()));
        }
        Ok(writer)
    }
}

/// Whether the parts are what the block's header commits to, and the header continues this ledger.
fn check(
    copied: &Copied<'_>,
    body: &Body,
    chain: &str,
    previous: &Digest,
    positions: &[Position],
) -> Result<(), LedgerError> {
    let header = body.header();
    let refused = |what: &str| Err(LedgerError::Replica(format!("block {}: {what}", copied.height)));
    if digest::block(body.header_bytes()) != copied.hash {
        return refused("its header is not what its hash says");
    }
    if header.height != copied.height || header.previous != *previous || header.chain != chain {
        return refused("it does not continue this copy: another chain, or a fork of it");
    }
    let mut hashes = Vec::with_capacity(body.record_count());
    blake3::keyed_many(&digest::LEAF, (0..body.record_count()).map(|index| body.record(index)), &mut hashes);
    let ranges: Vec<_> = body.ranges().collect();
    if blake3::merkle_root(&hashes) != header.records_root
        || inputs_root(&ranges, body.outcome_bytes(), positions) != header.inputs_root
    {
        return refused("its records, ranges or outcomes are not what its header says");
    }
    for index in 0..body.record_count() {
        let Ok(record) = Record::decode(body.record(index)) else { return refused("a record cannot be decoded") };
        if body.annex(index).is_some_and(|annex| !record.names(annex)) {
            return refused("an annex is not what its record names");
        }
    }
    let Some(outcomes) = body.outcomes().collect::<Option<Vec<Outcome>>>() else {
        return refused("an outcome cannot be read");
    };
    let of = |wanted: &dyn Fn(&Outcome) -> bool| -> Vec<Digest> {
        outcomes.iter().filter(|outcome| wanted(outcome)).map(|outcome| outcome.digest).collect()
    };
    if !is_of(copied.evidence, &of(&has_evidence)) {
        return refused("its evidence is not what its outcomes say");
    }
    let rejected = of(&|outcome| matches!(outcome.verdict, Verdict::Rejected(_)));
    if !copied.rejected.is_empty() && !is_of(copied.rejected, &rejected) {
        return refused("its rejected inputs are not what its outcomes say");
    }
    Ok(())
}

/// Whether a list's inputs have these digests.
fn is_of(list: &[u8], digests: &[Digest]) -> bool {
    let Some(spans) = ByteList::spans(list).filter(|spans| spans.len() == digests.len()) else { return false };
    let mut found = Vec::with_capacity(digests.len());
    blake3::keyed_many(&digest::INPUT, spans.into_iter().map(|span| &list[span]), &mut found);
    found == digests
}
