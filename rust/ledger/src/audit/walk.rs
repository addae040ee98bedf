//! Walks the segments frame by frame: everything that is no block must be zero.

use std::path::PathBuf;
use std::sync::Arc;

use crate::audit::ahead::Ahead;
use crate::audit::{Auditor, Failure};
use crate::batch::{PreparedBatch, PreparedInput};
use crate::error::LedgerError;
use crate::index::Secret;
use crate::ledger::State;
use crate::log::BlockPlace;
use crate::log::archived;
use crate::log::body::Body;
use crate::log::disk::segment_path;
use crate::log::frame::{HEAD_BYTES, Head, Kind, padded};

/// A block with its evidence as found in a segment.
pub(super) struct Found<'a> {
    pub(super) path: PathBuf,
    pub(super) place: BlockPlace,
    pub(super) body: Body,
    /// Whether the checksum of the body matches.
    pub(super) body_checked: bool,
    pub(super) evidence: &'a [u8],
    /// Whether the checksum of the evidence matches.
    pub(super) evidence_checked: bool,
}

impl Found<'_> {
    /// A failure at a byte of the body.
    pub(super) fn in_body(&self, byte: usize, what: impl Into<String>) -> Failure {
        self.at(u64::from(self.place.at) + (HEAD_BYTES + byte) as u64, what)
    }

    /// A failure at a byte of the evidence.
    pub(super) fn in_evidence(&self, byte: usize, what: impl Into<String>) -> Failure {
        self.at(self.place.evidence_at() + (HEAD_BYTES + byte) as u64, what)
    }

    /// Where the evidence's bytes begin in the segment.
    pub(super) fn evidence_start(&self) -> usize {
        self.place.evidence_at() as usize + HEAD_BYTES
    }

    /// The byte of the evidence at which an input stands; the first where it is none of it.
    pub(super) fn evidence_byte(&self, input: &PreparedInput) -> usize {
        (input.start as usize).saturating_sub(self.evidence_start())
    }

    fn at(&self, byte: u64, what: impl Into<String>) -> Failure {
        Failure { file: self.path.clone(), byte, what: what.into() }
    }

    /// Checksums are compared last: what the re-derivation finds is more exact.
    pub(super) fn checksum_failure(&self) -> Option<Failure> {
        let height = self.body.header().height;
        if !self.body_checked {
            return Some(
                self.at(u64::from(self.place.at) + 8, format!("the checksum of block {height} does not match")),
            );
        }
        let what = format!("the checksum of the evidence of block {height} does not match");
        (!self.evidence_checked).then(|| self.at(self.place.evidence_at() + 8, what))
    }
}

impl Auditor<'_> {
    /// Audits every segment in order; the first failure ends it.
    pub(super) fn walk(&mut self, secret: Secret) -> Result<Option<Failure>, LedgerError> {
        let mut number = 0;
        loop {
            let bytes = match archived::read(self.log.dir(), number)? {
                Ok(bytes) => bytes,
                Err(file) => {
                    let what = "this archived segment is not what was archived";
                    return Ok(Some(Failure { file, byte: 0, what: what.into() }));
                }
            };
            if let Some(failure) = self.walk_segment(number, &Arc::new(bytes), secret)? {
                return Ok(Some(failure));
            }
            number += 1;
            if !archived::is_there(self.log.dir(), number)? {
                break;
            }
        }
        if let Some(part) = self.snapshot.front().filter(|part| part.whole().is_some()) {
            let what = "the index snapshot is ahead of the log: blocks are missing";
            return Ok(Some(Failure { file: part.path.clone(), byte: 0, what: what.into() }));
        }
        Ok(None)
    }

    fn walk_segment(
        &mut self,
        number: u32,
        segment: &Arc<Vec<u8>>,
        secret: Secret,
    ) -> Result<Option<Failure>, LedgerError> {
        let path = segment_path(self.log.dir(), number);
        let mut at = 0;
        loop {
            let ahead = self.look_ahead(number, &path, segment, at)?;
            for block in &ahead.blocks {
                if let Some(failure) = self.check_block(block, &ahead.batch, secret)? {
                    return Ok(Some(failure));
                }
                self.report.blocks += 1;
                self.report.bytes += (block.after - at) as u64;
                if let Some(failure) = self.check_snapshot() {
                    return Ok(Some(failure));
                }
                at = block.after;
            }
            if ahead.broken.is_some() || ahead.blocks.is_empty() {
                return Ok(ahead.broken);
            }
        }
    }

    fn check_block(
        &mut self,
        block: &Ahead<'_>,
        batch: &PreparedBatch,
        secret: Secret,
    ) -> Result<Option<Failure>, LedgerError> {
        let found = &block.found;
        if self.state.is_some() {
            let failure = self.rederive(block, batch)?;
            // A broken body makes good evidence look wrong, a broken length all of it: then the checksum says more.
            let evidence_at = found.place.evidence_at();
            let misled = |failure: &Failure| {
                (!found.body_checked && failure.byte >= evidence_at)
                    || (!found.evidence_checked && failure.byte == evidence_at + HEAD_BYTES as u64)
            };
            return Ok(if failure.as_ref().is_some_and(misled) { found.checksum_failure() } else { failure });
        }
        if let Some(failure) = found.checksum_failure() {
            return Ok(Some(failure));
        }
        self.log.push(found.place);
        Ok(match State::genesis(secret, &found.place, &found.body) {
            Ok(State { index, registry }) => {
                if let Some(byte) = super::block::genesis_difference(&found.body, &registry) {
                    return Ok(Some(found.in_body(byte, "genesis is not what its record gives")));
                }
                self.state = Some((index, registry));
                self.report.records += 1;
                None
            }
            Err(what) => Some(found.in_body(0, what)),
        })
    }
}

/// A byte, and what is wrong there.
pub(super) type NotFound = (usize, String);

/// The block of this height at this place, with the byte after it.
pub(super) fn find<'a>(
    number: u32,
    path: &std::path::Path,
    bytes: &'a [u8],
    at: usize,
    height: u64,
) -> Result<(Found<'a>, usize), NotFound> {
    let (head, body) = frame(bytes, at, Kind::Block, height)?;
    let place = BlockPlace { segment: number, at: at as u32, body: head.length };
    let evidence_at = place.evidence_at() as usize;
    let body_checked = head.matches(body);
    let evidence = frame(bytes, evidence_at, Kind::Evidence, height);
    // A frame that does not match its own length explains why nothing stands behind it.
    let (evidence_head, evidence) = if body_checked { evidence? } else { evidence.map_err(|(_, what)| (at, what))? };
    let after = evidence_at + padded(evidence.len());
    let body_bytes = body.len();
    let evidence_checked = evidence_head.matches(evidence);
    let unreadable = || {
        let byte = if body_checked { at + HEAD_BYTES } else { at };
        (byte, format!("the parts of block {height} do not add up"))
    };
    let parsed = Body::parse(body.to_vec()).filter(|body| body.header().height == height);
    let body = parsed.ok_or_else(unreadable)?;
    // Behind a frame whose length may be wrong, nothing says where its padding is.
    let paddings = [
        (body_checked, at + HEAD_BYTES + body_bytes, evidence_at),
        (evidence_checked, evidence_at + HEAD_BYTES + evidence.len(), after),
    ];
    for (_, from, to) in paddings.into_iter().filter(|(checked, ..)| *checked) {
        if let Some(dirty) = bytes[from..to].iter().position(|byte| *byte != 0) {
            return Err((from + dirty, format!("the padding behind block {height} is not zero")));
        }
    }
    Ok((Found { path: path.to_path_buf(), place, body, body_checked, evidence, evidence_checked }, after))
}

fn frame(bytes: &[u8], at: usize, kind: Kind, height: u64) -> Result<(Head, &[u8]), NotFound> {
    let nothing = || {
        (
            at,
            format!(
                "no {kind} frame of block {height} where it must stand (a write that was cut off, if it is the last: opening the ledger clears it)"
            ),
        )
    };
    let head = bytes.get(at..).and_then(Head::parse).filter(|head| (head.kind, head.height) == (kind, height));
    let head = head.ok_or_else(nothing)?;
    let whole = at + padded(head.length as usize) <= bytes.len();
    let body = bytes.get(at + HEAD_BYTES..at + HEAD_BYTES + head.length as usize).filter(|_| whole);
    Ok((head, body.ok_or_else(nothing)?))
}
