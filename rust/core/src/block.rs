//! A block's header and what its two roots commit to.

use alloc::string::String;
use alloc::vec::Vec;

use crate::digest::Digest;

/// The version of headers and records.
pub const VERSION: u64 = 1;

/// The header of a block: deterministic CBOR of
/// `[version, suite, chain, height, previous, time_ms, record_count, records_root, inputs_root]`.
/// Its bytes are the block's entry in the public log; its hash is [`crate::digest::block`] of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The chain's name, `<network>/<number>`.
    pub chain: String,
    /// 0 for genesis.
    pub height: u64,
    /// The hash of the block before; zeros for genesis.
    pub previous: Digest,
    /// Block time, milliseconds since 1970; never goes back.
    pub time_ms: u64,
    /// Records in the block.
    pub record_count: u32,
    /// Merkle root over the records' bytes.
    pub records_root: Digest,
    /// Merkle root over the source ranges, then the outcomes (their encoded bytes).
    pub inputs_root: Digest,
}

/// What a block consumed of one source: deterministic CBOR of `[source, first_offset, next_offset, last_digest]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceRange {
    /// Index into the genesis list of sources.
    pub source: u16,
    /// The position before the block.
    pub first_offset: u64,
    /// The position after it.
    pub next_offset: u64,
    /// The digest of the last input consumed of this source, ever: refetched and compared at start.
    pub last_digest: Digest,
}

/// A partition as genesis lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The topic's name; `system` for the engine's own inputs (always source 0).
    pub topic: String,
    /// The topic's id; zeros where the source has none (a spool).
    pub topic_id: [u8; 16],
    /// The partition.
    pub partition: u32,
}

/// What a chain is: the only record of block 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The network's name, which every signed input carries.
    pub network: String,
    /// The chain's name, `<network>/<number>`; the public log's origin is derived from it.
    pub chain: String,
    /// Minutes east of UTC for dates and periods: 480.
    pub utc_offset_min: i16,
    /// The bureau's public key.
    pub bureau: [u8; 32],
    /// How many waiting payments one block may issue.
    pub drain_max: u32,
    /// The regions (digits 2 to 5 of a code) for which numbers may be granted, `4403` for example.
    pub regions: Vec<String>,
    /// The partitions; index 0 is the engine's own `system`/0.
    pub sources: Vec<Source>,
}
