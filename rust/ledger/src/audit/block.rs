//! One block: built again from its evidence, its ranges and its time, and compared byte for byte.

use std::sync::Arc;

use farechain_core::block::SourceRange;
use farechain_core::decide::{Block, Check};
use farechain_core::digest::{self, Digest};
use farechain_core::error::Code;
use farechain_core::outcome::{Outcome, Verdict};
use farechain_core::record::Record;
use farechain_core::registry::Registry;

use crate::assemble::{Assembled, ENGINE, Step, What, step};
use crate::audit::walk::Found;
use crate::audit::{Auditor, Failure, first_difference};
use crate::batch::PreparedBatch;
use crate::draft::Draft;
use crate::error::LedgerError;
use crate::index::{Index, Position};
use crate::intake::{RawBatch, RawInput};
use crate::log::body::{Body, ByteList, has_evidence};
use crate::prepare;

/// Where genesis differs from what its own record gives.
pub(super) fn genesis_difference(body: &Body, registry: &Registry) -> Option<usize> {
    let genesis = registry.genesis().clone();
    let built = Assembled::genesis(Record::Genesis(Box::new(genesis.clone())));
    let block = Block { height: 0, time_ms: body.header().time_ms };
    let positions = vec![Position::default(); genesis.sources.len()];
    let header = built.header(&genesis.chain, [0; 32], block, &positions).encode();
    first_difference(&built.parts.pieces(&header).all(), body.bytes()).map(|byte| byte as usize)
}

/// The inputs of a block whose bytes are there, and for each outcome which of them it is.
struct Inputs {
    batch: PreparedBatch,
    of_outcome: Vec<Option<usize>>,
}

impl Auditor<'_> {
    /// Builds the block again and compares it; then it is applied.
    pub(super) fn rederive(&mut self, found: &Found<'_>) -> Result<Option<Failure>, LedgerError> {
        let Some((index, mut registry)) = self.state.take() else { return Ok(None) };
        let outcomes: Option<Vec<Outcome>> = found.body.outcomes().collect();
        let Some(outcomes) = outcomes else {
            return Ok(Some(found.in_body(0, "an outcome cannot be read")));
        };
        if let Some(what) = ranges_failure(&found.body, &outcomes, &index.positions) {
            return Ok(Some(found.in_body(found.body.layout().header().end, what)));
        }
        if found.body.header().time_ms < index.time_ms {
            return Ok(Some(found.in_body(found.body.layout().header().start, "block time goes back")));
        }
        let inputs = match self.inputs(found, &outcomes, &registry)? {
            Ok(inputs) => inputs,
            Err(failure) => return Ok(Some(failure)),
        };
        let built = match self.build(found, &outcomes, &inputs, &index, &mut registry) {
            Ok(built) => built,
            Err(failure) => return Ok(Some(failure)),
        };
        if let Some(failure) = found.checksum_failure() {
            return Ok(Some(failure));
        }
        self.count(&built, &inputs);
        self.log.push(found.place);
        self.state = Some((self.applied(index, found, &built), registry));
        Ok(None)
    }

    fn inputs(
        &self,
        found: &Found<'_>,
        outcomes: &[Outcome],
        registry: &Registry,
    ) -> Result<Result<Inputs, Failure>, LedgerError> {
        let Some(spans) = ByteList::spans(found.evidence) else {
            return Ok(Err(found.in_evidence(0, "the evidence cannot be taken apart")));
        };
        if spans.len() != outcomes.iter().filter(|outcome| has_evidence(outcome)).count() {
            return Ok(Err(found.in_evidence(0, "there is not one piece of evidence for each accepted input")));
        }
        let rejected = self.rejected_of(found.body.header().height, outcomes)?;
        let mut raw = RawBatch { buffers: vec![Arc::new(found.evidence.to_vec())], ..RawBatch::default() };
        let (mut accepted, mut refused) = (spans.iter().cloned(), rejected.into_iter().flatten());
        let mut of_outcome = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            let (buffer, span) = if has_evidence(outcome) {
                (0, accepted.next())
            } else if outcome.verdict == Verdict::Drained {
                (0, None)
            } else {
                let bytes = refused.next();
                let span = bytes.as_ref().map(|bytes| 0..bytes.len());
                raw.buffers.extend(bytes.map(Arc::new));
                (raw.buffers.len() as u32 - 1, span)
            };
            of_outcome.push(span.as_ref().map(|_| raw.inputs.len()));
            raw.inputs.extend(span.map(|span| RawInput {
                source: outcome.source,
                timestamp_ms: outcome.timestamp_ms,
                buffer,
                start: span.start as u32,
                end: span.end as u32,
            }));
        }
        if let Some(at) = raw.inputs.iter().position(|input| !is_input(&raw, input)) {
            return Ok(Err(found.in_evidence(raw.inputs[at].start as usize, "evidence that is no input")));
        }
        let batch = self.prepare(raw, outcomes, &of_outcome, registry);
        for (outcome, input) in outcomes.iter().zip(&of_outcome) {
            let prepared = input.map(|input| &batch.inputs[input]);
            if let Some(prepared) = prepared.filter(|prepared| prepared.digest != outcome.digest) {
                let what = format!("the evidence of offset {} is not what its outcome commits to", outcome.offset);
                return Ok(Err(found.in_evidence(prepared.start as usize, what)));
            }
        }
        Ok(Ok(Inputs { batch, of_outcome }))
    }

    /// The bytes of the block's rejected inputs, if all are there and are those that were rejected.
    fn rejected_of(&self, height: u64, outcomes: &[Outcome]) -> Result<Option<Vec<Vec<u8>>>, LedgerError> {
        let refused: Vec<&Digest> = outcomes
            .iter()
            .filter(|outcome| matches!(outcome.verdict, Verdict::Rejected(_)))
            .map(|outcome| &outcome.digest)
            .collect();
        let bytes = self.rejected.read(height)?.filter(|bytes| bytes.len() == refused.len());
        let same = |bytes: &Vec<Vec<u8>>| {
            bytes.iter().zip(&refused).all(|(bytes, digest)| digest::keyed(&digest::INPUT, bytes) == **digest)
        };
        Ok(bytes.filter(same))
    }

    fn prepare(
        &self,
        raw: RawBatch,
        outcomes: &[Outcome],
        of_outcome: &[Option<usize>],
        registry: &Registry,
    ) -> PreparedBatch {
        if self.options.signatures {
            let look_up = |kid: &[u8; 16]| registry.key(kid).map(|key| key.public_key);
            return prepare::prepare(raw, &self.keyring, &self.verifier, self.options.threads, &look_up).0;
        }
        let mut batch = prepare::decode(raw, self.options.threads);
        for (outcome, input) in outcomes.iter().zip(of_outcome) {
            if let Some(input) = input {
                let bad = outcome.verdict == Verdict::Rejected(Code::Signature);
                batch.inputs[*input].check = if bad { Check::Bad } else { Check::Good };
            }
        }
        batch
    }

    fn build<'i>(
        &self,
        found: &Found<'_>,
        outcomes: &[Outcome],
        inputs: &'i Inputs,
        index: &Index,
        registry: &mut Registry,
    ) -> Result<Assembled<'i>, Failure> {
        let header = found.body.header();
        let block = Block { height: header.height, time_ms: header.time_ms };
        let chain = registry.genesis().chain.clone();
        let draft = Draft::new(index, &self.log, registry, block, outcomes.len());
        let steps: Vec<Step<'i>> = outcomes
            .iter()
            .zip(&inputs.of_outcome)
            .filter(|(outcome, _)| outcome.verdict != Verdict::Drained)
            .map(|(outcome, input)| step_of(outcome, input.map(|input| &inputs.batch.inputs[input]), &inputs.batch))
            .collect();
        let built = Assembled::build(draft, &index.positions[usize::from(ENGINE)], steps.into_iter());
        let mut built = built.map_err(|damage| found.in_body(0, format!("block {}: {damage}", header.height)))?;
        built.close(found.body.ranges().filter(|range| range.source != ENGINE));
        let derived = built.header(&chain, index.head, block, &index.positions).encode();
        match first_difference(&built.parts.pieces(&derived).all(), found.body.bytes()) {
            None => Ok(built),
            Some(byte) => Err(found.in_body(byte as usize, difference(&found.body, byte as usize))),
        }
    }

    fn applied(&self, mut index: Index, found: &Found<'_>, built: &Assembled<'_>) -> Index {
        let header = found.body.header();
        let block = Block { height: header.height, time_ms: header.time_ms };
        let bytes = found.place.frames_bytes(found.evidence.len());
        built.apply_to(&mut index, &self.log, block, digest::block(found.body.header_bytes()), bytes);
        index
    }

    fn count(&mut self, built: &Assembled<'_>, inputs: &Inputs) {
        let report = &mut self.report;
        report.records += built.entries.len() as u64;
        for entry in &built.entries {
            match entry.record {
                Record::Invoice(_) => report.invoices += 1,
                Record::RedLetter(_) => report.red_letters += 1,
                _ => {}
            }
        }
        for (outcome, input) in built.outcomes.iter().zip(&inputs.of_outcome) {
            match outcome.verdict {
                Verdict::Drained => continue,
                Verdict::Duplicate(_) => report.duplicates += 1,
                Verdict::Rejected(_) => {
                    report.rejected += 1;
                    report.rejected_rederived += u64::from(input.is_some());
                    report.rejected_expired += u64::from(input.is_none());
                }
                _ => {}
            }
            report.inputs += 1;
            report.signatures_verified += u64::from(self.options.signatures && has_evidence(outcome));
        }
    }
}

fn is_input(raw: &RawBatch, input: &RawInput) -> bool {
    let bytes = &raw.buffers[input.buffer as usize][input.start as usize..input.end as usize];
    farechain_core::input::Input::parse(bytes).is_some()
}

fn step_of<'a>(
    outcome: &Outcome,
    prepared: Option<&'a crate::batch::PreparedInput>,
    batch: &'a PreparedBatch,
) -> Step<'a> {
    if let Some(prepared) = prepared {
        return Step { offset: outcome.offset, ..step(batch, prepared) };
    }
    let code = match outcome.verdict {
        Verdict::Rejected(code) => code,
        _ => Code::State,
    };
    Step {
        source: outcome.source,
        offset: outcome.offset,
        timestamp_ms: outcome.timestamp_ms,
        digest: outcome.digest,
        what: What::Rejected(code),
    }
}

/// Ranges continue the positions, each outcome lies in its source's range, in order, and each range ends with the digest
/// of its last input.
fn ranges_failure(body: &Body, outcomes: &[Outcome], positions: &[Position]) -> Option<String> {
    let ranges: Vec<SourceRange> = body.ranges().collect();
    if !ranges.is_sorted_by(|a, b| a.source < b.source) {
        return Some("the ranges are not in order".into());
    }
    for range in &ranges {
        let SourceRange { source, first_offset, next_offset, last_digest } = *range;
        let Some(position) = positions.get(usize::from(source)) else {
            return Some(format!("a range of source {source}, which the chain does not have"));
        };
        if position.next_offset != first_offset || next_offset <= first_offset {
            return Some(format!("the range of source {source} does not continue at {}", position.next_offset));
        }
        let last = outcomes.iter().rev().find(|outcome| outcome.source == source);
        if last.map_or(position.last_digest, |outcome| outcome.digest) != last_digest {
            return Some(format!("the range of source {source} does not end with its last input"));
        }
    }
    let mut expected: Vec<u64> = positions.iter().map(|position| position.next_offset).collect();
    for outcome in outcomes {
        let inside = ranges.iter().any(|range| {
            range.source == outcome.source && (range.first_offset..range.next_offset).contains(&outcome.offset)
        });
        let next = expected.get_mut(usize::from(outcome.source)).filter(|next| inside && **next <= outcome.offset);
        let Some(next) = next else {
            return Some(format!("offset {} of source {} is out of its place", outcome.offset, outcome.source));
        };
        *next = outcome.offset + 1;
    }
    None
}

fn difference(body: &Body, byte: usize) -> String {
    let layout = body.layout();
    let part = if layout.header().contains(&byte) {
        "the header"
    } else if layout.records().contains(&byte) {
        "a record"
    } else if layout.annexes().contains(&byte) {
        "an annex"
    } else if layout.ends().contains(&byte) {
        "the ends of records"
    } else {
        "counts, ranges or outcomes"
    };
    format!("block {}: {part} is not what its inputs give", body.header().height)
}
