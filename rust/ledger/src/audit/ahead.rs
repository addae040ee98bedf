//! Looks ahead: many blocks are found and their inputs prepared together, so that small blocks fill the lanes, too.
//!
//! What is wrong with a block is kept until its turn comes: audit names the first byte that is wrong.

use std::path::Path;
use std::sync::Arc;

use farechain_core::decide::Check;
use farechain_core::digest::{self, Digest};
use farechain_core::error::Code;
use farechain_core::outcome::{Outcome, Verdict};

use crate::audit::walk::{Found, find};
use crate::audit::{Auditor, Failure};
use crate::batch::PreparedBatch;
use crate::error::LedgerError;
use crate::intake::{RawBatch, RawInput};
use crate::log::body::{ByteList, has_evidence};
use crate::prepare;

/// As many inputs as are prepared together: what the writer seals into a block.
const MOST_INPUTS: usize = 8192;

/// A block that was found, and where its inputs are in the batch.
pub(super) struct Ahead<'a> {
    pub(super) found: Found<'a>,
    /// The byte after it.
    pub(super) after: usize,
    /// `None`: one of them cannot be read.
    pub(super) outcomes: Option<Vec<Outcome>>,
    /// For each outcome, which input of the batch it is, if its bytes are there.
    pub(super) of_outcome: Result<Vec<Option<usize>>, Failure>,
}

/// A stretch of a segment: its blocks, their inputs prepared.
pub(super) struct Stretch<'a> {
    pub(super) blocks: Vec<Ahead<'a>>,
    pub(super) batch: PreparedBatch,
    /// What stands behind them is neither a block nor nothing.
    pub(super) broken: Option<Failure>,
}

impl Auditor<'_> {
    /// The next blocks of a segment from `at` on: at most so many inputs that preparing them is worth while, fewer where
    /// keys were just registered, since a signature whose key is not known yet is verified by itself.
    pub(super) fn look_ahead<'a>(
        &mut self,
        number: u32,
        path: &Path,
        segment: &'a Arc<Vec<u8>>,
        mut at: usize,
    ) -> Result<Stretch<'a>, LedgerError> {
        let mut raw = RawBatch { buffers: vec![Arc::clone(segment)], ..RawBatch::default() };
        let (mut blocks, mut broken) = (Vec::new(), None);
        while raw.inputs.len() < self.inputs_ahead {
            let Some(dirty) = segment[at..].iter().position(|byte| *byte != 0) else { break };
            let height = self.log.blocks() + blocks.len() as u64;
            let (found, after) = match find(number, path, segment, at, height) {
                Ok(found) => found,
                Err((byte, what)) => {
                    let byte = if byte == at { at + dirty } else { byte };
                    broken = Some(Failure { file: path.to_path_buf(), byte: byte as u64, what });
                    break;
                }
            };
            let outcomes: Option<Vec<Outcome>> = found.body.outcomes().collect();
            let of_outcome = self.inputs(&found, outcomes.as_deref().unwrap_or_default(), &mut raw)?;
            let whole = of_outcome.is_ok();
            blocks.push(Ahead { found, after, outcomes, of_outcome });
            at = after;
            if !whole {
                break;
            }
        }
        let batch = self.prepare(raw, &blocks);
        let applied = |outcome: &Outcome| outcome.verdict == Verdict::Applied;
        let registers = blocks.iter().filter_map(|block| block.outcomes.as_ref()).flatten().any(applied);
        self.inputs_ahead = if registers { 1 } else { (self.inputs_ahead * 2).min(MOST_INPUTS) };
        Ok(Stretch { blocks, batch, broken })
    }

    /// Adds a block's inputs to the batch.
    fn inputs(
        &self,
        found: &Found<'_>,
        outcomes: &[Outcome],
        raw: &mut RawBatch,
    ) -> Result<Result<Vec<Option<usize>>, Failure>, LedgerError> {
        let Some(spans) = ByteList::spans(found.evidence) else {
            return Ok(Err(found.in_evidence(0, "the evidence cannot be taken apart")));
        };
        if spans.len() != outcomes.iter().filter(|outcome| has_evidence(outcome)).count() {
            return Ok(Err(found.in_evidence(0, "there is not one piece of evidence for each accepted input")));
        }
        let rejected = self.rejected_of(found.body.header().height, outcomes)?;
        let evidence_start = found.evidence_start();
        let (mut accepted, mut refused) = (spans.into_iter(), rejected.into_iter().flatten());
        let mut of_outcome = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            let place = match outcome.verdict {
                Verdict::Drained => None,
                Verdict::Rejected(_) => refused.next().map(|bytes| {
                    let span = 0..bytes.len();
                    raw.buffers.push(Arc::new(bytes));
                    (raw.buffers.len() - 1, span)
                }),
                _ => accepted.next().map(|span| (0, evidence_start + span.start..evidence_start + span.end)),
            };
            of_outcome.push(place.as_ref().map(|_| raw.inputs.len()));
            let Some((buffer, span)) = place else { continue };
            if farechain_core::input::Input::parse(&raw.buffers[buffer][span.clone()]).is_none() {
                let at = if buffer == 0 { span.start - evidence_start } else { 0 };
                return Ok(Err(found.in_evidence(at, "evidence that is no input")));
            }
            raw.inputs.push(RawInput {
                source: outcome.source,
                timestamp_ms: outcome.timestamp_ms,
                buffer: buffer as u32,
                start: span.start as u32,
                end: span.end as u32,
            });
        }
        Ok(Ok(of_outcome))
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

    /// Decodes the batch and, if that was asked for, verifies it under the keys that are registered so far.
    fn prepare(&self, raw: RawBatch, blocks: &[Ahead<'_>]) -> PreparedBatch {
        if self.options.signatures {
            let registry = self.state.as_ref().map(|(_, registry)| registry);
            let look_up = |kid: &[u8; 16]| registry?.key(kid).map(|key| key.public_key);
            return prepare::prepare(raw, &self.keyring, &self.verifier, self.options.threads, &look_up).0;
        }
        let mut batch = prepare::decode(raw, self.options.threads);
        for block in blocks {
            let (Some(outcomes), Ok(of_outcome)) = (&block.outcomes, &block.of_outcome) else { continue };
            for (outcome, input) in outcomes.iter().zip(of_outcome) {
                if let Some(input) = input {
                    let bad = outcome.verdict == Verdict::Rejected(Code::Signature);
                    batch.inputs[*input].check = if bad { Check::Bad } else { Check::Good };
                }
            }
        }
        batch
    }
}
