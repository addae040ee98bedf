//! What became of one input: exactly one outcome each, committed to by the block's `inputs_root`.

use crate::digest::Digest;
use crate::error::Code;

/// Where a record stands: block height and index among the block's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Location {
    /// The block.
    pub height: u64,
    /// The record in the block.
    pub index: u32,
}

impl Location {
    /// 40 bits of height, 24 bits of index.
    pub const fn pack(self) -> u64 {
        self.height << 24 | (self.index as u64 & 0xFF_FFFF)
    }

    /// The opposite of [`Location::pack`].
    pub const fn unpack(packed: u64) -> Location {
        Location { height: packed >> 24, index: (packed & 0xFF_FFFF) as u32 }
    }
}

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A payment or top-up became a blue invoice (one record).
    Issued,
    /// A payment or refund was recorded without an invoice; its record says why.
    Recorded,
    /// A refund became a red-letter invoice (one record).
    Reversed,
    /// A command took effect (one record).
    Applied,
    /// The engine's own input: a drain of what waits (any number of records), or a commitment to current state (one).
    Drained,
    /// The same as an earlier input, whose first record stands there.
    Duplicate(Location),
    /// Nothing happened, for this reason.
    Rejected(Code),
}

impl From<Code> for Verdict {
    fn from(code: Code) -> Verdict {
        Verdict::Rejected(code)
    }
}

/// One outcome, [`Outcome::BYTES`] bytes when encoded.
///
/// ```text
/// u8 verdict (1 issued, 2 recorded, 3 reversed, 4 applied, 5 drained, 6 duplicate, 7 rejected)
/// u8 code (rejected), else 0
/// u16 source index        u64 offset         i64 timestamp_ms (the broker's append time)
/// u64 link: duplicate: packed location; otherwise index of the first record in this block
/// u32 record count        32 bytes input digest
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What became of it.
    pub verdict: Verdict,
    /// Index into the genesis list of sources.
    pub source: u16,
    /// Its offset there.
    pub offset: u64,
    /// The broker's append time, milliseconds since 1970.
    pub timestamp_ms: i64,
    /// The first of its records in this block.
    pub first_record: u32,
    /// How many records it made.
    pub record_count: u32,
    /// The digest of its canonical bytes.
    pub digest: Digest,
}

impl Outcome {
    /// Bytes of an encoded outcome.
    pub const BYTES: usize = 64;

    /// The encoded form, the leaf under `inputs_root`.
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let (verdict, code, link) = match self.verdict {
            Verdict::Issued => (1, 0, u64::from(self.first_record)),
            Verdict::Recorded => (2, 0, u64::from(self.first_record)),
            Verdict::Reversed => (3, 0, u64::from(self.first_record)),
            Verdict::Applied => (4, 0, u64::from(self.first_record)),
            Verdict::Drained => (5, 0, u64::from(self.first_record)),
            Verdict::Duplicate(location) => (6, 0, location.pack()),
            Verdict::Rejected(code) => (7, code as u8, 0),
        };
        let mut out = [0u8; Self::BYTES];
        out[0] = verdict;
        out[1] = code;
        out[2..4].copy_from_slice(&self.source.to_be_bytes());
        out[4..12].copy_from_slice(&self.offset.to_be_bytes());
        out[12..20].copy_from_slice(&self.timestamp_ms.to_be_bytes());
        out[20..28].copy_from_slice(&link.to_be_bytes());
        out[28..32].copy_from_slice(&self.record_count.to_be_bytes());
        out[32..].copy_from_slice(&self.digest);
        out
    }

    /// The opposite of [`Outcome::encode`]; `None` where the bytes are not an outcome.
    pub fn decode(bytes: &[u8; Self::BYTES]) -> Option<Outcome> {
        let number =
            |range: core::ops::Range<usize>| bytes[range].iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        let link = number(20..28);
        let verdict = match (bytes[0], bytes[1]) {
            (1, 0) => Verdict::Issued,
            (2, 0) => Verdict::Recorded,
            (3, 0) => Verdict::Reversed,
            (4, 0) => Verdict::Applied,
            (5, 0) => Verdict::Drained,
            (6, 0) => Verdict::Duplicate(Location::unpack(link)),
            (7, code) => Verdict::Rejected(Code::from_u8(code)?),
            _ => return None,
        };
        let outcome = Outcome {
            verdict,
            source: number(2..4) as u16,
            offset: number(4..12),
            timestamp_ms: i64::from_be_bytes(bytes[12..20].try_into().ok()?),
            first_record: if bytes[0] < 6 { u32::try_from(link).ok()? } else { 0 },
            record_count: number(28..32) as u32,
            digest: bytes[32..].try_into().ok()?,
        };
        (outcome.encode() == *bytes).then_some(outcome)
    }
}
