//! A batch between the source and the state machine: inputs that are decoded and verified, in the order of decision.

use std::sync::Arc;

use farechain_core::decide::Check;
use farechain_core::digest::Digest;
use farechain_core::error::Code;
use farechain_core::event::Signed;

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
    /// What checking the signature gave.
    pub check: Check,
    /// What decoding the value gave.
    pub event: Result<Signed, Code>,
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
}
