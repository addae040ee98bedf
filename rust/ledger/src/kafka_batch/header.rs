//! The 61 bytes before a batch's records, and its CRC.

use super::BatchError;
use super::bytes::{i32_at, i64_at};

/// Length of a header.
pub(super) const BYTES: usize = 61;

/// Base offset and length: what every message format begins with.
const OVERHEAD: usize = 12;
const MAGIC_AT: usize = 16;
const CRC_AT: usize = 17;
const CRC_FROM: usize = 21;

const CODEC: i16 = 0x07;
const APPEND_TIME: i16 = 0x08;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;

/// What a batch says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchHeader {
    /// Of the whole batch, header included.
    pub(super) bytes: usize,
    pub(super) base: u64,
    pub(super) last_delta: i32,
    pub(super) next_offset: u64,
    pub(super) base_ms: i64,
    pub(super) max_ms: i64,
    pub(super) producer_id: i64,
    pub(super) count: usize,
    attributes: i16,
}

impl BatchHeader {
    /// The header of the batch that `bytes` begin with; `None` where the batch is not whole.
    ///
    /// `expected` is named by the error where the base offset makes no sense.
    pub(super) fn read(bytes: &[u8], expected: u64) -> Result<Option<BatchHeader>, BatchError> {
        if bytes.len() < OVERHEAD {
            return Ok(None);
        }
        let base = u64::try_from(i64_at(bytes, 0))
            .map_err(|_| BatchError { offset: expected, what: "its base offset is negative" })?;
        let bad = |what| BatchError { offset: base, what };
        let length = usize::try_from(i32_at(bytes, 8)).map_err(|_| bad("its length is negative"))? + OVERHEAD;
        if length < BYTES {
            return Err(bad("shorter than a batch header"));
        }
        if bytes.get(MAGIC_AT).is_some_and(|magic| *magic != 2) {
            return Err(bad("message format is not 2"));
        }
        if bytes.len() < length {
            return Ok(None);
        }
        let last_delta = i32_at(bytes, 23);
        let count = usize::try_from(i32_at(bytes, 57)).map_err(|_| bad("its record count is negative"))?;
        let offsets = u64::try_from(last_delta).map_err(|_| bad("its last offset lies before its first"))? + 1;
        if count as u64 > offsets {
            return Err(bad("more records than offsets"));
        }
        let next_offset = (base + offsets <= i64::MAX.cast_unsigned()).then_some(base + offsets);
        Ok(Some(BatchHeader {
            bytes: length,
            base,
            last_delta,
            next_offset: next_offset.ok_or_else(|| bad("its offsets go beyond the last one there is"))?,
            base_ms: i64_at(bytes, 27),
            max_ms: i64_at(bytes, 35),
            producer_id: i64_at(bytes, 43),
            count,
            attributes: i16::from_be_bytes([bytes[21], bytes[22]]),
        }))
    }

    pub(super) fn check_crc(&self, batch: &[u8]) -> Result<(), &'static str> {
        let good = crc32c::crc32c(&batch[CRC_FROM..self.bytes]) == i32_at(batch, CRC_AT).cast_unsigned();
        if good { Ok(()) } else { Err("CRC-32C does not match") }
    }

    pub(super) fn codec(&self) -> i16 {
        self.attributes & CODEC
    }

    /// Whether records bear the broker's append time instead of their own.
    pub(super) fn has_append_time(&self) -> bool {
        self.attributes & APPEND_TIME != 0
    }

    pub(super) fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    pub(super) fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }
}
