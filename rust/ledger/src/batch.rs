//! A batch between the source and the state machine: inputs that are decoded and verified, in the order of decision.

use std::sync::Arc;

use farechain_core::decide::{Candidate, Check};
use farechain_core::digest::Digest;
use farechain_core::error::Code;
use farechain_core::event::Signed;
use farechain_core::input::Places;

/// One input that is ready for `decide`.
#[derive(Debug)]
pub struct PreparedInput {
    /// Index into the genesis list of sources.
    pub source: u16,
    /// The broker's append time, milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Which of the batch's buffers holds its canonical bytes.
    pub buffer: u32,
    /// Where they start.
    pub start: u32,
    /// Where they end.
    pub end: u32,
    /// Their digest.
    pub digest: Digest,
    /// Where its parts are among them.
    pub places: Places,
    /// What checking the signature gave.
    pub check: Check,
    /// What decoding the value gave.
    pub event: Result<Signed, Code>,
    /// Which of the batch's buffers of canonical data holds the event's.
    pub share: u32,
    /// Where it starts.
    pub data_start: u32,
    /// Where it ends; where it starts, if there is no event.
    pub data_end: u32,
}

/// What a batch consumes of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchRange {
    /// Index into the genesis list of sources.
    pub source: u16,
    /// The position before the batch.
    pub first_offset: u64,
    /// The position after it.
    pub next_offset: u64,
}

/// Inputs that become one block.
#[derive(Debug, Default)]
pub struct PreparedBatch {
    /// The buffers that hold the canonical bytes.
    pub buffers: Vec<Arc<Vec<u8>>>,
    /// The buffers that hold the canonical data of the events, one a share.
    pub data: Vec<Vec<u8>>,
    /// The inputs in the order of decision.
    pub inputs: Vec<PreparedInput>,
    /// The ranges, at most one a source.
    pub ranges: Vec<BatchRange>,
}

impl PreparedBatch {
    /// The canonical bytes of an input of this batch.
    pub fn bytes(&self, input: &PreparedInput) -> &[u8] {
        &self.buffers[input.buffer as usize][input.start as usize..input.end as usize]
    }

    /// The canonical data of an input's event.
    pub fn data(&self, input: &PreparedInput) -> &[u8] {
        &self.data[input.share as usize][input.data_start as usize..input.data_end as usize]
    }

    /// An input as `decide` takes it.
    pub fn candidate<'a>(&'a self, input: &'a PreparedInput) -> Candidate<'a> {
        Candidate {
            input: input.places.of(self.bytes(input)),
            timestamp_ms: input.timestamp_ms,
            check: input.check,
            event: input.event.as_ref().map_err(|code| *code),
            data: self.data(input),
        }
    }
}
