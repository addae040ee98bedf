//! A block as it goes to a second copy, and who takes it there.
//!
//! ```text
//! u64 height · 32 bytes hash · u32 body · u32 evidence · u32 rejected (bytes of each) · body · evidence · rejected inputs
//! ```
//! Integers are big-endian; the parts are the bodies of the block's frames, the last one empty where there is none.

use std::sync::{Mutex, OnceLock};

use farechain_core::digest::Digest;

use crate::error::LedgerError;
use crate::log::body::Body;

const HEAD_BYTES: usize = 52;
/// Where the lengths stand.
const LENGTHS_AT: usize = 40;

/// Takes blocks to a second copy.
pub trait SecondCopy: Send + Sync + std::fmt::Debug {
    /// Returns once the second copy has the block of this height and hash durable: only then is it acknowledged to anybody.
    ///
    /// # Errors
    /// `Replica` where it gave up: the process ends, and the block is taken there when the ledger is opened again.
    fn take(&self, height: u64, hash: &Digest, message: &[u8]) -> Result<(), LedgerError>;
}

/// What a ledger has to do with copies: where its blocks go, or what it took as a copy and did not apply yet.
#[derive(Debug, Default)]
pub struct Copies {
    second: OnceLock<Box<dyn SecondCopy>>,
    pub(crate) unapplied: Mutex<Option<Body>>,
}

impl Copies {
    /// From now on each block goes there. Once only.
    ///
    /// # Errors
    /// `Invalid` where it was said before.
    pub fn go_to(&self, second: Box<dyn SecondCopy>) -> Result<(), LedgerError> {
        self.second.set(second).map_err(|_| LedgerError::Invalid("this ledger has a second copy already".into()))
    }

    pub(crate) fn confirm(
        &self,
        height: u64,
        hash: &Digest,
        body: &[&[u8]],
        evidence: &[&[u8]],
        rejected: &[&[u8]],
    ) -> Result<(), LedgerError> {
        self.second
            .get()
            .map_or(Ok(()), |second| second.take(height, hash, &message(height, hash, body, evidence, rejected)))
    }
}

/// A message's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied<'m> {
    /// The block.
    pub height: u64,
    /// Its hash.
    pub hash: Digest,
    /// The body of its frame.
    pub body: &'m [u8],
    /// The body of its evidence's frame.
    pub evidence: &'m [u8],
    /// The list of its rejected inputs; empty where there are none, or they have expired.
    pub rejected: &'m [u8],
}

/// The message of a block whose parts are these pieces.
///
/// # Panics
/// For a part of 4 GiB or more; blocks are bounded far below.
pub fn message(height: u64, hash: &Digest, body: &[&[u8]], evidence: &[&[u8]], rejected: &[&[u8]]) -> Vec<u8> {
    let parts = [body, evidence, rejected];
    let lengths = parts.map(|pieces| pieces.iter().map(|piece| piece.len()).sum::<usize>());
    let mut out = Vec::with_capacity(HEAD_BYTES + lengths.iter().sum::<usize>());
    out.extend_from_slice(&height.to_be_bytes());
    out.extend_from_slice(hash);
    for length in lengths {
        out.extend_from_slice(&u32::try_from(length).expect("a block is smaller than 4 GiB").to_be_bytes());
    }
    parts.iter().flat_map(|pieces| pieces.iter()).for_each(|piece| out.extend_from_slice(piece));
    out
}

impl<'m> Copied<'m> {
    /// Reads a message; `None` for anything else.
    pub fn parse(message: &'m [u8]) -> Option<Copied<'m>> {
        let (head, rest) = message.split_at_checked(HEAD_BYTES)?;
        let word = |at: usize| Some(u32::from_be_bytes(head[at..at + 4].try_into().ok()?) as usize);
        let (body, rest) = rest.split_at_checked(word(LENGTHS_AT)?)?;
        let (evidence, rejected) = rest.split_at_checked(word(LENGTHS_AT + 4)?)?;
        let height = u64::from_be_bytes(head[..8].try_into().ok()?);
        let hash = head[8..LENGTHS_AT].try_into().ok()?;
        (rejected.len() == word(LENGTHS_AT + 8)?).then_some(Copied { height, hash, body, evidence, rejected })
    }
}
