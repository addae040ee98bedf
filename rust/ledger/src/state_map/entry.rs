//! What the map holds for a key: the value that its hash covers, and where the record of that hash stands.

use farechain_core::digest::Digest;

/// A key with what it has.
pub type Entry = (Digest, Held);

/// What a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The value: the hash of a record.
    pub hash: Digest,
    /// Where that record stands in the log, packed. No root covers it: whoever reads the record compares its hash.
    pub place: u64,
}
