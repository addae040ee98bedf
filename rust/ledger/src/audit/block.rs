//! One block: built again from its evidence, its ranges and its time, and compared byte for byte.

use farechain_core::block::SourceRange;
use farechain_core::decide::Block;
use farechain_core::digest;
use farechain_core::error::Code;
use farechain_core::outcome::{Outcome, Verdict};
use farechain_core::record::{Record, StateRecord};
use farechain_core::registry::Registry;

use crate::assemble::{Assembled, ENGINE, Step, What, step};
use crate::audit::ahead::Ahead;
use crate::audit::walk::Found;
use crate::audit::{Auditor, Failure, first_difference};
use crate::batch::{PreparedBatch, PreparedInput};
use crate::draft::Draft;
use crate::error::LedgerError;
use crate::index::{Index, Position};
use crate::log::body::{Body, has_evidence};

/// Where genesis differs from what its own record gives.
pub(super) fn genesis_difference(body: &Body, registry: &Registry) -> Option<usize> {
    let genesis = registry.genesis().clone();
    let built = Assembled::genesis(Record::Genesis(Box::new(genesis.clone())));
    let block = Block { height: 0, time_ms: body.header().time_ms };
    let positions = vec![Position::default(); genesis.sources.len()];
    let header = built.header(&genesis.chain, [0; 32], block, &positions).encode();
    first_difference(&built.parts.pieces(&header).all(), body.bytes()).map(|byte| byte as usize)
}

impl Auditor<'_> {
    /// Builds the block again and compares it; then it is applied.
    pub(super) fn rederive(
        &mut self,
        ahead: &Ahead<'_>,
        batch: &PreparedBatch,
    ) -> Result<Option<Failure>, LedgerError> {
        let state = match self.state_of(&ahead.found)? {
            Ok(state) => state,
            Err(failure) => return Ok(Some(failure)),
        };
        Ok(self.rederive_with(ahead, batch, state))
    }

    fn rederive_with(
        &mut self,
        ahead: &Ahead<'_>,
        batch: &PreparedBatch,
        state: Option<StateRecord>,
    ) -> Option<Failure> {
        let (index, mut registry) = self.state.take()?;
        let found = &ahead.found;
        let Some(outcomes) = &ahead.outcomes else { return Some(found.in_body(0, "an outcome cannot be read")) };
        if let Some(what) = ranges_failure(&found.body, outcomes, &index.positions) {
            return Some(found.in_body(found.body.layout().header().end, what));
        }
        if found.body.header().time_ms < index.time_ms {
            return Some(found.in_body(found.body.layout().header().start, "block time goes back"));
        }
        let inputs: Vec<Option<&PreparedInput>> = match &ahead.of_outcome {
            Ok(of_outcome) => of_outcome.iter().map(|input| input.map(|input| &batch.inputs[input])).collect(),
            Err(failure) => return Some(failure.clone()),
        };
        if let Some(failure) = digest_failure(found, outcomes, &inputs) {
            return Some(failure);
        }
        let built = match self.build(found, outcomes, &inputs, batch, &index, &mut registry, state) {
            Ok(built) => built,
            Err(failure) => return Some(failure),
        };
        if let Some(failure) = found.checksum_failure() {
            return Some(failure);
        }
        self.count(&built, &inputs);
        self.log.push(found.place);
        self.state = Some((self.applied(index, found, &built), registry));
        None
    }

    #[expect(clippy::too_many_arguments, reason = "what a block is made of")]
    fn build<'i>(
        &self,
        found: &Found<'_>,
        outcomes: &[Outcome],
        inputs: &[Option<&'i PreparedInput>],
        batch: &'i PreparedBatch,
        index: &Index,
        registry: &mut Registry,
        state: Option<StateRecord>,
    ) -> Result<Assembled<'i>, Failure> {
        let header = found.body.header();
        let block = Block { height: header.height, time_ms: header.time_ms };
        let chain = registry.genesis().chain.clone();
        let draft = Draft::new(index, &self.log, registry, block, outcomes.len());
        let steps: Vec<Step<'i>> = outcomes
            .iter()
            .zip(inputs)
            .filter(|(outcome, _)| outcome.verdict != Verdict::Drained)
            .map(|(outcome, input)| step_of(outcome, *input, batch))
            .collect();
        let built = Assembled::build(draft, &index.positions[usize::from(ENGINE)], state, steps.into_iter());
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

    fn count(&mut self, built: &Assembled<'_>, inputs: &[Option<&PreparedInput>]) {
        let report = &mut self.report;
        report.records += built.entries.len() as u64;
        for entry in &built.entries {
            match entry.record {
                Record::Invoice(_) | Record::Claimed(_) => report.invoices += 1,
                Record::RedLetter(_) | Record::LineRedLetter(_) => report.red_letters += 1,
                _ => {}
            }
        }
        for (outcome, input) in built.outcomes.iter().zip(inputs) {
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

/// The first input that is not what its outcome commits to.
fn digest_failure(found: &Found<'_>, outcomes: &[Outcome], inputs: &[Option<&PreparedInput>]) -> Option<Failure> {
    let of_inputs = outcomes.iter().zip(inputs).filter_map(|(outcome, input)| Some((outcome, (*input)?)));
    let (outcome, input) = of_inputs.into_iter().find(|(outcome, input)| input.digest != outcome.digest)?;
    let what = format!("the evidence of offset {} is not what its outcome commits to", outcome.offset);
    Some(found.in_evidence(found.evidence_byte(input), what))
}

fn step_of<'a>(outcome: &Outcome, prepared: Option<&'a PreparedInput>, batch: &'a PreparedBatch) -> Step<'a> {
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
