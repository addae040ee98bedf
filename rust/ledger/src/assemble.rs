//! From inputs in their order to a block's bytes. The writer and audit run this same code: what was sealed can be
//! re-derived byte for byte from its inputs, ranges and time.

use std::ops::Range;

use farechain_core::block::{Header, SourceRange};
use farechain_core::decide::{self, Block, Candidate, Decision, Entry, Several, View};
use farechain_core::digest::{self, Digest};
use farechain_core::error::Code;
use farechain_core::input;
use farechain_core::outcome::{Outcome, Verdict};
use farechain_core::record::{Record, StateRecord};
use farechain_core::registry::Damage;
use farechain_lanes::blake3;

use crate::batch::{PreparedBatch, PreparedInput};
use crate::draft::Draft;
use crate::index::{Applied, Index, Position};
use crate::ledger::confirm;
use crate::log::LogReader;
use crate::log::body::Parts;

/// The engine's own source.
pub const ENGINE: u16 = 0;

/// An input with where it came from.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Index into the genesis list of sources.
    pub source: u16,
    /// Its offset there.
    pub offset: u64,
    /// The broker's append time, milliseconds since 1970.
    pub timestamp_ms: i64,
    /// The digest of its canonical bytes.
    pub digest: Digest,
    /// What is known of it, or, for audit, the rejection of bytes that have expired.
    pub what: What<'a>,
}

/// What is known of an input.
#[derive(Debug, Clone, Copy)]
pub enum What<'a> {
    /// To be decided.
    Candidate(Candidate<'a>),
    /// Its bytes are gone: taken as it was.
    Rejected(farechain_core::error::Code),
}

/// What a block's inputs became.
#[derive(Debug, Default)]
pub struct Assembled<'a> {
    /// The parts of the body, ranges included.
    pub parts: Parts,
    /// The outcomes in order.
    pub outcomes: Vec<Outcome>,
    /// Records with their annexes.
    pub entries: Vec<Entry<'a>>,
    /// The records' hashes, the leaves under `records_root`.
    pub hashes: Vec<Digest>,
}

impl<'a> Assembled<'a> {
    /// Decides the inputs in order, after the engine's own: a commitment to current state where one is given, and a drain if
    /// anything that waits can be issued.
    ///
    /// # Errors
    /// [`Damage`]: an invariant is broken; stop the process.
    pub fn build(
        mut draft: Draft<'_, 'a>,
        engine: &Position,
        state: Option<StateRecord>,
        steps: impl ExactSizeIterator<Item = Step<'a>>,
    ) -> Result<Assembled<'a>, Damage> {
        let mut built = Assembled { outcomes: Vec::with_capacity(steps.len() + 2), ..Assembled::default() };
        if let Some(state) = state {
            built.commit_to(state, &mut draft, engine)?;
        }
        built.drain(&mut draft, engine)?;
        for step in steps {
            let first = draft.entries.len();
            let decision = match &step.what {
                What::Candidate(candidate) => decide::decide(&draft, candidate, draft.block()),
                What::Rejected(code) => Decision::Nothing(Verdict::Rejected(*code)),
            };
            let verdict = match decision {
                Decision::Nothing(verdict) => verdict,
                Decision::One(verdict, entry) => {
                    draft.push(entry)?;
                    verdict
                }
                Decision::Several(verdict, several) => push_several(&mut draft, several)?.map_or(verdict, Into::into),
            };
            built.conclude(verdict, first..draft.entries.len(), &step);
        }
        (built.parts.records, built.parts.record_ends) = (draft.records, draft.record_ends);
        built.entries = draft.entries;
        Ok(built)
    }

    fn drain(&mut self, draft: &mut Draft<'_, 'a>, engine: &Position) -> Result<(), Damage> {
        let block = draft.block();
        if !decide::can_drain(draft, block) {
            return Ok(());
        }
        let (drain_max, first) = (draft.registry().genesis().drain_max, draft.entries.len());
        for _ in 0..drain_max {
            let Some(entry) = decide::drain_next(draft, block) else { break };
            draft.push(entry)?;
        }
        self.conclude_engine(&decide::drain_input(drain_max), first..draft.entries.len(), block, engine);
        Ok(())
    }

    /// The record is the first of its block.
    fn commit_to(&mut self, state: StateRecord, draft: &mut Draft<'_, 'a>, engine: &Position) -> Result<(), Damage> {
        draft.push(Entry { record: Record::State(state), annex: None })?;
        self.conclude_engine(&decide::state_input(state.height), 0..1, draft.block(), engine);
        Ok(())
    }

    /// The outcome of an input of the engine's own, behind those that it has in this block already.
    fn conclude_engine(&mut self, value: &[u8], records: Range<usize>, block: Block, engine: &Position) {
        let offset = engine.next_offset + self.outcomes.len() as u64;
        let mut bytes = Vec::new();
        input::encode(&mut bytes, offset, None, std::iter::empty(), Some(value));
        let digest = digest::keyed(&digest::INPUT, &bytes);
        let timestamp_ms = block.time_ms.cast_signed();
        let what = What::Rejected(farechain_core::error::Code::State);
        self.conclude(Verdict::Drained, records, &Step { source: ENGINE, offset, timestamp_ms, digest, what });
        self.parts.ranges = vec![SourceRange {
            source: ENGINE,
            first_offset: engine.next_offset,
            next_offset: offset + 1,
            last_digest: digest,
        }];
    }

    fn conclude(&mut self, verdict: Verdict, records: Range<usize>, step: &Step<'_>) {
        let first_record = match verdict {
            Verdict::Duplicate(_) | Verdict::Rejected(_) => 0,
            _ => records.start as u32,
        };
        self.outcomes.push(Outcome {
            verdict,
            source: step.source,
            offset: step.offset,
            timestamp_ms: step.timestamp_ms,
            first_record,
            record_count: records.len() as u32,
            digest: step.digest,
        });
    }

    /// Closes the block with the ranges that its inputs cover, in the order of sources, the engine's own not among them.
    /// All that is left needs no state: the annexes and the outcomes as bytes, and the records' hashes.
    pub fn close(&mut self, ranges: impl Iterator<Item = SourceRange>) {
        let parts = &mut self.parts;
        parts.ranges.extend(ranges);
        parts.ranges.sort_unstable_by_key(|range| range.source);
        let annexes = self.entries.iter().map(|entry| entry.annex.as_deref().unwrap_or_default());
        parts.annexes.reserve(annexes.clone().map(<[u8]>::len).sum());
        parts.annex_ends.reserve(self.entries.len());
        for annex in annexes {
            parts.annexes.extend_from_slice(annex);
            parts.annex_ends.push(parts.annexes.len() as u32);
        }
        parts.outcomes.reserve(self.outcomes.len() * Outcome::BYTES);
        self.outcomes.iter().for_each(|outcome| parts.outcomes.extend_from_slice(&outcome.encode()));
        blake3::keyed_many(&digest::LEAF, blake3::split(&parts.records, 0, &parts.record_ends), &mut self.hashes);
    }

    /// The header over all this, once it is closed.
    pub fn header(&self, chain: &str, previous: Digest, block: Block, positions: &[Position]) -> Header {
        Header {
            chain: chain.into(),
            height: block.height,
            previous,
            time_ms: block.time_ms,
            record_count: self.entries.len() as u32,
            records_root: blake3::merkle_root(&self.hashes),
            inputs_root: inputs_root(&self.parts.ranges, &self.parts.outcomes, positions),
        }
    }

    /// Applies the block to the index, once it is durable and the log's reader knows its place. `bytes`: of its frames.
    pub fn apply_to(&self, index: &mut Index, log: &LogReader, block: Block, hash: Digest, bytes: u64) {
        let applied = Applied {
            height: block.height,
            hash,
            time_ms: block.time_ms,
            bytes,
            ranges: &self.parts.ranges,
            outcomes: &self.outcomes,
            entries: &self.entries,
            hashes: &self.hashes,
        };
        index.apply(&applied, &confirm(log));
    }

    /// Genesis: one record, no input.
    pub fn genesis(record: Record) -> Assembled<'a> {
        let mut built = Assembled::default();
        record.encode(&mut built.parts.records);
        built.parts.record_ends.push(built.parts.records.len() as u32);
        built.entries.push(Entry { record, annex: None });
        built.close(std::iter::empty());
        built
    }
}

/// Pushes the records of one input, or none and gives the code that refuses it.
fn push_several(draft: &mut Draft<'_, '_>, mut several: Several) -> Result<Option<Code>, Damage> {
    draft.begin_several();
    loop {
        match several.next(draft, draft.block()) {
            Ok(Some(entry)) => draft.push(entry)?,
            Ok(None) => {
                draft.keep_several();
                return Ok(None);
            }
            Err(code) => {
                draft.take_back_several();
                return Ok(Some(code));
            }
        }
    }
}

/// An input of a batch as a step.
pub fn step<'a>(batch: &'a PreparedBatch, prepared: &'a PreparedInput) -> Step<'a> {
    let candidate = batch.candidate(prepared);
    Step {
        source: prepared.source,
        offset: candidate.input.offset,
        timestamp_ms: prepared.timestamp_ms,
        digest: prepared.digest,
        what: What::Candidate(candidate),
    }
}

/// One leaf a source, moved or not, then one an outcome (their encoded bytes, one behind the other).
pub(crate) fn inputs_root(ranges: &[SourceRange], outcomes: &[u8], positions: &[Position]) -> Digest {
    let mut leaves = Vec::with_capacity(positions.len() + outcomes.len() / Outcome::BYTES);
    for (source, position) in positions.iter().enumerate() {
        let source = source as u16;
        let moved = ranges.iter().find(|range| range.source == source).copied();
        let range = moved.unwrap_or(SourceRange {
            source,
            first_offset: position.next_offset,
            next_offset: position.next_offset,
            last_digest: position.last_digest,
        });
        leaves.push(digest::leaf(&range.encode()));
    }
    blake3::keyed_many(&digest::LEAF, outcomes.chunks_exact(Outcome::BYTES), &mut leaves);
    blake3::merkle_root(&leaves)
}
