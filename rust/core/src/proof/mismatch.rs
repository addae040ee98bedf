//! Why a proof is refused.

use alloc::string::String;
use core::fmt;

use crate::note::NoteError;
use crate::state_map::Refused;

/// What of a proof did not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Not a proof in this form.
    Form(&'static str),
    /// The header is not a block header.
    Header,
    /// The count of records is not the header's.
    Count {
        /// As the proof says.
        proof: u32,
        /// As the header says.
        header: u32,
    },
    /// Record, index and path do not lead to the header's `records_root`.
    Record,
    /// The log's size is not the checkpoint's.
    Size {
        /// As the proof says.
        proof: u64,
        /// As the checkpoint says.
        checkpoint: u64,
    },
    /// The header and the log path do not lead to the checkpoint's root at the header's height.
    Log,
    /// Checkpoint, chain and log key do not name one origin.
    Origin {
        /// The checkpoint's origin.
        checkpoint: String,
        /// The header's chain.
        chain: String,
        /// The name of the log's key.
        key: String,
    },
    /// The checkpoint is malformed, or one of its signatures is wrong or there twice.
    Note(NoteError),
    /// The log has not signed the checkpoint.
    LogSignature,
    /// This name's signature line is neither the log's nor of the witness key that stands at its place.
    Signer(String),
    /// The witness keys that the proof carries are malformed, or not those of the signature lines.
    WitnessKeys(&'static str),
    /// Too few of the given witnesses have cosigned.
    Witnesses {
        /// How many have.
        found: usize,
        /// How many must.
        threshold: usize,
    },
    /// The proof of state does not lead from the root to what is shown.
    Map(Refused),
    /// What is shown is not what the state says.
    State(&'static str),
    /// The caller's keys or threshold make no sense.
    Keys(&'static str),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(what) => write!(f, "not a proof: {what}"),
            Self::Header => f.write_str("the header is not a block header of this version and suite"),
            Self::Count { proof, header } => {
                write!(f, "the proof counts {proof} records, the block header {header}")
            }
            Self::Record => f.write_str("the record does not stand at this index under the header's records_root"),
            Self::Size { proof, checkpoint } => {
                write!(f, "the proof is for a log of {proof} entries, the checkpoint of {checkpoint}")
            }
            Self::Log => f.write_str("the header does not stand at its height under the checkpoint's root"),
            Self::Origin { checkpoint, chain, key } => {
                write!(
                    f,
                    "the checkpoint's origin is {checkpoint}, the header's chain {chain}, the log key's name {key}"
                )
            }
            Self::Note(error) => error.fmt(f),
            Self::LogSignature => f.write_str("the log has not signed the checkpoint"),
            Self::Signer(name) => {
                write!(f, "the signature line of {name} is neither by the log nor by the witness key in its place")
            }
            Self::WitnessKeys(what) => write!(f, "the proof's witness keys: {what}"),
            Self::Witnesses { found, threshold } => {
                write!(f, "{found} of the given witnesses have cosigned the checkpoint, {threshold} must")
            }
            Self::Map(refused) => write!(f, "state: {refused}"),
            Self::State(what) => write!(f, "state: {what}"),
            Self::Keys(what) => write!(f, "keys: {what}"),
        }
    }
}

impl core::error::Error for Mismatch {}
